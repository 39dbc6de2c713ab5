# SPDX-License-Identifier: Apache-2.0
"""What the bindings of an installation serve, seen by handshakes.

A record's `listeners` are address, port, and the name to ask for (null: none); left out, it is its `server_name`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from shared.probe.handshake import handshake
from shared.probe.outcome import Failed

from certwright_agent.webservers.site import Listener

Seen = list[tuple[str, int, str]]


def to_ask(listener: Listener) -> list[Any]:
    """A listener as a record holds it."""
    asked: list[Any] = [listener.probe_address, listener.port]
    return asked if listener.sni == "" else [*asked, listener.sni]


def served(record: Mapping[str, Any]) -> Seen:
    """Address, port and the SHA-256 fingerprint served there, or the word for why none was seen."""
    seen = []
    for address, port, *name in record["listeners"]:
        observed = handshake(address, port, name[0] if name else record["server_name"], timeout=3)
        seen.append(
            (address, port, observed.failure.value if isinstance(observed, Failed) else observed.leaf.fingerprint)
        )
    return seen


def takes_connections(listener: Listener) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((listener.probe_address, listener.port), timeout=2):
            return True
    except OSError:
        return False


def settled(record: Mapping[str, Any], wanted: Seen, seconds: float, sleep: Callable[[float], None]) -> Seen:
    """What is served once it is `wanted` three times in a row, or when the time is up.

    Old workers may take one more connection after a reload, so that one good look is not enough.
    """
    deadline = time.monotonic() + seconds
    good = 0
    while True:
        seen = served(record)
        good = good + 1 if seen == wanted else 0
        if good == 3 or time.monotonic() > deadline:
            return seen
        sleep(0.1)


def wrong(record: Mapping[str, Any], fingerprint: str, seconds: float, sleep: Callable[[float], None]) -> str:
    """Empty when every listener serves this certificate; else what is wrong when the time is up."""
    wanted = [(address, port, fingerprint) for address, port, *_ in record["listeners"]]
    for address, port, seen in settled(record, wanted, seconds, sleep):
        if seen != fingerprint:
            return f"{address}:{port} " + (f"serves {seen[:16]}…" if len(seen) == 64 else f"says {seen}")
    return ""
