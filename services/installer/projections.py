# SPDX-License-Identifier: Apache-2.0
"""The installer's read model: one function per event, and the queries over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from services.installer.tables import agent_jobs, agents, contacts, projections, sites
from shared.contracts.base import Page
from shared.contracts.installer import (
    AgentEnrolled,
    AgentJobClaimed,
    AgentJobCreated,
    AgentJobFailed,
    AgentJobSucceeded,
    AgentRegistered,
    AgentRemoved,
    AgentRenamed,
    AgentStepReported,
    JobView,
    SitesReported,
    SiteView,
)
from shared.contracts.paging import cursor_at, pair_after
from shared.eventsourcing.envelope import Envelope

__all__ = ["projections"]

V = TypeVar("V")
_encoder = msgspec.json.Encoder(order="deterministic")
_job = msgspec.json.Decoder(JobView)
_site = msgspec.json.Decoder(SiteView)
MAX_LIMIT = 200


@projections.on(AgentRegistered)
def _registered(connection: sa.Connection, envelope: Envelope[AgentRegistered]) -> None:
    event = envelope.data
    connection.execute(
        sa.insert(agents).values(
            agent_id=event.agent_id,
            account_id=event.account_id,
            uid=event.uid,
            name=event.name,
            taken_name=event.name.casefold(),
            server_id="",
            created_at=envelope.occurred_at,
            enrolled_at=None,
            removed=False,
            version="",
            os="",
        )
    )


@projections.on(AgentRenamed)
def _renamed(connection: sa.Connection, envelope: Envelope[AgentRenamed]) -> None:
    event = envelope.data
    _update_agent(connection, event.agent_id, name=event.name, taken_name=event.name.casefold())


@projections.on(AgentEnrolled)
def _enrolled(connection: sa.Connection, envelope: Envelope[AgentEnrolled]) -> None:
    event = envelope.data
    at = sa.func.coalesce(agents.c.enrolled_at, envelope.occurred_at)
    _update_agent(
        connection, event.agent_id, server_id=event.server_id, enrolled_at=at, version=event.version, os=event.os
    )


@projections.on(AgentRemoved)
def _removed(connection: sa.Connection, envelope: Envelope[AgentRemoved]) -> None:
    event = envelope.data
    server_id = sa.select(agents.c.server_id).where(agents.c.agent_id == event.agent_id).scalar_subquery()
    connection.execute(sa.delete(sites).where(sites.c.server_id == server_id))
    _update_agent(connection, event.agent_id, removed=True, taken_name=None)


def _update_agent(connection: sa.Connection, agent_id: str, **values: Any) -> None:
    connection.execute(sa.update(agents).where(agents.c.agent_id == agent_id).values(**values))


@projections.on(SitesReported)
def _sites_reported(connection: sa.Connection, envelope: Envelope[SitesReported]) -> None:
    event = envelope.data
    connection.execute(sa.delete(sites).where(sites.c.server_id == event.server_id))
    rows = [
        {
            "site_id": site.site_id,
            "server_id": event.server_id,
            "account_id": event.account_id,
            "name": site.name,
            "names": f" {' '.join(site.names)} ",
            "view": _encoder.encode(site).decode(),
        }
        for site in event.sites
    ]
    if rows:
        connection.execute(sa.insert(sites), rows)


@projections.on(AgentJobCreated)
def _job_created(connection: sa.Connection, envelope: Envelope[AgentJobCreated]) -> None:
    event = envelope.data
    view = JobView(
        job_id=event.job_id,
        kind=event.kind,
        agent_id=event.agent_id,
        server_id=event.server_id,
        status="waiting",
        created_at=envelope.occurred_at,
        order_id=event.order_id,
        subject=event.subject,
    )
    connection.execute(
        sa.insert(agent_jobs).values(
            job_id=event.job_id,
            account_id=event.account_id,
            agent_id=event.agent_id,
            server_id=event.server_id,
            order_id=event.order_id,
            status="waiting",
            created_at=envelope.occurred_at,
            view=_encoder.encode(view).decode(),
        )
    )


@projections.on(AgentJobClaimed)
def _job_claimed(connection: sa.Connection, envelope: Envelope[AgentJobClaimed]) -> None:
    _update_job(connection, envelope.data.job_id, status="claimed", claimed_at=envelope.occurred_at)


@projections.on(AgentStepReported)
def _job_stepped(connection: sa.Connection, envelope: Envelope[AgentStepReported]) -> None:
    event = envelope.data
    _update_job(connection, event.job_id, steps=[*_view_of(connection, event.job_id).steps, event.step])


@projections.on(AgentJobSucceeded)
def _job_succeeded(connection: sa.Connection, envelope: Envelope[AgentJobSucceeded]) -> None:
    event = envelope.data
    at = envelope.occurred_at
    _update_job(connection, event.job_id, status="succeeded", finished_at=at, result=event.result)


@projections.on(AgentJobFailed)
def _job_failed(connection: sa.Connection, envelope: Envelope[AgentJobFailed]) -> None:
    event = envelope.data
    at = envelope.occurred_at
    _update_job(connection, event.job_id, status="failed", finished_at=at, reason=event.reason)


def _view_of(connection: sa.Connection, job_id: str) -> JobView:
    text = connection.execute(sa.select(agent_jobs.c.view).where(agent_jobs.c.job_id == job_id)).scalar_one()
    return _job.decode(text)


def _update_job(connection: sa.Connection, job_id: str, **changes: Any) -> None:
    view = msgspec.structs.replace(_view_of(connection, job_id), **changes)
    connection.execute(
        sa.update(agent_jobs)
        .where(agent_jobs.c.job_id == job_id)
        .values(status=view.status, view=_encoder.encode(view).decode())
    )


# --- queries ---------------------------------------------------------------------------------------------------------

_WITH_CONTACT = sa.select(
    agents,
    contacts.c.seen_at,
    contacts.c.address,
    contacts.c.facts,
).select_from(agents.outerjoin(contacts, contacts.c.agent_id == agents.c.agent_id))


def find_agent(connection: sa.Connection, **wanted: str) -> sa.Row[Any] | None:
    """The agent, removed ones left out, with its last contact, by `agent_id`, `uid` or `server_id`."""
    query = _WITH_CONTACT.where(agents.c.removed.is_(False))
    for column, value in wanted.items():
        query = query.where(agents.c[column] == value)
    return connection.execute(query).first()


def name_taken(connection: sa.Connection, account_id: str, name: str) -> bool:
    """Whether another agent of the account has this name, whatever its case."""
    query = sa.select(agents.c.agent_id).where(
        agents.c.account_id == account_id, agents.c.taken_name == name.casefold()
    )
    return connection.execute(query).first() is not None


def page_of_agents(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    make: Callable[[sa.Row[Any]], V],
    *,
    agent_id: str | None = None,
    servers_only: bool = False,
) -> Page[V]:
    """Agents in the order of their creation; only those whose host is a server, if asked."""
    query = _WITH_CONTACT.where(agents.c.removed.is_(False))
    if agent_id is not None:
        query = query.where(agents.c.agent_id == agent_id)
    if servers_only:
        query = query.where(agents.c.server_id != "")
    key = (agents.c.created_at, agents.c.agent_id)
    return _page(connection, query, make, account_id=account_id, key=key, limit=limit, cursor=cursor)


def page_of_sites(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    *,
    server_id: str | None = None,
    name: str | None = None,
) -> Page[SiteView]:
    """Sites by name; with `name` those that serve this FQDN, wildcard names included (one label, RFC 6125 §6.4.3)."""
    query = sa.select(sites)
    if server_id is not None:
        query = query.where(sites.c.server_id == server_id)
    if name is not None:
        wanted = name.lower()
        spellings = (f" {wanted} ", f" *.{wanted.partition('.')[2]} ")
        query = query.where(sa.or_(*(sites.c.names.contains(text, autoescape=True) for text in spellings)))
    key = (sites.c.name, sites.c.site_id)
    return _page(
        connection,
        query,
        lambda row: _site.decode(row.view),
        account_id=account_id,
        key=key,
        limit=limit,
        cursor=cursor,
    )


def page_of_jobs(
    connection: sa.Connection,
    account_id: str | None,
    limit: int,
    cursor: str | None,
    *,
    order_id: str | None = None,
    server_id: str | None = None,
) -> Page[JobView]:
    """Jobs, newest first."""
    query = sa.select(agent_jobs)
    if order_id is not None:
        query = query.where(agent_jobs.c.order_id == order_id)
    if server_id is not None:
        query = query.where(agent_jobs.c.server_id == server_id)
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


def find_site(connection: sa.Connection, account_id: str, server_id: str, site_id: str) -> SiteView | None:
    """A site of one server of the account."""
    query = sa.select(sites.c.view).where(
        sites.c.site_id == site_id, sites.c.server_id == server_id, sites.c.account_id == account_id
    )
    text = connection.execute(query).scalar()
    return None if text is None else _site.decode(text)


def find_job(connection: sa.Connection, account_id: str | None, job_id: str) -> JobView | None:
    """A job of the account; of any account for None."""
    query = sa.select(agent_jobs.c.view).where(agent_jobs.c.job_id == job_id)
    if account_id is not None:
        query = query.where(agent_jobs.c.account_id == account_id)
    text = connection.execute(query).scalar()
    return None if text is None else _job.decode(text)


def open_jobs(connection: sa.Connection, agent_id: str, limit: int = 1000) -> list[str]:
    """Ids of what the agent still has to do, oldest first."""
    query = (
        sa.select(agent_jobs.c.job_id)
        .where(agent_jobs.c.agent_id == agent_id, agent_jobs.c.status.in_(("waiting", "claimed")))
        .order_by(agent_jobs.c.created_at, agent_jobs.c.job_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def jobs_older_than(connection: sa.Connection, moment: str, limit: int = 100) -> list[str]:
    """Ids of open jobs created before a moment (RFC 3339 text)."""
    query = (
        sa.select(agent_jobs.c.job_id)
        .where(agent_jobs.c.status.in_(("waiting", "claimed")), agent_jobs.c.created_at < moment)
        .order_by(agent_jobs.c.created_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


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
) -> Page[V]:
    """One page by a two-column key that is unique; `total` counts all pages. Raises ServiceError `invalid`."""
    first, second = key
    if account_id is not None:
        query = query.where(first.table.c.account_id == account_id)
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    if cursor is not None:
        value, identity = pair_after(cursor)
        place = sa.tuple_(first, second)
        bound = sa.tuple_(sa.literal(value), sa.literal(identity))
        query = query.where(place < bound if newest_first else place > bound)
    order = (first.desc(), second.desc()) if newest_first else (first, second)
    limit = min(max(limit, 1), MAX_LIMIT)
    rows = connection.execute(query.order_by(*order).limit(limit + 1)).all()
    last = rows[limit - 1]._mapping if len(rows) > limit else None
    following = cursor_at(last[first.name], last[second.name]) if last is not None else None
    return Page(items=[make(row) for row in rows[:limit]], next_cursor=following, total=total)
