# SPDX-License-Identifier: Apache-2.0
"""A handshake sees what is served; whatever else happens is one word of a closed list."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from shared.probe.handshake import Served, handshake
from shared.probe.outcome import Failed, Failure
from tests.support.small_ca import SmallCA


@contextmanager
def listening(serve):
    """`serve(connection)` for each connection to a loopback port."""
    server = socket.create_server(("127.0.0.1", 0))

    def loop():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                serve(connection)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    chain, key, serial = SmallCA().key_pair(folder, ["a.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, serial


def test_the_served_certificate_is_seen_with_and_without_a_name(tls):
    context, serial = tls
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    with listening(serve) as port:
        for name in ("a.test", None):
            seen = handshake("127.0.0.1", port, name)
            assert isinstance(seen, Served), seen
            assert seen.leaf.serial == serial
            assert seen.leaf.dns_names == ("a.test",)
            assert seen.protocol == "TLSv1.3"
    assert asked == ["a.test", None]


def test_failures_are_words_of_a_closed_list():
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.minimum_version = ssl.TLSVersion.TLSv1_3
    strict.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    def refuse_name(connection):
        strict.wrap_socket(connection, server_side=True)

    def web(connection):
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def hang_up(connection):
        connection.recv(10_000)

    def wait(connection):
        connection.recv(10_000)
        connection.settimeout(5)
        connection.recv(10_000)

    for serve, failure in (
        (refuse_name, Failure.ALERT),
        (web, Failure.NOT_TLS),
        (hang_up, Failure.CLOSED),
        (wait, Failure.TIMEOUT),
    ):
        with listening(serve) as port:
            seen = handshake("127.0.0.1", port, "a.test", timeout=1)
            assert isinstance(seen, Failed)
            assert seen.failure is failure, seen
    assert handshake("127.0.0.1", port, None).failure is Failure.REFUSED
    for address, number in (("localhost", 443), ("127.0.0.1", 0), ("127.0.0.1", 70_000), ("", 1)):
        assert handshake(address, number, None).failure is Failure.BAD_ADDRESS
    assert handshake("127.0.0.1", port, "a" * 300).failure in Failure


def test_the_caller_dials():
    def connect(address, timeout):
        raise OSError(f"not to {address[0]}")

    assert handshake("127.0.0.1", 443, None, connect=connect) == Failed(Failure.UNREACHABLE, "not to 127.0.0.1")
