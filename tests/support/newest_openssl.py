# SPDX-License-Identifier: Apache-2.0
"""A TLS server on the OpenSSL that `cryptography` brings along, by pyOpenSSL: newer than Debian's, so that it has the
post-quantum groups (X25519MLKEM768 since OpenSSL 3.5).

`python -m tests.support.newest_openssl PORT CERTIFICATE KEY [OPENSSL-GROUPS]`
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from OpenSSL import SSL

from tests.support.key_files import KeyFiles
from tests.support.s_server import free_port, running

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def newest_openssl(files: KeyFiles) -> Iterator[int]:
    """Runs it, with the groups that its OpenSSL takes by itself, and gives its port."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.support.newest_openssl", str(port), str(files.pem), str(files.key)]
    with running(argv, port, cwd=ROOT):
        yield port


def main() -> None:
    """Answers handshakes, each in a thread, for ever."""
    port, certificate, key = sys.argv[1:4]
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_file(certificate)
    context.use_privatekey_file(key)
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=64)
    while True:
        threading.Thread(target=answer, args=(context, listener.accept()[0]), daemon=True).start()


def answer(context: SSL.Context, raw: socket.socket) -> None:
    """One handshake, and one byte of whatever follows."""
    with raw, contextlib.suppress(SSL.Error, OSError):
        connection = SSL.Connection(context, raw)
        connection.set_accept_state()
        connection.do_handshake()
        connection.recv(1)


if __name__ == "__main__":
    main()
