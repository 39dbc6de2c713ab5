# SPDX-License-Identifier: Apache-2.0
"""One agent, server, site or job, and what the clock looks for."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from services.installer.tables import agent_jobs, agents, contacts, sites
from shared.contracts.installer import JobView, SiteView

_job = msgspec.json.Decoder(JobView)
_site = msgspec.json.Decoder(SiteView)

WITH_CONTACT = sa.select(
    agents,
    contacts.c.seen_at,
    contacts.c.address,
    contacts.c.facts,
).select_from(agents.outerjoin(contacts, contacts.c.agent_id == agents.c.agent_id))
# What people call a server: the name that they gave it, else its host's, else its agent's.
SERVER_NAME: sa.ColumnElement[str] = sa.func.coalesce(
    sa.func.nullif(agents.c.server_name, ""), sa.func.nullif(contacts.c.hostname, ""), agents.c.name
)


def find_agent(connection: sa.Connection, **wanted: str) -> sa.Row[Any] | None:
    """The agent, removed ones left out, with its last contact, by `agent_id`, `uid` or `server_id`."""
    query = WITH_CONTACT.where(agents.c.removed.is_(False))
    for column, value in wanted.items():
        query = query.where(agents.c[column] == value)
    return connection.execute(query).first()


def name_taken(connection: sa.Connection, account_id: str, name: str) -> bool:
    """Whether another agent of the account has this name, whatever its case."""
    query = sa.select(agents.c.agent_id).where(
        agents.c.account_id == account_id, agents.c.taken_name == name.casefold()
    )
    return connection.execute(query).first() is not None


def server_name_taken(connection: sa.Connection, account_id: str, server_id: str, name: str) -> bool:
    """Whether another server of the account is called so, by its own name or its host's, whatever the case."""
    query = (
        sa.select(agents.c.agent_id)
        .select_from(agents.outerjoin(contacts, contacts.c.agent_id == agents.c.agent_id))
        .where(
            agents.c.account_id == account_id,
            agents.c.removed.is_(False),
            agents.c.server_id.not_in(("", server_id)),
            sa.or_(agents.c.taken_server_name == name.casefold(), sa.func.lower(SERVER_NAME) == name.lower()),
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
