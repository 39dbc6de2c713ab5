# SPDX-License-Identifier: Apache-2.0
"""Health and metrics on a port of their own, so that they answer when the API is busy and are not open to customers.

`/livez`: the event loop turns. `/readyz`: everything here can do its work, with the reason for each part that cannot.
`/metrics`: Prometheus text.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import eventlet.wsgi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import metrics

_log = logging.getLogger(__name__)

Health = Callable[[], dict[str, dict[str, str]]]


class OpsServer:
    """Listens at once; says `ready` only when told so. `address` is `host:port`, port 0 picks a free one."""

    def __init__(self, address: str, health: Health, *, before_scrape: Callable[[], None]) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = eventlet.listen((host, int(port)), family=family, reuse_port=False)
        except OSError as error:
            raise OSError(f"the port for health and metrics, {address}, is taken (CERTWRIGHT_OPS_ADDRESS)") from error
        self._health = health
        self._before_scrape = before_scrape
        self.ready = False
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._thread: Any = None

    def start(self) -> None:
        """Begins to answer."""
        self._thread = eventlet.spawn(self._serve)

    def stop(self) -> None:
        """Stops answering."""
        if self._thread is not None:
            self._thread.kill()
        self._socket.close()

    def _serve(self) -> None:
        with open(os.devnull, "w", encoding="utf-8") as silence:  # noqa: PTH123 - a device, not a path of ours
            eventlet.wsgi.server(self._socket, self._answer, log=silence, log_output=False, max_size=16, debug=False)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        kind = "application/json"
        if path == "/livez":
            status, body = "200 OK", b'{"status": "alive"}\n'
        elif path == "/readyz":
            status, body = self._readiness()
        elif path == "/metrics":
            self._before_scrape()
            status, body, kind = "200 OK", generate_latest(metrics.registry), CONTENT_TYPE_LATEST
        else:
            status, body = "404 Not Found", b'{"paths": ["/livez", "/readyz", "/metrics"]}\n'
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _readiness(self) -> tuple[str, bytes]:
        try:
            parts = self._health()
        except Exception as error:
            _log.exception("health could not be told")
            parts = {"health": {"check": f"failed ({type(error).__name__})"}}
        fine = self.ready and all(state == "ok" for part in parts.values() for state in part.values())
        body = {"ready": fine, "draining_or_starting": not self.ready, "parts": parts}
        status = "200 OK" if fine else "503 Service Unavailable"
        return status, json.dumps(body, indent=2).encode() + b"\n"
