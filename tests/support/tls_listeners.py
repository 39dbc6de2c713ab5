# SPDX-License-Identifier: Apache-2.0
"""TLS servers in threads of the test, each with a certificate of its own, on addresses of 127.0.0.0/8."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def listen(address: str, port: int = 0) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    return listener


def context_for(certificate: Path, key: Path, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A server's context; one version only when it is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


@contextmanager
def serving(listener: socket.socket, context: ssl.SSLContext | None) -> Iterator[int]:
    """Answers handshakes at a listener for the length of the block; without a context it takes connections and says
    nothing. Yields its port."""

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            if context is None:
                connection.recv(1)
                threading.Event().wait(30)
                return
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(1)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)
