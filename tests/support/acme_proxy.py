# SPDX-License-Identifier: Apache-2.0
"""Stands between a client and Pebble, and does what CAs do on a bad day."""

import http.client
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Proxy:
    """`faults` maps the beginning of a path to a list; each request to it takes one of them off:

    `("status", code, headers)`: Pebble is never asked; `"lost"`: Pebble is asked, and its answer does not arrive;
    `("instead", body)`: Pebble's answer with another body; `None`: goes through.
    """

    def __init__(self, server):
        self.faults = {}
        self.asked = []
        self._server = server

    def take(self, path):
        """The fault of this request, if any."""
        self.asked.append(path)
        for start, waiting in self.faults.items():
            if path.startswith(start) and waiting:
                return waiting.pop(0)
        return None

    def forward(self, method, path, body, headers):
        """Pebble's answer."""
        trust = ssl.create_default_context(cafile=str(self._server.trust))
        connection = http.client.HTTPSConnection("localhost", self._server.port, context=trust, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class Passing(BaseHTTPRequestHandler):
    """One connection of a client; `server.proxy` says what becomes of its requests."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = self.server.proxy
        fault = proxy.take(self.path)
        if isinstance(fault, tuple) and fault[0] == "status":
            self._send(fault[1], list(fault[2].items()), b"not today")
            return
        wanted = {k: v for k, v in self.headers.items() if k.lower() in {"host", "content-type", "accept"}}
        status, headers, content = proxy.forward(self.command, self.path, body, wanted)
        if fault == "lost":
            self.close_connection = True
            return
        self._send(status, headers, content if fault is None else fault[1])

    def _send(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def difficult(server):
    """Yields the proxy, and the server as it is seen through it."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    proxy = listener.proxy = Proxy(server)
    listener.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.trust, server.trust.with_name("key.pem"))
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy, replace(server, port=listener.server_address[1])
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(timeout=5)
