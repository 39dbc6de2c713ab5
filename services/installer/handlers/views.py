# SPDX-License-Identifier: Apache-2.0
"""Agents and servers as people see them: connected, or why not and what to do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.installer.model.policy import Policy
from services.installer.model.server import AGENTS_SINCE
from shared.clock import from_text
from shared.contracts.installer import AgentFacts, AgentView, ServerView

_facts = msgspec.json.Decoder(AgentFacts)
_names = msgspec.json.Decoder(list[str])
# What to do about a server that its agent reaches over SSH.
_CURES = {
    "not_connected": (
        "The agent does not reach it over SSH. See that it runs and that its SSH port is open to the agent."
    ),
    "outdated": "It has no Python 3.9 or later: install one as python3.",
    "keys_missing": (
        "It does not accept the agent's SSH key. On the agent's host, make a key with `keys make` unless there is one, "
        "and bring it to the server with `keys copy`."
    ),
    "host_key_changed": (
        "It shows another host key than the one that was accepted, so nothing is done there. Ask whoever runs it "
        "whether the key was changed. Only if the new fingerprint is right, remove the server and add it again."
    ),
}
_NO_FACTS = AgentFacts(version="", os="", hostname="")


def agent_view(
    row: Any, now: datetime, policy: Policy, *, waiting_for_code: bool = False, address: str = ""
) -> AgentView:
    """A row of `find_agent` or `page_of_agents` as a view; `address` counts for an agent that is not enrolled yet."""
    facts = facts_of(row)
    state, cure = _state(row, facts, now, policy)
    return AgentView(
        agent_id=row.agent_id,
        uid=row.uid,
        name=row.name,
        state=state,
        created_at=row.created_at,
        version=facts.version or row.version,
        os=facts.os or row.os,
        last_seen_at=row.seen_at,
        waiting_for_code=waiting_for_code,
        cure=cure,
        address=row.address or address,
    )


def server_view(row: Any, now: datetime, policy: Policy) -> ServerView:
    """A row of `find_server` or `page_of_servers` as a view."""
    facts = facts_of(row)
    agent_state, agent_cure = _state(row, facts, now, policy)
    silent = agent_state in {"not_connected", "unverified"}
    shown = ServerView(
        server_id=row.server_id,
        agent_id=row.agent_id,
        name=row.name,
        address=row.agent_address or "",
        state="not_connected" if silent else "connected",
        cure=agent_cure if silent else "",
        os=facts.os or row.agent_os,
        web_servers=facts.web_servers,
        created_at=row.created_at,
        host_name=facts.hostname,
        agent_name=row.agent_name,
        last_seen_at=row.seen_at,
        sites=row.sites,
        sites_amiss=row.sites_amiss,
    )
    if not row.ref:
        return shown
    state, cure, detail = row.state, _CURES.get(row.state, ""), row.detail
    if silent:
        state, cure, detail = "not_connected", agent_cure, ""
    elif older(facts.version, AGENTS_SINCE):
        state, cure, detail = "outdated", agent_cure, ""
    return msgspec.structs.replace(
        shown,
        address=row.address,
        state=state,
        cure=cure,
        detail=detail,
        os=row.os,
        web_servers=_names.decode(row.web_servers),
        host_name=row.host_name,
        remote=True,
        port=row.port,
        user=row.user,
        host_key=row.host_key,
        host_key_seen=row.host_key_seen,
    )


def facts_of(row: Any) -> AgentFacts:
    """What the agent last said of itself."""
    return _facts.decode(row.facts) if row.facts else _NO_FACTS


def _state(row: Any, facts: AgentFacts, now: datetime, policy: Policy) -> tuple[str, str]:
    """State word and cure (console check list 3.08: never by colour alone)."""
    if row.enrolled_at is None:
        return "unverified", (
            "Unpack the agent on its host and start it; it prints a one-time code. Choose Verify agent and type it."
        )
    if row.seen_at is None or from_text(row.seen_at) + policy.connected_for < now:
        return "not_connected", (
            "The agent is silent. Start it on its host and see that the host reaches this address over HTTPS."
        )
    if older(facts.version, policy.version):
        return "outdated", (
            f"The agent has version {facts.version}; {policy.version} is there. Stop it, download it again, unpack it "
            "over the old one, and start it."
        )
    return "connected", ""


def older(version: str, than: str) -> bool:
    """Whether `version` comes before `than`; a version that cannot be read does."""
    try:
        return tuple(map(int, version.split("."))) < tuple(map(int, than.split(".")))
    except ValueError:
        return True
