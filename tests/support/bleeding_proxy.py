# SPDX-License-Identifier: Apache-2.0
"""Stands in front of a sound TLS server and answers whoever comes with a ticket as CVE-2016-9244 did."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

from shared.probe.hello import SESSION_TICKET
from shared.probe.records import HANDSHAKE, SERVER_HELLO, handshake, record
from tests.support.scripted_tls import exactly, read_hello


@contextlib.contextmanager
def bleeding(behind: int) -> Iterator[int]:
    """The port of the proxy; `behind` is that of the server on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=_accept, args=(listener, behind), daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, behind: int) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, behind), daemon=True).start()


def _serve(connection: socket.socket, behind: int) -> None:
    with connection, contextlib.suppress(OSError, EOFError), socket.create_connection(("127.0.0.1", behind)) as server:
        head = exactly(connection, 5)
        body = exactly(connection, int.from_bytes(head[3:5], "big"))
        hello = read_hello(body)
        if hello.extensions.get(SESSION_TICKET):
            session = hello.session_id + os.urandom(32 - len(hello.session_id))
            answer = b"\x03\x03" + os.urandom(32) + bytes((len(session),)) + session
            answer += hello.suites[0].to_bytes(2, "big") + b"\x00\x00\x00"
            connection.sendall(record(HANDSHAKE, handshake(SERVER_HELLO, answer), 0x0303))
            return
        server.sendall(head + body)
        threading.Thread(target=_pour, args=(connection, server), daemon=True).start()
        _pour(server, connection)


def _pour(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
