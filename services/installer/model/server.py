# SPDX-License-Identifier: Apache-2.0
"""A server that an agent reaches over SSH, as the agent tells of it; told again without a change, it is no event."""

from __future__ import annotations

import re

import msgspec

from services.installer.model.agent import NAME_LIMIT
from shared.clock import derived_id
from shared.contracts.installer import (
    AgentFacts,
    ServerAdded,
    ServerRemoved,
    ServerRenamed,
    ServerReport,
    ServerStateChanged,
)
from shared.contracts.installer.readiness import STATES
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold

MOST_SERVERS = 50  # of one agent
AGENTS_SINCE = "0.4.0"  # older ones would do the work of a server on their own host
_REF = re.compile(r"[0-9a-f]{32}\Z")
_FINGERPRINT = re.compile(r"(?:SHA256:[A-Za-z0-9+/]{43})?\Z")
# Limits of what an agent says, in characters.
_ADDRESS, _USER, _DETAIL, _MOST_WEB_SERVERS = 253, 32, 500, 20


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a server's history; `added` is empty before the first event."""

    added: ServerAdded | None = None
    changed: ServerStateChanged | None = None
    name: str = ""
    removed: bool = False
    by_customer: bool = False

    @property
    def there(self) -> bool:
        """Whether it is one of its agent's servers."""
        return self.added is not None and not self.removed


SERVER: Fold[Server] = Fold(Server)


def server_id(agent_id: str, ref: str) -> str:
    """The same as long as the agent calls it so."""
    return derived_id("server", agent_id, ref)


def check_reports(reports: list[ServerReport]) -> None:
    """Raises ServiceError `invalid` for what no agent of ours says."""
    if len(reports) > MOST_SERVERS:
        raise invalid(f"An agent has at most {MOST_SERVERS} servers.", "/servers")
    if len({each.ref for each in reports}) != len(reports):
        raise invalid("A server is told twice.", "/servers")
    for number, each in enumerate(reports):
        where = f"/servers/{number}"
        if not _REF.match(each.ref):
            raise invalid("The ref is 32 hexadecimal digits.", f"{where}/ref")
        if each.state not in STATES:
            raise invalid(f"The state is one of {', '.join(STATES)}.", f"{where}/state")
        if not 1 <= each.port <= 65535:
            raise invalid("The port is a number from 1 to 65535.", f"{where}/port")
        if not (_FINGERPRINT.match(each.host_key) and _FINGERPRINT.match(each.host_key_seen)):
            raise invalid("A fingerprint is SHA256: and 43 letters.", f"{where}/host_key")
        if not (each.name.isprintable() and each.address.isprintable() and each.user.isprintable()):
            raise invalid("Name, address and user are printable text.", f"{where}/name")


def report(server: Server, told: ServerReport, *, agent_id: str, account_id: str) -> list[Event]:
    """What is new about a server. Nothing of one that the customer removed: its agent is told to forget it."""
    if server.removed and server.by_customer:
        return []
    who = {"server_id": server_id(agent_id, told.ref), "agent_id": agent_id, "account_id": account_id}
    events: list[Event] = []
    if not server.there:
        events.append(
            ServerAdded(
                **who,
                ref=told.ref,
                name=told.name[:NAME_LIMIT] or told.address[:_ADDRESS],
                address=told.address[:_ADDRESS],
                port=told.port,
                user=told.user[:_USER],
                host_key=told.host_key,
            )
        )
    changed = _changed(told, who)
    # A failure is told in other words each time; the first words are enough while the state stays.
    before = server.changed if server.there else None
    if before is None or msgspec.structs.replace(changed, detail=before.detail) != before:
        events.append(changed)
    return events


def remove(server: Server) -> list[ServerRemoved]:
    """Nothing when it is out already."""
    if server.added is None or server.removed:
        return []
    one = server.added
    return [ServerRemoved(server_id=one.server_id, agent_id=one.agent_id, account_id=one.account_id)]


def remove_by_customer(server: Server) -> list[ServerRemoved]:
    """Its agent may tell of it once more and is answered to forget it."""
    return [msgspec.structs.replace(event, by_customer=True) for event in remove(server)]


def rename(server: Server, name: str) -> list[ServerRenamed]:
    """Nothing when it is called so already; an empty name is the agent's again."""
    one = server.added
    if one is None or server.name == name:
        return []
    return [ServerRenamed(server_id=one.server_id, agent_id=one.agent_id, account_id=one.account_id, name=name)]


def own_host() -> ServiceError:
    """The refusal to take out the host that an agent stands on."""
    return ServiceError(Code.ACTION_NOT_ALLOWED, "This is the agent's own host: remove the agent, and it goes with it.")


def _changed(told: ServerReport, who: dict[str, str]) -> ServerStateChanged:
    facts: AgentFacts = told.facts
    return ServerStateChanged(
        **who,
        state=told.state,
        detail=told.detail[:_DETAIL],
        version=facts.version[:40],
        os=facts.os[:200],
        host_name=facts.hostname[:255],
        web_servers=[each[:100] for each in facts.web_servers[:_MOST_WEB_SERVERS]],
        host_key_seen=told.host_key_seen,
    )


@SERVER.on(ServerAdded)
def _added(_state: Server, event: ServerAdded) -> Server:
    return Server(added=event)


@SERVER.on(ServerStateChanged)
def _state_changed(state: Server, event: ServerStateChanged) -> Server:
    return msgspec.structs.replace(state, changed=event)


@SERVER.on(ServerRenamed)
def _renamed(state: Server, event: ServerRenamed) -> Server:
    return msgspec.structs.replace(state, name=event.name)


@SERVER.on(ServerRemoved)
def _removed(state: Server, event: ServerRemoved) -> Server:
    return msgspec.structs.replace(state, removed=True, by_customer=event.by_customer)
