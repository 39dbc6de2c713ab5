# SPDX-License-Identifier: Apache-2.0
"""What is amiss with sites: what agents say of it, checked; what the service sees by itself; told when it changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from services.installer.model.sites import Sites, site_id
from shared.clock import from_text, to_text
from shared.contracts.installer import SiteFinding, SiteFindingsChanged, SiteReport, SiteView
from shared.contracts.installer.findings import BY_AGENTS, NO_ORDER, TOOLS

_MODE = re.compile(r"[0-7]{4}\Z")
_HEX = re.compile(r"[0-9A-Fa-f]{0,64}\Z")
_PATH, _OWNER = 500, 64  # characters


class Brought(NamedTuple):
    """The last certificate that was brought to a site: of which order, by which installation."""

    order_id: str = ""
    installation_id: str = ""


class Party(NamedTuple):
    """Whose server it is, and what was brought to its sites."""

    server_id: str
    agent_id: str
    account_id: str
    brought: Callable[[str], Brought]


def after_report(known: Sites, reports: Sequence[SiteReport], party: Party, at: str) -> list[SiteFindingsChanged]:
    """What is new after an agent's report; findings of sites that are gone end. The service's own stay as they are."""
    told: dict[str, tuple[str, list[SiteFinding]]] = {}
    for each in reports:
        identity = site_id(party.server_id, each.web_server, each.name)
        own = [one for one in known.findings.get(identity, ()) if one.kind not in BY_AGENTS]
        told[identity] = (each.name[:255], [*_checked(each.findings, at), *own])
    names = {site.site_id: site.name for site in known.sites}
    told |= {identity: (names.get(identity, ""), []) for identity in known.findings if identity not in told}
    events: list[SiteFindingsChanged] = []
    for identity, (name, findings) in told.items():
        events += _changed(known, identity, name, findings, party)
    return events


def none_any_more(known: Sites, party: Party) -> list[SiteFindingsChanged]:
    """Nobody looks at the server any more: no finding of it stands."""
    return after_report(known, [], party, "")


def after_look(known: Sites, site: SiteView, finding: SiteFinding | None, party: Party) -> list[SiteFindingsChanged]:
    """What is new about the end of a site's certificate."""
    others = [one for one in known.findings.get(site.site_id, ()) if one.kind != NO_ORDER]
    found = [*others, finding] if finding is not None else others
    return _changed(known, site.site_id, site.name, found, party)


def ends_without_order(
    site: SiteView, orders: Iterable[Sequence[str]], now: datetime, within: timedelta
) -> SiteFinding | None:
    """Whether the site's certificate ends soon while none of the `orders`, told by their names, is good for it."""
    until = ends_at(site)
    if not until or from_text(until) - now > within:
        return None
    wanted = names_of(site)
    if any(all(_covers(names, fqdn) for fqdn in wanted) for names in orders):
        return None
    return SiteFinding(kind=NO_ORDER, since=to_text(now), until=until)


def ends_at(site: SiteView) -> str:
    """When the first certificate of the site ends; empty when it has none, or one that says nonsense."""
    ends = []
    for binding in site.bindings:
        if binding.tls and binding.certificate is not None:
            try:
                ends.append(to_text(from_text(binding.certificate.not_after)))
            except ValueError:
                continue
    return min(ends, default="")


def names_of(site: SiteView) -> list[str]:
    """The FQDNs that an order would have to be good for: the site's own, else its certificate's."""
    own = [name.removeprefix(".").lower() for name in site.names if _is_fqdn(name.removeprefix("."))]
    if own:
        return own[:100]
    served = (binding.certificate for binding in site.bindings if binding.certificate is not None)
    return [name.lower() for certificate in served for name in certificate.names][:100]


def _checked(findings: Sequence[SiteFinding], at: str) -> list[SiteFinding]:
    """Those of the closed list, each once, with what has its form."""
    found: dict[str, SiteFinding] = {}
    for one in findings:
        if one.kind in BY_AGENTS and one.kind not in found:
            found[one.kind] = SiteFinding(
                kind=one.kind,
                since=_moment(one.since, at),
                path=_words(one.path, _PATH),
                mode=one.mode if _MODE.match(one.mode) else "",
                by=one.by if one.by in TOOLS else "unknown" if one.by else "",
                evidence=_words(one.evidence, _PATH),
                owner=_words(one.owner, _OWNER),
                serial=one.serial if _HEX.match(one.serial) else "",
                spki_sha256=one.spki_sha256 if _HEX.match(one.spki_sha256) else "",
                served=one.served,
            )
    return list(found.values())


def _changed(
    known: Sites, identity: str, name: str, findings: Sequence[SiteFinding], party: Party
) -> list[SiteFindingsChanged]:
    """One event when something else is amiss than before; a finding keeps the moment at which it began."""
    before = {one.kind: one for one in known.findings.get(identity, ())}
    now = [
        msgspec.structs.replace(one, since=before[one.kind].since) if one.kind in before else one for one in findings
    ]
    if {one.kind: one for one in now} == before:
        return []
    last = party.brought(identity)
    return [
        SiteFindingsChanged(
            server_id=party.server_id,
            agent_id=party.agent_id,
            account_id=party.account_id,
            site_id=identity,
            site_name=name,
            findings=now,
            order_id=last.order_id,
            installation_id=last.installation_id,
        )
    ]


def _covers(names: Sequence[str], fqdn: str) -> bool:
    """A wildcard is good for one label (RFC 6125 §6.4.3)."""
    return any(name in (fqdn, "*." + fqdn.partition(".")[2]) for name in names)


def _is_fqdn(name: str) -> bool:
    return "." in name and not set(name.removeprefix("*.")) & set("*~^_$ /:") and not name[-1:].isdigit()


def _words(text: str, limit: int) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:limit])


def _moment(said: str, at: str) -> str:
    try:
        return min(to_text(from_text(said)), at)
    except ValueError:
        return at
