# SPDX-License-Identifier: Apache-2.0
"""The page's HTTP server: 127.0.0.1 and nothing else, three paths, one request a connection."""

from __future__ import annotations

import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from certwright_agent.page.guard import HEADERS, Guard, RefusedRequest, read_form
from certwright_agent.page.site import PageSite
from certwright_agent.page.style import STYLE

ADDRESS = "127.0.0.1"


class PageServer(ThreadingHTTPServer):
    """Serves `site` until `shutdown`. `url` is what only the terminal gets to see."""

    daemon_threads = True

    def __init__(self, site: PageSite, token: str, port: int = 0) -> None:
        super().__init__((ADDRESS, port), _Handler)
        self.site = site
        self.guard = Guard(self.server_port, token)
        self.url = f"http://{ADDRESS}:{self.server_port}/{token}/"

    def server_bind(self) -> None:
        """Without the look-up of the host's name that the standard library does here."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke; nothing of it is told."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 5  # seconds of silence
    server_version = "certwright-agent"
    sys_version = ""

    def do_GET(self) -> None:
        """The page or its style."""
        try:
            place = self.server.guard.place(self.path, self._headers())
            if place == "style.css":
                self._send(200, STYLE, "text/css")
            elif place:
                self._send(404, "Not found.", "text/plain")
            else:
                self._send(200, self.server.site.show(), "text/html")
        except RefusedRequest as refused:
            self._send(refused.status, refused.words, "text/plain")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """One thing to do."""
        try:
            headers = self._headers()
            place = self.server.guard.place(self.path, headers)
            length = self.server.guard.length(headers)
            self.server.site.do(place, read_form(self.rfile.read(length), length))
            self._send(303, "", "text/plain", {"Location": "../"})
        except RefusedRequest as refused:
            self._send(refused.status, refused.words, "text/plain")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the standard library refuses by itself, without an echo of what was asked."""
        self.close_connection = True
        self._send(code, "This cannot be answered.", "text/plain")

    def log_message(self, *_: object) -> None:
        """Nothing: paths hold the token."""

    def _headers(self) -> dict[str, str]:
        """By their usual spelling. One that is there twice counts as none that fits."""
        found: dict[str, str] = {}
        for spelling, value in self.headers.items():
            name = spelling.title()
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    def _send(self, status: int, text: str, media: str, more: dict[str, str] | None = None) -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {**HEADERS, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{media}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
