# SPDX-License-Identifier: Apache-2.0
"""Runs the sandbox provider in threads of this process, on an origin of its own."""

from __future__ import annotations

import errno
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from services.billing.adapters.sandbox_provider.app import create_app
from services.billing.adapters.sandbox_provider.book import Book
from services.billing.adapters.sandbox_provider.deliveries import Sender
from services.billing.adapters.standard_webhooks import new_secret


class _Quiet(WSGIRequestHandler):
    """Logs nothing: the addresses of payment pages are secrets."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name is werkzeug's
        """Drops the line."""


def _listen(host: str, port: int) -> socket.socket | None:
    """A listening socket, or None when the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return listener


class SandboxServer:
    """The provider with its data in `folder`. Its API key and signing secret are made once and kept there."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8081,
        public_url: str = "",
        during_create: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._port = port
        self._public_url = public_url.rstrip("/")
        self.book = Book(folder / "sandbox_provider.sqlite3")
        (folder / "sandbox_provider.sqlite3").chmod(0o600)
        self.api_key = self.book.fact("api_key", "sk_sandbox_" + secrets.token_urlsafe(24))
        self.webhook_secret = self.book.fact("webhook_secret", new_secret())
        self._during_create = during_create
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.sender = Sender(self.book, self.webhook_secret)

    @property
    def base_url(self) -> str:
        """Its origin as browsers reach it: `public_url` when it is given, else where it listens (or did last time)."""
        if self._public_url:
            return self._public_url
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host)  # noqa: S104 - one cannot visit "any address"
        if host is None:
            host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port or self.book.fact('port')}"

    def start(self) -> bool:
        """Begins to serve and to send notices. False when the port is taken: another replica of billing runs it."""
        wanted = [self._port] if self._port else [int(self.book.fact("port") or 0), 0]
        app = create_app(
            self.book,
            api_key=self.api_key,
            base_url=lambda: self.base_url,
            notify=self._notify,
            during_create=self._during_create,
        )
        for port in wanted:
            listener = _listen(self._host, port)
            if listener is not None:
                self._port = listener.getsockname()[1]
                with listener:
                    self._server = make_server(
                        self._host, self._port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno()
                    )
                break
        if self._server is None:
            return False
        self.book.keep_fact("port", str(self._port))
        self._thread = threading.Thread(target=self._server.serve_forever, name="sandbox-provider", daemon=True)
        self._thread.start()
        self.sender.start()
        return True

    def _notify(self, now: bool) -> None:
        if now:
            self.sender.send_due()
        self.sender.wake()

    def stop(self) -> None:
        """Stops serving; what is not delivered goes out after the next start."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout=10)
            self.sender.stop()
            self._server = None
