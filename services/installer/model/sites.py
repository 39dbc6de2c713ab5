# SPDX-License-Identifier: Apache-2.0
"""What an agent says its host serves: given ids, and compared with what it said before."""

from __future__ import annotations

import msgspec

from services.installer.model.outcome import fit_to_keep
from shared.clock import derived_id
from shared.contracts.installer import (
    ServerAdded,
    SiteFinding,
    SiteFindingsChanged,
    SiteReport,
    SitesReported,
    SiteView,
)
from shared.errors import invalid
from shared.eventsourcing.fold import Fold

MOST_SITES = 2000
REPORT_LIMIT = 8 * 1024 * 1024  # bytes of JSON


class Sites(msgspec.Struct, frozen=True, kw_only=True):
    """The sites of one server, as last reported; `reported` tells an empty server from one never heard of.

    `findings` are what is amiss, by site.
    """

    reported: bool = False
    sites: tuple[SiteView, ...] = ()
    findings: dict[str, tuple[SiteFinding, ...]] = {}


SITES: Fold[Sites] = Fold(Sites)


def stream(server_id: str) -> str:
    """The name of a server's stream."""
    return f"server-{server_id}"


def site_id(server_id: str, web_server: str, name: str) -> str:
    """The same as long as the site's name and server stay."""
    return derived_id("site", server_id, web_server, name)


def report(
    known: Sites, reports: list[SiteReport], *, server_id: str, agent_id: str, account_id: str, at: str
) -> list[SitesReported]:
    """The whole new list, or nothing when nothing changed. Raises ServiceError `invalid` on absurd reports."""
    if len(reports) > MOST_SITES:
        raise invalid(f"A server with more than {MOST_SITES} sites is not supported.", "/sites")
    fit_to_keep(reports, REPORT_LIMIT)
    before = {site.site_id: site for site in known.sites}
    views = []
    for each in reports:
        identity = site_id(server_id, each.web_server, each.name)
        view = SiteView(
            site_id=identity,
            server_id=server_id,
            web_server=each.web_server[:40],
            name=each.name[:255],
            names=each.names,
            bindings=each.bindings,
            document_root=each.document_root,
            config_path=each.config_path,
            writable=each.writable,
            reason=each.reason[:500],
            last_reported_at=at,
        )
        old = before.get(identity)
        same = old is not None and msgspec.structs.replace(view, last_reported_at=old.last_reported_at) == old
        views.append(old if same and old is not None else view)
    unique = list({view.site_id: view for view in views}.values())
    if known.reported and tuple(unique) == known.sites:
        return []
    return [SitesReported(server_id=server_id, agent_id=agent_id, account_id=account_id, sites=unique)]


def none_any_more(known: Sites, server: ServerAdded | None) -> list[SitesReported]:
    """The empty list of a server that is taken out, unless it had none."""
    if server is None or not known.sites:
        return []
    who = {"server_id": server.server_id, "agent_id": server.agent_id, "account_id": server.account_id}
    return [SitesReported(**who, sites=[])]


@SITES.on(SitesReported)
def _reported(state: Sites, event: SitesReported) -> Sites:
    return msgspec.structs.replace(state, reported=True, sites=tuple(event.sites))


@SITES.on(SiteFindingsChanged)
def _found(state: Sites, event: SiteFindingsChanged) -> Sites:
    others = {site_id: found for site_id, found in state.findings.items() if site_id != event.site_id}
    mine = {event.site_id: tuple(event.findings)} if event.findings else {}
    return msgspec.structs.replace(state, findings={**others, **mine})
