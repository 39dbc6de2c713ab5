# SPDX-License-Identifier: Apache-2.0
"""What an agent's question is answered from, while there is nothing to do: one statement, compiled once."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from services.installer.tables import agent_jobs, agents, contacts, credentials

_OPEN = agent_jobs.c.status.in_(("waiting", "claimed"))
_IDLE = (
    sa.select(contacts.c.seen_at, contacts.c.facts, contacts.c.address)
    .select_from(agents)
    .join(credentials, credentials.c.agent_id == agents.c.agent_id)
    .join(contacts, contacts.c.agent_id == agents.c.agent_id)
    .where(
        agents.c.agent_id == sa.bindparam("agent_id"),
        agents.c.removed.is_(False),
        credentials.c.used,
        ~sa.exists().where(agent_jobs.c.agent_id == agents.c.agent_id, _OPEN),
    )
)
_ENROLLED = sa.select(sa.func.count()).select_from(agents).where(agents.c.enrolled_at.is_not(None), ~agents.c.removed)


class Idle(NamedTuple):
    """An agent without work, and what is noted of its last word."""

    seen_at: str
    facts: str
    address: str

    def says(self, facts: str, address: str, fresh_since: str) -> bool:
        """Whether the note is fresh (RFC 3339 text) and says the same, so that nothing has to be written."""
        return self.seen_at >= fresh_since and self.facts == facts and self.address == (address or self.address)


def find_idle(connection: sa.Connection, agent_id: str) -> Idle | None:
    """The agent, when it is enrolled, has used its credential, was met, and has no open job; else None."""
    row: Any = connection.execute(_IDLE, {"agent_id": agent_id}).first()
    return None if row is None else Idle(*row)


def enrolled_agents(connection: sa.Connection) -> int:
    """How many may ask."""
    return int(connection.execute(_ENROLLED).scalar_one())
