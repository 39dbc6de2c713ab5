# SPDX-License-Identifier: Apache-2.0
"""Why a server cannot be worked on: its state, in the words of the console (checklist 6.03, 6.04)."""

from __future__ import annotations

from certwright_agent.errors import AgentError

CONNECTED = "connected"
NOT_CONNECTED, OUTDATED, KEYS_MISSING, HOST_KEY_CHANGED = (
    "not_connected",
    "outdated",
    "keys_missing",
    "host_key_changed",
)
STATES = (CONNECTED, NOT_CONNECTED, OUTDATED, KEYS_MISSING, HOST_KEY_CHANGED)


class ServerTrouble(AgentError):  # noqa: N818  named after what people call it
    """The server is not to be had. `state` is one of STATES; `seen` is the fingerprint of a host key that changed."""

    def __init__(self, state: str, detail: str, seen: str = "") -> None:
        super().__init__(detail, f"server_{state}")
        self.state = state
        self.seen = seen
