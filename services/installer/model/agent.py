# SPDX-License-Identifier: Apache-2.0
"""An agent's life: registered, verified by the customer, enrolled by itself, renamed, removed."""

from __future__ import annotations

import msgspec

from shared.clock import derived_id
from shared.contracts.installer import (
    AgentEnrolled,
    AgentFacts,
    AgentRegistered,
    AgentRemoved,
    AgentRenamed,
    AgentVerified,
    ServerRenamed,
)
from shared.errors import invalid, not_found
from shared.eventsourcing.fold import Fold

NAME_LIMIT = 100


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an agent's history. `account_id` is empty before the first event."""

    agent_id: str = ""
    account_id: str = ""
    uid: str = ""
    name: str = ""
    server_name: str = ""
    verified: bool = False
    enrolled: bool = False
    removed: bool = False


AGENT: Fold[Agent] = Fold(Agent)


def stream(agent_id: str) -> str:
    """The name of an agent's stream."""
    return f"agent-{agent_id}"


def server_id(agent_id: str) -> str:
    """The agent's own host as a server: the same whenever the agent enrols again."""
    return derived_id("server", agent_id)


def check_server_name(name: str) -> str:
    """The name as it is kept; empty for the host's own. Raises ServiceError `invalid`."""
    kept = " ".join(name.split())
    if len(kept) > NAME_LIMIT or not kept.isprintable():
        raise invalid(f"Give the server a name of at most {NAME_LIMIT} characters, or none.", "/name")
    return kept


def check_name(name: str) -> str:
    """The name as it is kept. Raises ServiceError `invalid`."""
    kept = " ".join(name.split())
    if not 1 <= len(kept) <= NAME_LIMIT or not kept.isprintable():
        raise invalid(f"Give the agent a name of 1 to {NAME_LIMIT} characters.", "/name")
    return kept


def present(agent: Agent, account_id: str) -> Agent:
    """The agent, if it is this account's and still there. Raises ServiceError `not_found`."""
    if not agent.agent_id or agent.account_id != account_id or agent.removed:
        raise not_found("agent")
    return agent


def rename(agent: Agent, name: str) -> list[AgentRenamed]:
    """Nothing when it has that name already."""
    return [] if agent.name == name else [AgentRenamed(agent_id=agent.agent_id, name=name)]


def rename_server(agent: Agent, name: str) -> list[ServerRenamed]:
    """Nothing when the agent's host is called so already."""
    if agent.server_name == name:
        return []
    renamed = ServerRenamed(
        server_id=server_id(agent.agent_id), agent_id=agent.agent_id, account_id=agent.account_id, name=name
    )
    return [renamed]


def verify(agent: Agent) -> AgentVerified:
    """The customer's side; also for an agent that moves to another host and enrols again."""
    return AgentVerified(agent_id=agent.agent_id, account_id=agent.account_id)


def enroll(agent: Agent, facts: AgentFacts) -> AgentEnrolled:
    """The agent's side."""
    return AgentEnrolled(
        agent_id=agent.agent_id,
        account_id=agent.account_id,
        server_id=server_id(agent.agent_id),
        version=facts.version[:40],
        os=facts.os[:200],
    )


def remove(agent: Agent) -> AgentRemoved:
    """Out for good."""
    return AgentRemoved(agent_id=agent.agent_id, account_id=agent.account_id)


@AGENT.on(AgentRegistered)
def _registered(_state: Agent, event: AgentRegistered) -> Agent:
    return Agent(agent_id=event.agent_id, account_id=event.account_id, uid=event.uid, name=event.name)


@AGENT.on(AgentRenamed)
def _renamed(state: Agent, event: AgentRenamed) -> Agent:
    return msgspec.structs.replace(state, name=event.name)


@AGENT.on(ServerRenamed)
def _server_renamed(state: Agent, event: ServerRenamed) -> Agent:
    return msgspec.structs.replace(state, server_name=event.name)


@AGENT.on(AgentVerified)
def _verified(state: Agent, _event: AgentVerified) -> Agent:
    return msgspec.structs.replace(state, verified=True)


@AGENT.on(AgentEnrolled)
def _enrolled(state: Agent, _event: AgentEnrolled) -> Agent:
    return msgspec.structs.replace(state, enrolled=True)


@AGENT.on(AgentRemoved)
def _removed(state: Agent, _event: AgentRemoved) -> Agent:
    return msgspec.structs.replace(state, removed=True)
