# SPDX-License-Identifier: Apache-2.0
"""Heartbleed and the early ChangeCipherSpec: asked by what a sound server refuses. Nothing that leaks is kept."""

from __future__ import annotations

from typing import Callable

from shared.probe.conversation import Conversation, Outcome
from shared.probe.hello import HEARTBEAT_MODE, TLS12, ClientHello, ServerHello, read_server_hello
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEARTBEAT,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    Record,
    Records,
    read_message,
    record,
)
from shared.probe.survey import Fact
from shared.probe.surveying.elimination import refused
from shared.probe.surveying.hellos import USUAL, hello_of
from shared.probe.surveying.inquiry import Inquiry, ask

# RFC 6520 §4: a request of type 1 that claims 256 bytes of payload and brings none. The least that shows the hole.
_CLAIMED = 256
_HEARTBEAT_REQUEST = b"\x01" + _CLAIMED.to_bytes(2, "big")
_CLOSE = b"\x01\x00"
_BAD_MAC, _DECRYPTION_FAILED = 20, 21
_NO_OLD = "the server takes no usual suite of TLS 1.2 or below"


def survey_heartbleed(server_name: str | None) -> Inquiry[Fact]:
    """CVE-2014-0160."""
    hello = hello_of(TLS12, USUAL, server_name, extensions=((HEARTBEAT_MODE, b"\x01"),))
    return (yield from _fact("Heartbleed", lambda: _ask_heartbeat(hello)))


def survey_ccs(server_name: str | None) -> Inquiry[Fact]:
    """CVE-2014-0224."""
    hello = hello_of(TLS12, USUAL, server_name)
    return (yield from _fact("early ChangeCipherSpec", lambda: _send_ccs(hello)))


def _fact(what: str, talk: Callable[[], Conversation[Fact]]) -> Inquiry[Fact]:
    outcome: Outcome[Fact] = yield from ask(what, talk)
    if not isinstance(outcome, Failed):
        return outcome
    return Fact(None, _NO_OLD if refused(outcome) else f"{outcome.failure.value}: {outcome.detail}")


def _ask_heartbeat(hello: ClientHello) -> Conversation[Fact]:
    records, chosen = yield from _greet(hello)
    if HEARTBEAT_MODE not in chosen.extensions:
        return Fact(False, detail="the server knows no heartbeat")
    # The alert behind it makes a server that keeps silent about the heartbeat end the talk at once.
    request = record(HEARTBEAT, _HEARTBEAT_REQUEST, chosen.version) + record(ALERT, _CLOSE, chosen.version)
    answer = yield from _answer(records, request, HEARTBEAT)
    if answer is None or answer.kind != HEARTBEAT:
        return Fact(False)
    leaked = len(answer.body) > len(_HEARTBEAT_REQUEST) + 16  # §4: an honest one is no longer than asked, and padded
    return Fact(leaked, detail=f"{len(answer.body)} bytes came for a request of {len(_HEARTBEAT_REQUEST)}")


def _send_ccs(hello: ClientHello) -> Conversation[Fact]:
    records, chosen = yield from _greet(hello)
    early = record(CHANGE_CIPHER_SPEC, b"\x01", chosen.version)
    # A server that took the first one decrypts the second, and says that it could not.
    answer = yield from _answer(records, early + early, ALERT)
    if answer is None:
        return Fact(False, detail="the server hung up")
    if answer.kind != ALERT:
        return Fact(None, f"the server answered by a record of type {answer.kind}")
    if len(answer.body) != 2:
        return Fact(True, detail="the server answered in a cipher that was never agreed")
    return Fact(answer.body[1] in (_BAD_MAC, _DECRYPTION_FAILED))


def _greet(hello: ClientHello) -> Conversation[tuple[Records, ServerHello]]:
    records = Records()
    records.feed((yield hello.pack()))
    message = yield from read_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    chosen = read_server_hello(message.body)
    while message.kind != SERVER_HELLO_DONE:
        message = yield from read_message(records)
    return records, chosen


def _answer(records: Records, request: bytes, wanted: int) -> Conversation[Record | None]:
    """The first record of a kind that matters; None when the peer hung up."""
    received = yield request
    while received:
        records.feed(received)
        while True:
            one = records.next()
            if one is None:
                break
            if one.kind in (wanted, ALERT, HANDSHAKE):
                return one
        received = yield b""
    return None
