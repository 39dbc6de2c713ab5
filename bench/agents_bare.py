# SPDX-License-Identifier: Apache-2.0
"""The limit for the fleet's figures: our HTTP server in a process of its own, with an application that knows nothing.

It says at once that there is no work; no RPC, no database, no route table. `main` runs patched, until it is killed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import eventlet

from gateway.server import Server
from gateway.settings import GatewaySettings

ANSWER = json.dumps({"jobs": [], "poll_after": 5.0}).encode()
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]


def no_work(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The shortest answer that an agent understands."""
    start_response("200 OK", HEADERS)
    return [ANSWER]


def main(port: int, certificate: str, key: str) -> None:
    """Serves; prints `ready`."""
    tls = {"tls_certificate": Path(certificate), "tls_key": Path(key)} if certificate else {}
    Server(no_work, GatewaySettings(port=port, **tls)).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        eventlet.sleep(3600)
