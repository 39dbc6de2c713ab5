# SPDX-License-Identifier: Apache-2.0
"""The outside world of this room: chance, and the agent's files."""

from __future__ import annotations

from typing import Protocol


class Tokens(Protocol):
    """Makes credentials."""

    def new(self) -> str:
        """A fresh token with 256 random bits."""
        ...


class AgentBundle(Protocol):
    """The agent program as it is shipped."""

    @property
    def version(self) -> str:
        """The version that is shipped now, such as `0.1.0`."""
        ...

    def build(self, uid: str, gateway: str) -> bytes:
        """The zip for one agent: program, settings, CA certificate, instructions. Raises ServiceError `unavailable`."""
        ...
