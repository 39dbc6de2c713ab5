# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback that says exactly the bytes it was given, right or wrong, fast or trickling."""

import contextlib
import re
import socket
import threading
import time


class CannedHTTP:
    """`reply` is bytes, or a function of the connection. Counts connections; keeps the last request."""

    def __init__(self, reply=b"", *, tls=None):
        self.reply = reply
        self.hits = 0
        self.request = b""
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._open = True
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._open = False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._thread.join(timeout=10)
        self._listener.close()

    def _serve(self):
        while True:
            connection, _ = self._listener.accept()
            if not self._open:
                connection.close()
                return
            self.hits += 1
            with contextlib.suppress(OSError), contextlib.closing(connection):
                connection.settimeout(10)
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                with contextlib.closing(connection):
                    self._answer(connection)

    def _answer(self, connection):
        self.request = b""
        while b"\r\n\r\n" not in self.request:
            more = connection.recv(4096)
            if not more:
                return
            self.request += more
        self._read_body(connection)
        if callable(self.reply):
            self.reply(connection)
        else:
            connection.sendall(self.reply)

    def _read_body(self, connection):
        head, _, body = self.request.partition(b"\r\n\r\n")
        said = re.search(rb"\ncontent-length: *(\d+)", head, re.IGNORECASE)
        left = (int(said[1]) if said else 0) - len(body)
        while left > 0 and (more := connection.recv(min(left, 4096))):
            self.request += more
            left -= len(more)


def answer(body, *, status="200 OK", headers=()):
    """A plain response. It says that the connection ends, as it does: nobody is to ask on it again."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def trickle(chunk, *, every_s, times):
    """A reply that sends `chunk` now and then."""

    def reply(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(times):
            connection.sendall(chunk)
            time.sleep(every_s)

    return reply
