# SPDX-License-Identifier: Apache-2.0
"""Who asks, for which account, and why: the allow-listed context that travels with every request."""

from __future__ import annotations

import msgspec


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Made by the gateway from a session, a token or an agent credential; never from a request parameter.

    `account_id` is the tenant; None only for operators, the public and the system itself.
    `actor` is `user:<id>`, `token:<id>`, `agent:<id>`, `system:<service>` or `public`.
    `permissions` holds names of `shared.contracts.base.Permission`.
    `command_id` names one write for ever: repeated, it gets the stored answer.
    `deadline` is a Unix time in seconds after which nobody waits for the answer; 0 means none was set.
    """

    actor: str = "public"
    account_id: str | None = None
    permissions: frozenset[str] = frozenset()
    command_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    trace_id: str | None = None
    deadline: float = 0.0

    @property
    def operator(self) -> bool:
        """Whether the actor runs this installation."""
        return "operator" in self.permissions


def system(service: str, *, account_id: str | None = None, causation_id: str | None = None) -> Context:
    """The context of work that a service does on its own behalf."""
    return Context(
        actor=f"system:{service}", account_id=account_id, permissions=frozenset({"internal"}), causation_id=causation_id
    )
