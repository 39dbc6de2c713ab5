# SPDX-License-Identifier: Apache-2.0
"""What the runner runs besides services: the gateway, which has no room of its own."""

from __future__ import annotations

from typing import Protocol


class Part(Protocol):
    """Made by `build(settings, client)` of its module, where `client` is the process's RpcClient."""

    name: str
    url: str

    def start(self) -> None:
        """Returns when it serves."""
        ...

    def stop(self) -> None:
        """Takes no more work and returns when what runs is finished, or after its own time limit."""
        ...

    def health(self) -> dict[str, str]:
        """`ok`, or what is wrong, by part."""
        ...
