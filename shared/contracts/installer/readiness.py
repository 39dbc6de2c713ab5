# SPDX-License-Identifier: Apache-2.0
"""Whether an action may run on a server: agent and server must both be connected (guide §3.1, check list 6.04)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.context import Context
from shared.contracts.installer.requests import GetServer
from shared.contracts.installer.views import ServerView
from shared.errors import Code, ServiceError

CONNECTED = "connected"
STATES = (CONNECTED, "not_connected", "outdated", "keys_missing", "host_key_changed")
REASONS = tuple(f"server_{state}" for state in STATES[1:])


def require_ready(server: ServerView) -> None:
    """Raises ServiceError `conflict` with the state as `reason`, and the cure as its sentence."""
    if server.state != CONNECTED:
        raise ServiceError(
            Code.CONFLICT,
            f"Nothing can be done on {server.name} now. {server.cure}".strip(),
            pointer="/server_id",
            extra={"reason": f"server_{server.state}"},
        )


def ask_whether_ready(send: Callable[..., Any], server_id: str | None, context: Context) -> None:
    """Asks the installer, for rooms that are about to want something of a server. Raises ServiceError.

    While the installer cannot be asked, what is wanted waits for it as it always did.
    """
    if not server_id:
        return
    asking = msgspec.structs.replace(context, permissions=frozenset({"signed_in", "view"}), command_id=None)
    try:
        server = send(GetServer(server_id=server_id), asking)
    except ServiceError as error:
        if error.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}:
            return
        raise ServiceError(error.code, error.detail, pointer="/server_id") from None
    require_ready(server)
