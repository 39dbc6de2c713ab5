# SPDX-License-Identifier: Apache-2.0
"""The outside world of this room: chance, and the agent's files."""

from __future__ import annotations

from typing import Protocol

from services.installer.model.builds import LINUX, Build


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

    def build(self, uid: str, gateway: str, build: Build = LINUX) -> bytes:
        """What one agent is set up from: program, settings, CA certificate, instructions; the same bytes each time.

        Raises ServiceError `unavailable`, with the cure.
        """
        ...
