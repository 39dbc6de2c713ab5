# SPDX-License-Identifier: Apache-2.0
"""The context of a request as message headers: an allow-list, so that nothing else ever rides along.

nameko would put every header it receives into its context and send all of them on; we neither read nor write those.
"""

from __future__ import annotations

from typing import Any

from shared.context import Context

ACTOR = "cw-actor"
ACCOUNT = "cw-account"
PERMISSIONS = "cw-permissions"
COMMAND = "cw-command"
CORRELATION = "cw-correlation"
CAUSATION = "cw-causation"
TRACE = "cw-trace"
DEADLINE = "cw-deadline"

_OPTIONAL = (
    (ACCOUNT, "account_id"),
    (COMMAND, "command_id"),
    (CORRELATION, "correlation_id"),
    (CAUSATION, "causation_id"),
    (TRACE, "trace_id"),
)


def to_headers(context: Context, deadline: float) -> dict[str, Any]:
    """The headers of a request. `deadline` (Unix time, seconds) travels in milliseconds, a plain AMQP integer."""
    headers: dict[str, Any] = {ACTOR: context.actor, DEADLINE: int(deadline * 1000)}
    if context.permissions:
        headers[PERMISSIONS] = ",".join(sorted(context.permissions))
    for header, field in _OPTIONAL:
        value = getattr(context, field)
        if value is not None:
            headers[header] = value
    return headers


def from_headers(headers: dict[str, Any]) -> Context:
    """The context that `to_headers` wrote; whatever is missing is the least: the public, without permissions."""
    permissions = headers.get(PERMISSIONS)
    return Context(
        actor=str(headers.get(ACTOR, "public")),
        account_id=headers.get(ACCOUNT),
        permissions=frozenset(permissions.split(",")) if permissions else frozenset(),
        command_id=headers.get(COMMAND),
        correlation_id=headers.get(CORRELATION),
        causation_id=headers.get(CAUSATION),
        trace_id=headers.get(TRACE),
        deadline=int(headers.get(DEADLINE, 0)) / 1000,
    )
