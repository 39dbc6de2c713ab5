# SPDX-License-Identifier: Apache-2.0
"""Who asks, and for which account."""

from __future__ import annotations

from services.installer.model import agent as agents
from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventstore.unit_of_work import UnitOfWork


def agent_of(context: Context) -> str:
    """The agent who asks. Raises ServiceError `forbidden`."""
    kind, _, agent_id = context.actor.partition(":")
    if kind != "agent" or not agent_id:
        raise ServiceError(Code.FORBIDDEN, "Only an agent may ask this.")
    return agent_id


def enrolled_agent(uow: UnitOfWork, agent_id: str) -> agents.Agent:
    """The agent, if it is enrolled and still there. Raises ServiceError `unauthenticated`."""
    agent = uow.load(agents.stream(agent_id), agents.AGENT).state
    if not agent.enrolled or agent.removed:
        raise ServiceError(Code.UNAUTHENTICATED, "This agent is not known, or was removed.")
    return agent
