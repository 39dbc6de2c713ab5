# SPDX-License-Identifier: Apache-2.0
"""One agent, server, site or job, and what the clock looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from services.installer.tables import agent_jobs, agents, contacts, servers, site_findings, sites
from shared.contracts.installer import JobView, SiteView

_job = msgspec.json.Decoder(JobView)
_site = msgspec.json.Decoder(SiteView)

WITH_CONTACT = sa.select(
    agents,
    contacts.c.seen_at,
    contacts.c.address,
    contacts.c.facts,
).select_from(agents.outerjoin(contacts, contacts.c.agent_id == agents.c.agent_id))
# What people call a server: the name that they gave it, else its agent's word, else its host's, else its agent's name.
SERVER_NAME: sa.ColumnElement[str] = sa.func.coalesce(
    sa.func.nullif(servers.c.given_name, ""),
    sa.func.nullif(servers.c.label, ""),
    sa.func.nullif(contacts.c.hostname, ""),
    agents.c.name,
)
WITH_AGENT = servers.join(agents, agents.c.agent_id == servers.c.agent_id).outerjoin(
    contacts, contacts.c.agent_id == servers.c.agent_id
)
_SITES_THERE = (
    sa.select(sa.func.count()).select_from(sites).where(sites.c.server_id == servers.c.server_id).scalar_subquery()
)
_SITES_AMISS = (
    sa.select(sa.func.count(sa.distinct(site_findings.c.site_id)))
    .where(site_findings.c.server_id == servers.c.server_id)
    .scalar_subquery()
)
SERVERS = sa.select(
    servers,
    SERVER_NAME.label("name"),
    _SITES_THERE.label("sites"),
    _SITES_AMISS.label("sites_amiss"),
    agents.c.name.label("agent_name"),
    agents.c.enrolled_at,
    agents.c.version.label("agent_version"),
    agents.c.os.label("agent_os"),
    contacts.c.seen_at,
    contacts.c.address.label("agent_address"),
    contacts.c.facts,
).select_from(WITH_AGENT)


def find_agent(connection: sa.Connection, **wanted: str) -> sa.Row[Any] | None:
    """The agent, removed ones left out, with its last contact, by `agent_id` or `uid`."""
    query = WITH_CONTACT.where(agents.c.removed.is_(False))
    for column, value in wanted.items():
        query = query.where(agents.c[column] == value)
    return connection.execute(query).first()


def find_server(connection: sa.Connection, server_id: str) -> sa.Row[Any] | None:
    """A server with its agent and that one's last contact."""
    return connection.execute(SERVERS.where(servers.c.server_id == server_id)).first()


def servers_of(connection: sa.Connection, agent_id: str) -> dict[str, str]:
    """The servers that an agent reaches over SSH: its `ref` by id."""
    query = sa.select(servers.c.server_id, servers.c.ref).where(servers.c.agent_id == agent_id, servers.c.ref != "")
    return {row.server_id: row.ref for row in connection.execute(query)}


def name_taken(connection: sa.Connection, account_id: str, name: str) -> bool:
    """Whether another agent of the account has this name, whatever its case."""
    query = sa.select(agents.c.agent_id).where(
        agents.c.account_id == account_id, agents.c.taken_name == name.casefold()
    )
    return connection.execute(query).first() is not None


def server_name_taken(connection: sa.Connection, account_id: str, server_id: str, name: str) -> bool:
    """Whether another server of the account is called so, by its own name or its host's, whatever the case."""
    query = (
        sa.select(servers.c.server_id)
        .select_from(WITH_AGENT)
        .where(
            servers.c.account_id == account_id,
            servers.c.server_id != server_id,
            sa.or_(servers.c.taken_name == name.casefold(), sa.func.lower(SERVER_NAME) == name.lower()),
        )
    )
    return connection.execute(query).first() is not None


def find_site(connection: sa.Connection, account_id: str, server_id: str, site_id: str) -> SiteView | None:
    """A site of one server of the account."""
    query = sa.select(sites.c.view).where(
        sites.c.site_id == site_id, sites.c.server_id == server_id, sites.c.account_id == account_id
    )
    text = connection.execute(query).scalar()
    return None if text is None else _site.decode(text)


def sites_serving(connection: sa.Connection, account_id: str, fqdn: str, limit: int = 20) -> list[SiteView]:
    """Sites of the account that serve an FQDN from a folder, by its own name or a wildcard's, one for each server."""
    spellings = (f" {fqdn} ", f" *.{fqdn.partition('.')[2]} ")
    named = sa.or_(*(sites.c.names.contains(text, autoescape=True) for text in spellings))
    query = sa.select(sites.c.view).where(sites.c.account_id == account_id, named).order_by(sites.c.site_id)
    found = [_site.decode(text) for text in connection.execute(query).scalars()]
    by_server = {site.server_id: site for site in found if site.document_root}
    return list(by_server.values())[:limit]


def jobs_of_order(connection: sa.Connection, order_id: str, kind: str, account_id: str = "") -> list[str]:
    """Ids of the jobs of one kind for an order, in the order of their making; the account makes it quicker."""
    query = sa.select(agent_jobs.c.job_id).where(agent_jobs.c.order_id == order_id, agent_jobs.c.kind == kind)
    if account_id:
        query = query.where(agent_jobs.c.account_id == account_id)
    return list(connection.execute(query.order_by(agent_jobs.c.created_at, agent_jobs.c.job_id)).scalars())


def find_job(connection: sa.Connection, account_id: str | None, job_id: str) -> JobView | None:
    """A job of the account; of any account for None."""
    query = sa.select(agent_jobs.c.view).where(agent_jobs.c.job_id == job_id)
    if account_id is not None:
        query = query.where(agent_jobs.c.account_id == account_id)
    text = connection.execute(query).scalar()
    return None if text is None else _job.decode(text)


def open_jobs(
    connection: sa.Connection,
    agent_id: str,
    limit: int = 1000,
    *,
    held: Sequence[str] = (),
    busy: Sequence[str] = (),
    server_id: str | None = None,
) -> list[str]:
    """Ids of what the agent still has to do, oldest first: without what it has in hand and what is for servers that
    have enough, or only on one server."""
    query = (
        sa.select(agent_jobs.c.job_id)
        .where(agent_jobs.c.agent_id == agent_id, agent_jobs.c.status.in_(("waiting", "claimed")))
        .order_by(agent_jobs.c.created_at, agent_jobs.c.job_id)
        .limit(limit)
    )
    if held:
        query = query.where(agent_jobs.c.job_id.not_in(held))
    if busy:
        query = query.where(agent_jobs.c.server_id.not_in(busy))
    if server_id is not None:
        query = query.where(agent_jobs.c.server_id == server_id)
    return list(connection.execute(query).scalars())


def servers_with(connection: sa.Connection, agent_id: str, held: Sequence[str], most: int) -> list[str]:
    """The servers of which the agent has so many jobs in hand."""
    query = (
        sa.select(agent_jobs.c.server_id)
        .where(agent_jobs.c.agent_id == agent_id, agent_jobs.c.job_id.in_(held))
        .group_by(agent_jobs.c.server_id)
        .having(sa.func.count() >= most)
    )
    return list(connection.execute(query).scalars()) if held else []


def jobs_older_than(connection: sa.Connection, moment: str, limit: int = 100) -> list[str]:
    """Ids of open jobs created before a moment (RFC 3339 text)."""
    query = (
        sa.select(agent_jobs.c.job_id)
        .where(agent_jobs.c.status.in_(("waiting", "claimed")), agent_jobs.c.created_at < moment)
        .order_by(agent_jobs.c.created_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())
