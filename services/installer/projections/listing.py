# SPDX-License-Identifier: Apache-2.0
"""Pages of agents, servers, sites and jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from services.installer.projections.finding import SERVER_NAME, SERVERS, WITH_CONTACT
from services.installer.projections.watching import AMISS, with_findings
from services.installer.tables import agent_jobs, agents, contacts, servers, sites
from shared.contracts.base import Page
from shared.contracts.installer import JobView, ListedSite
from shared.contracts.paging import Ordering, cursor_at, pair_after

V = TypeVar("V")
_job = msgspec.json.Decoder(JobView)
_site = msgspec.json.Decoder(ListedSite)
MAX_LIMIT = 200
SITES_BY_NAME = "name"
SITE_SORTS = (SITES_BY_NAME, "server")


def page_of_agents(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    make: Callable[[sa.Row[Any]], V],
) -> Page[V]:
    """Agents in the order of their creation."""
    query = WITH_CONTACT.where(agents.c.removed.is_(False))
    key = (agents.c.created_at, agents.c.agent_id)
    return _page(connection, query, make, account_id=account_id, key=key, limit=limit, cursor=cursor)


def page_of_servers(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    make: Callable[[sa.Row[Any]], V],
    *,
    agent_id: str | None = None,
) -> Page[V]:
    """Servers in the order of their creation."""
    query = SERVERS if agent_id is None else SERVERS.where(servers.c.agent_id == agent_id)
    key = (servers.c.created_at, servers.c.server_id)
    return _page(connection, query, make, account_id=account_id, key=key, limit=limit, cursor=cursor)


def page_of_sites(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    place: Ordering,
    *,
    server_id: str | None = None,
    name: str | None = None,
    search: str | None = None,
    amiss: bool | None = None,
) -> Page[ListedSite]:
    """Sites by name, or by the name of their server.

    With `name` those that serve this FQDN, wildcard names included (one label, RFC 6125 §6.4.3); with `search` those
    that have the text in their name, an FQDN or their server's name; with `amiss` those with findings, or without.
    """
    server_name = sa.func.coalesce(SERVER_NAME, "").label("server_name")
    there = sites.outerjoin(servers, servers.c.server_id == sites.c.server_id)
    there = there.outerjoin(agents, agents.c.agent_id == servers.c.agent_id)
    there = there.outerjoin(contacts, contacts.c.agent_id == servers.c.agent_id)
    query = sa.select(sites, server_name).select_from(there)
    if server_id is not None:
        query = query.where(sites.c.server_id == server_id)
    if name is not None:
        wanted = name.lower()
        spellings = (f" {wanted} ", f" *.{wanted.partition('.')[2]} ")
        query = query.where(sa.or_(*(sites.c.names.contains(text, autoescape=True) for text in spellings)))
    if search:
        text = search.strip().lower()
        places = (sa.func.lower(sites.c.name), sites.c.names, sa.func.lower(server_name.element))
        query = query.where(sa.or_(*(one.contains(text, autoescape=True) for one in places)))
    if amiss is not None:
        query = query.where(AMISS if amiss else sa.not_(AMISS))
    page = _page(
        connection,
        query,
        lambda row: msgspec.structs.replace(_site.decode(row.view), server_name=row.server_name),
        account_id=account_id,
        key=(sites.c.name, sites.c.site_id),
        before=(sa.func.lower(server_name.element),) if place.key == "server" else (),
        newest_first=place.descending,
        offset=place.offset,
        limit=limit,
        cursor=cursor,
        turned=place != Ordering(SITES_BY_NAME, descending=False, offset=place.offset),
    )
    return msgspec.structs.replace(page, items=with_findings(connection, page.items))


def page_of_jobs(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    *,
    order_id: str | None = None,
    server_id: str | None = None,
    kind: str | None = None,
    status: str | None = None,
) -> Page[JobView]:
    """Jobs, newest first."""
    query = sa.select(agent_jobs)
    if order_id is not None:
        query = query.where(agent_jobs.c.order_id == order_id)
    if server_id is not None:
        query = query.where(agent_jobs.c.server_id == server_id)
    if kind is not None:
        query = query.where(agent_jobs.c.kind == kind)
    if status is not None:
        query = query.where(agent_jobs.c.status == status)
    key = (agent_jobs.c.created_at, agent_jobs.c.job_id)
    return _page(
        connection,
        query,
        lambda row: _job.decode(row.view),
        account_id=account_id,
        key=key,
        limit=limit,
        cursor=cursor,
        newest_first=True,
    )


def _page(
    connection: sa.Connection,
    query: sa.Select[Any],
    make: Callable[[sa.Row[Any]], V],
    *,
    account_id: str | None,
    key: Sequence[sa.Column[str]],
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
    before: Sequence[sa.ColumnElement[Any]] = (),
    offset: int = 0,
    turned: bool = False,
) -> Page[V]:
    """One page by a two-column key that is unique; `total` counts all pages. Raises ServiceError `invalid`.

    What stands in `before` orders more than the key. A page of an order that cursors do not know is `turned`.
    """
    first, second = key
    if account_id is not None:
        query = query.where(first.table.c.account_id == account_id)
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    if cursor is not None:
        value, identity = pair_after(cursor)
        place = sa.tuple_(first, second)
        bound = sa.tuple_(sa.literal(value), sa.literal(identity))
        query = query.where(place < bound if newest_first else place > bound)
    order = (*before, first, second)
    limit = min(max(limit, 1), MAX_LIMIT)
    ordered = query.order_by(*(one.desc() for one in order) if newest_first else order)
    rows = connection.execute(ordered.limit(limit + 1).offset(offset)).all()
    last = rows[limit - 1]._mapping if len(rows) > limit and not turned else None
    following = cursor_at(last[first.name], last[second.name]) if last is not None else None
    return Page(items=[make(row) for row in rows[:limit]], next_cursor=following, total=total)
