# SPDX-License-Identifier: Apache-2.0
"""Whatever a server says, a survey's conversation returns or ends by a failure of the closed list."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.probe.conversation import Conversation
from shared.probe.hello import TLS12
from shared.probe.openssl import context_of, shake_hands
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import (
    ALERT,
    CERTIFICATE,
    HANDSHAKE,
    HEARTBEAT,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    handshake,
    record,
)
from shared.probe.survey import Fact
from shared.probe.survey_job import run
from shared.probe.surveying import after_handshake, implementation_holes, robot, web
from shared.probe.surveying.aes import AES
from shared.probe.surveying.hellos import USUAL, hello_of, say_hello
from shared.probe.surveying.inquiry import Inquirer
from shared.probe.surveying.overheard import opened, sealed_records
from shared.probe.surveying.rsa_key import RSAKey
from shared.probe.surveying.ssl2 import ServerHello2, say_hello2
from shared.probe.targets import TargetError
from tests.support.rehearsal import rehearse

_HELLO = hello_of(TLS12, USUAL, "a.example.test")
_KEY = RSAKey((1 << 1023) + 1, 65537)
_CONTEXT = context_of()
_TALKS: dict[str, Callable[[], Conversation[Any]]] = {
    "hello": lambda: say_hello(_HELLO),
    "ssl2": say_hello2,
    "handshake": lambda: shake_hands(_CONTEXT, "a.example.test"),
    "heartbeat": lambda: implementation_holes._ask_heartbeat(_HELLO),
    "ccs": lambda: implementation_holes._send_ccs(_HELLO),
    "robot": lambda: robot._send_block(_HELLO, _KEY, bytes(128), whole=True),
    "renegotiation": lambda: after_handshake._renegotiate(context_of(), "a.example.test"),
    "young": lambda: after_handshake._look_young(context_of(), "a.example.test"),
    "https": lambda: web._ask_by_tls("a.example.test"),
    "http": lambda: web._ask_plainly("a.example.test"),
}


def _server_hello(extensions: bytes = b"\x00\x0f\x00\x01\x01") -> bytes:
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00" + len(extensions).to_bytes(2, "big") + extensions
    return handshake(SERVER_HELLO, body)


_FLIGHT = record(
    HANDSHAKE,
    _server_hello() + handshake(CERTIFICATE, b"\x00\x00\x05\x00\x00\x02ab") + handshake(SERVER_HELLO_DONE, b""),
    TLS12,
)
_LIKELY = st.one_of(
    st.binary(max_size=200),
    st.builds(record, st.integers(19, 25), st.binary(max_size=60)),
    st.just(_FLIGHT),
    st.integers(0, len(_FLIGHT)).map(lambda end: _FLIGHT[:end]),
    st.tuples(st.integers(0, len(_FLIGHT) - 1), st.integers(0, 255)).map(
        lambda change: _FLIGHT[: change[0]] + bytes((change[1],)) + _FLIGHT[change[0] + 1 :]
    ),
    st.just(b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\n"),
)


@pytest.mark.parametrize("name", _TALKS)
@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(_LIKELY, max_size=4))
def test_nothing_breaks_a_conversation(name: str, pieces: list[bytes]) -> None:
    outcome = rehearse(_TALKS[name](), *(piece for piece in pieces if piece))
    assert not isinstance(outcome, Failed) or isinstance(outcome.failure, Failure)


def test_heartbeat_answers_are_told_apart() -> None:
    asked = rehearse(_TALKS["heartbeat"](), _FLIGHT, record(HEARTBEAT, b"\x02\x01\x00" + bytes(256 + 16), TLS12))
    assert isinstance(asked, Fact)
    assert asked.value is True
    for sound in (record(ALERT, b"\x01\x00", TLS12), record(HEARTBEAT, b"\x02\x00\x00" + bytes(16), TLS12)):
        fact = rehearse(_TALKS["heartbeat"](), _FLIGHT, sound)
        assert isinstance(fact, Fact)
        assert fact.value is False


def test_an_ssl2_hello_in_pieces() -> None:
    body = b"\x04\x00\x01\x00\x02" + b"\x00\x03\x00\x06\x00\x10" + b"der" + b"\x01\x00\x80\x07\x00\xc0" + bytes(16)
    whole = (0x8000 | len(body)).to_bytes(2, "big") + body
    found = rehearse(say_hello2(), *(whole[at : at + 1] for at in range(len(whole))))
    assert found == ServerHello2(b"der", (0x010080, 0x0700C0))


def test_cookies_lose_their_values() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: id=secret; Path=/; secure\r\nSet-Cookie: b=2\r\n\r\nbody"
    answer = web.read_answer(head)
    assert (answer.status, answer.cookies) == (302, ("id; secure", "b"))
    assert answer.headers == {"location": "/x"}
    with pytest.raises(ProbeError):
        web.read_answer(b"220 mx.test ESMTP\r\n")


@pytest.mark.parametrize("size", [16, 32])
@given(nonce=st.binary(min_size=12, max_size=12), text=st.binary(max_size=100), covered=st.binary(max_size=40))
@settings(max_examples=20, deadline=None)
def test_aes_gcm_is_that_of_everybody(size: int, nonce: bytes, text: bytes, covered: bytes) -> None:
    key = os.urandom(size)
    cipher = AES(key)
    sealed = cipher.counted(nonce, text)
    assert AESGCM(key).encrypt(nonce, text, covered) == sealed + cipher.tag(nonce, covered, sealed)
    assert cipher.counted(nonce, sealed) == text


@given(stream=st.lists(_LIKELY, max_size=4), secret=st.binary(min_size=32, max_size=32))
@settings(max_examples=60, deadline=None)
def test_sealed_records_of_anybody(stream: list[bytes], secret: bytes) -> None:
    joined = b"\x17\x03\x03\x00\x20" + bytes(32) + b"".join(stream)
    found = []
    with contextlib.suppress(ProbeError):
        found = opened(secret, "sha256", sealed_records(joined))
    assert all(len(message.body) < len(joined) for message in found)


def test_an_inquiry_that_breaks_does_not_break_the_others() -> None:
    def broken() -> Any:
        yield from ()
        raise ProbeError(Failure.MALFORMED, "nonsense")

    def both() -> Any:
        from shared.probe.surveying.inquiry import together

        return (yield from together(broken(), sound()))

    def sound() -> Any:
        yield from ()
        return 7

    first, second = Inquirer("127.0.0.1", 9).hold(both())
    assert isinstance(first, Failed)
    assert second == 7


class Worker:
    """Keeps what the job says."""

    def __init__(self, *, stopped: bool = False) -> None:
        self.stopped = stopped
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def on_stop(self, end: Any) -> None:
        """A survey asks for itself."""

    def say(self, kind: str, body: dict[str, Any]) -> None:
        self.lines.append((kind, body))


@pytest.mark.parametrize(
    "job", [{}, [], {"address": "127.0.0.1", "port": "x"}, {"address": "::1", "port": 1, "depth": "deep"}]
)
def test_the_worker_refuses_what_is_no_job(job: Any) -> None:
    with pytest.raises(TargetError):
        run(job, Worker())


def test_the_worker_answers_with_a_survey() -> None:
    worker = Worker()
    run({"address": "name.example.test", "port": 443}, worker)
    kind, body = worker.lines[-1]
    assert (kind, body["failure"]) == ("survey", "bad_address")


def test_a_worker_that_is_told_to_stop_ends_with_what_it_has() -> None:
    worker = Worker(stopped=True)
    run({"address": "127.0.0.1", "port": 9, "depth": "advanced"}, worker)
    kind, body = worker.lines[-1]
    assert (kind, body["failure"], body["chains"]) == ("survey", "stopped", [])
