# SPDX-License-Identifier: Apache-2.0
"""What is amiss with sites, what was brought to them, whose keys they use, and which orders cover their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from services.installer.model.findings import Brought
from services.installer.tables import brought, covering, servers, site_findings, site_keys, sites
from shared.contracts.installer import ListedSite, SiteFinding, SiteView
from shared.contracts.installer.findings import NO_ORDER, shown

_finding = msgspec.json.Decoder(SiteFinding)
_site = msgspec.json.Decoder(SiteView)
AMISS = sa.exists().where(site_findings.c.site_id == sites.c.site_id)


def with_findings(connection: sa.Connection, listed: Sequence[ListedSite]) -> list[ListedSite]:
    """These sites with what is amiss, and on how many other servers of their account their keys are."""
    ids = [site.site_id for site in listed]
    found: dict[str, list[SiteFinding]] = {}
    chosen = sa.select(site_findings.c.site_id, site_findings.c.finding).where(site_findings.c.site_id.in_(ids))
    for identity, text in connection.execute(chosen):
        found.setdefault(identity, []).append(_finding.decode(text))
    elsewhere = _key_servers(connection, ids)
    return [
        msgspec.structs.replace(
            site, findings=shown(found.get(site.site_id, [])), key_servers=elsewhere.get(site.site_id, 0)
        )
        for site in listed
    ]


def _key_servers(connection: sa.Connection, ids: Sequence[str]) -> dict[str, int]:
    mine, other = site_keys.alias(), site_keys.alias()
    same = sa.and_(
        other.c.spki_sha256 == mine.c.spki_sha256,
        other.c.account_id == mine.c.account_id,  # what others use is nobody's business: ADR 31
        other.c.server_id != mine.c.server_id,
    )
    count = sa.func.count(sa.distinct(other.c.server_id))
    chosen = sa.select(mine.c.site_id, count).select_from(mine.join(other, same)).where(mine.c.site_id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(chosen.group_by(mine.c.site_id))}


def keys_of_several_accounts(connection: sa.Connection) -> int:
    """How many keys are used on sites of more than one account."""
    several = sa.select(site_keys.c.spki_sha256).group_by(site_keys.c.spki_sha256)
    several = several.having(sa.func.count(sa.distinct(site_keys.c.account_id)) > 1)
    found: int = connection.execute(sa.select(sa.func.count()).select_from(several.subquery())).scalar_one()
    return found


def last_brought(connection: sa.Connection, site_id: str) -> Brought:
    """The last certificate that an order brought to a site."""
    row = connection.execute(sa.select(brought).where(brought.c.site_id == site_id)).first()
    return Brought() if row is None else Brought(row.order_id, row.installation_id)


class Ending(NamedTuple):
    """A site that the clock has to look at; `until`: it is said that it ends then without an order."""

    site: SiteView
    agent_id: str
    account_id: str
    until: str | None


PAGE = 500


def ending(connection: sa.Connection, until: str, after: str | None) -> list[Ending]:
    """Sites with a certificate that ends until then, and those that are said to end without an order: up to a `PAGE` of
    them after a site, by their ids."""
    said = sa.and_(site_findings.c.site_id == sites.c.site_id, site_findings.c.kind == NO_ORDER)
    there = sites.join(servers, servers.c.server_id == sites.c.server_id).outerjoin(site_findings, said)
    chosen = sa.select(sites.c.view, servers.c.agent_id, sites.c.account_id, site_findings.c.finding).select_from(there)
    due = sa.or_(sa.and_(sites.c.ends_at != "", sites.c.ends_at <= until), site_findings.c.kind.is_not(None))
    if after is not None:
        chosen = chosen.where(sites.c.site_id > after)
    rows = connection.execute(chosen.where(due).order_by(sites.c.site_id).limit(PAGE))
    return [
        Ending(_site.decode(view), agent_id, account_id, None if finding is None else _finding.decode(finding).until)
        for view, agent_id, account_id, finding in rows
    ]


def orders_with(connection: sa.Connection, account_id: str, fqdn: str) -> list[list[str]]:
    """The names of each open order of the account that is good for an FQDN."""
    spellings = (f" {fqdn} ", f" *.{fqdn.partition('.')[2]} ")
    named = sa.or_(*(covering.c.names.contains(text, autoescape=True) for text in spellings))
    mine = (covering.c.account_id == account_id, covering.c.paid.is_(True), covering.c.ended.is_(False))
    return [text.split() for text in connection.execute(sa.select(covering.c.names).where(*mine, named)).scalars()]


def cover(connection: sa.Connection, order_id: str, **known: Any) -> None:
    """Notes what is new about an order; its events come in any order."""
    row = connection.execute(sa.select(covering).where(covering.c.order_id == order_id)).first()
    if row is None:
        blank = {"account_id": "", "names": "", "paid": False, "ended": False}
        connection.execute(sa.insert(covering).values(order_id=order_id, **{**blank, **known}))
    else:
        connection.execute(sa.update(covering).where(covering.c.order_id == order_id).values(**known))
