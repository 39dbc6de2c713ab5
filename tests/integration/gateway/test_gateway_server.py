# SPDX-License-Identifier: Apache-2.0
"""The server on a real socket: slow, greedy and broken clients, TLS, streams, and an end without a cut."""

import socket
import ssl
import subprocess
import time

import eventlet
import pytest

from gateway.server import Server
from gateway.settings import GatewaySettings
from shared.contracts.alerts import FeedEvent, FeedPage, GetFeedHead, ReadFeed
from shared.contracts.orders import ListOrders
from tests.support.raw_http import PATIENCE_S, read_all, read_until

BODY = b'{"login":"a","password":"bc"}'
HEAD = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LIST = b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer full\r\n"
CLOSE = b"Connection: close\r\n\r\n"


def status(answer):
    return int(answer.split(b" ", 2)[1])


def test_a_connection_serves_many_requests(listen):
    gateway = listen()
    with gateway.connect() as connection:
        for _ in range(3):
            connection.sendall(LIST + b"\r\n")
            assert status(read_until(connection, b"}")) == 200


def test_a_client_that_sends_no_request_is_cut_off(listen):
    gateway = listen(header_seconds=0.2)
    assert gateway.send(b"GET /livez HT") == b""


def test_a_client_that_drips_its_headers_is_cut_off(listen):
    gateway = listen(header_seconds=0.3)
    with gateway.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 - it may come at any of them
            for number in range(1000):
                connection.sendall(b"X-%d: y\r\n" % number)
                eventlet.sleep(0.02)


def test_a_client_that_drips_its_body_is_refused(listen):
    gateway = listen(body_seconds=0.2)
    answer = gateway.send(HEAD + b"Content-Length: 29\r\n\r\n{")
    assert status(answer) == 408
    assert b"request_timeout" in answer


def test_a_body_beyond_the_limit_is_refused_and_the_client_sees_why(listen):
    gateway = listen(max_body=2048)
    body = b" " * 3_000_000
    answer = gateway.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body)
    assert status(answer) == 413
    assert b"Connection: close" in answer
    answer = gateway.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")
    assert status(answer) == 413
    assert gateway.rpc.asked == []


def test_a_chunked_body_is_read(listen):
    gateway = listen()
    chunks = b"5\r\n" + BODY[:5] + b"\r\n18\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"
    answer = gateway.send(HEAD + b"Transfer-Encoding: chunked\r\n" + CLOSE + chunks)
    assert status(answer) == 201


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: nine\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(listen, sent):
    gateway = listen(header_seconds=1)
    assert status(gateway.send(sent)) in {400, 413}


def test_a_long_address_is_refused(listen):
    assert status(listen().send(b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")) == 414


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(listen):
    gateway = listen()
    for sent in (b"GET", LIST + b"\r\n", HEAD + b"Content-Length: 29\r\n\r\n{"):
        connection = gateway.connect()
        connection.sendall(sent)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
    assert status(gateway.send(LIST + CLOSE)) == 200


def test_a_stop_lets_a_running_request_end_and_takes_no_new_one(listen):
    gateway = listen()
    asked, answer = eventlet.event.Event(), eventlet.event.Event()

    def slowly(request, context):
        asked.send(None)
        answer.wait()
        return RuntimeError("done")

    gateway.rpc.answers[ListOrders] = slowly
    idle = gateway.connect()
    running = eventlet.spawn(gateway.send, LIST + CLOSE)
    asked.wait()
    stopping = eventlet.spawn(gateway.server.stop)
    eventlet.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        gateway.connect().close()
    with idle:
        assert read_all(idle) == b""
    assert not stopping.dead
    answer.send(None)
    assert status(running.wait()) == 500
    stopping.wait()


def test_a_stop_does_not_wait_longer_than_it_may(listen):
    gateway = listen(drain_seconds=0.2)
    asked = eventlet.event.Event()

    def never(request, context):
        asked.send(None)
        eventlet.sleep(3600)

    gateway.rpc.answers[ListOrders] = never
    running = eventlet.spawn(gateway.send, LIST + CLOSE)
    asked.wait()
    gateway.server.stop()
    assert running.wait() == b""


def test_events_are_pushed_as_they_happen_and_a_stop_ends_the_stream(listen):
    gateway = listen(event_poll_seconds=0.01)
    log = []
    gateway.rpc.answers[GetFeedHead] = lambda request, context: FeedPage(events=[], next_after=len(log))
    gateway.rpc.answers[ReadFeed] = lambda request, context: FeedPage(
        events=[FeedEvent(position=n, cloudevent={"n": n}) for n in log if n > request.after], next_after=len(log)
    )
    with gateway.connect() as connection:
        connection.sendall(
            b"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer full\r\nLast-Event-ID: 0\r\n\r\n"
        )
        assert b"text/event-stream" in read_until(connection, b"retry: 2000\n\n")
        for number in (1, 2):
            log.append(number)
            assert b'id: %d\ndata: {"n":%d}\n\n' % (number, number) in read_until(connection, b"}\n\n")
        gateway.gateway.streams.close()
        gateway.server.stop()
        read_all(connection)
    assert gateway.gateway.streams.count == 0


def test_a_reader_that_left_ends_its_stream(listen):
    gateway = listen(event_poll_seconds=0.01)
    head = [0]
    gateway.rpc.answers[GetFeedHead] = lambda request, context: FeedPage(events=[], next_after=head[0])
    gateway.rpc.answers[ReadFeed] = lambda request, context: FeedPage(
        events=[FeedEvent(position=head[0], cloudevent={})], next_after=head[0]
    )
    connection = gateway.connect()
    connection.sendall(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer full\r\n\r\n")
    read_until(connection, b"retry: 2000\n\n")
    connection.close()
    deadline = time.monotonic() + PATIENCE_S
    while gateway.gateway.streams.count:
        head[0] += 1
        eventlet.sleep(0.01)
        assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
         "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "certificate.pem", folder / "key.pem"


def test_tls_is_spoken_and_a_silent_client_stops_nobody(listen, pair):
    gateway = listen(tls_certificate=pair[0], tls_key=pair[1])
    silent = gateway.connect()  # never says hello
    context = ssl.create_default_context(cafile=pair[0])
    with gateway.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        assert connection.version() in {"TLSv1.2", "TLSv1.3"}
        connection.sendall(LIST + CLOSE)
        assert status(read_all(connection)) == 200
    silent.close()
    assert gateway.server.url.startswith("https://")


def test_old_tls_is_refused(listen, pair):
    gateway = listen(tls_certificate=pair[0], tls_key=pair[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        context.wrap_socket(gateway.connect(), do_handshake_on_connect=False) as connection,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        connection.do_handshake()


def test_a_certificate_without_its_key_is_refused_at_start(pair, tmp_path):
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other],
        check=True, capture_output=True)  # fmt: skip
    settings = GatewaySettings(_env_file=None, tls_certificate=pair[0], tls_key=other)
    with pytest.raises(ValueError, match="no usable pair"):
        Server(lambda environ, start: [], settings)
    with pytest.raises(ValueError, match="belong together"):
        GatewaySettings(_env_file=None, tls_certificate=pair[0])


def test_a_taken_port_is_an_error_at_start(listen):
    gateway = listen()
    second = Server(lambda environ, start: [], GatewaySettings(_env_file=None, port=gateway.server.port))
    with pytest.raises(OSError, match="in use"):
        second.start()
