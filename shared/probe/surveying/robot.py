# SPDX-License-Identifier: Apache-2.0
"""ROBOT (Böck, Somorovsky, Young, 2018): does a server tell by its answer how a decrypted RSA block was padded?

RFC 5246 §7.4.7.1 wants the same answer for every block. Five blocks are sent, each once with the messages that end a
handshake and once without. Where answers differ, all is asked again: only what differs twice in the same way counts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable

from shared.probe.chain import Flight
from shared.probe.conversation import Conversation, Outcome
from shared.probe.hello import TLS12, ClientHello, read_server_hello
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    CLIENT_KEY_EXCHANGE,
    HANDSHAKE,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    Records,
    handshake,
    read_message,
    record,
)
from shared.probe.survey import Fact
from shared.probe.surveying.elimination import refused
from shared.probe.surveying.hellos import hear_flight, hello_of, suites_of
from shared.probe.surveying.inquiry import Inquiry, ask, together
from shared.probe.surveying.rsa_key import RSAKey, read_rsa_key

_RSA_EXCHANGE = suites_of(("RSA",), ("RSA",))
_FINISHED_SIZE = 64  # bytes of a record that decrypts to nothing
# Ends that say nothing of how the block was taken; silence and a hang-up do.
_NO_REACTION = frozenset(
    one.value for one in (Failure.STOPPED, Failure.REFUSED, Failure.UNREACHABLE, Failure.TOO_LONG, Failure.NOT_TLS)
)
_BLOCKS = ("sound", "wrong start", "zero in the padding", "no zero", "wrong version")


@dataclass(frozen=True)
class _Reaction:
    """What a server did: the type of the record and its alert, or how it ended."""

    what: str


def survey_robot(server_name: str | None) -> Inquiry[Fact]:
    """CVE-2017-13099 and its kin."""
    hello = hello_of(TLS12, _RSA_EXCHANGE, server_name)
    flight: Outcome[Flight] = yield from hear_flight("ROBOT", hello)
    if isinstance(flight, Failed):
        if refused(flight):
            return Fact(False, detail="the server takes no suite with an RSA key exchange")
        return Fact(None, f"{flight.failure.value}: {flight.detail}")
    try:
        key = read_rsa_key(flight.certificates[0]) if flight.certificates else None
    except ValueError as error:
        return Fact(None, f"the key of the certificate cannot be read: {error}")
    if key is None:
        return Fact(None, "a suite with an RSA key exchange, and no RSA key")
    for whole in (True, False):
        first = yield from _reactions(hello, key, whole=whole)
        lacking = next((one.what for one in first if one.what in _NO_REACTION), "")
        if lacking:
            return Fact(None, f"{lacking}: not every question got an answer", _words(first))
        if len(set(first)) == 1:
            continue
        again = yield from _reactions(hello, key, whole=whole)
        if first != again:
            return Fact(None, "the answers differ from one time to the next", _words(first))
        return Fact(True, detail=_words(first))
    return Fact(False)


def _words(reactions: list[_Reaction]) -> str:
    return "; ".join(f"{block}: {one.what}" for block, one in zip(_BLOCKS, reactions))[:200]


def _reactions(hello: ClientHello, key: RSAKey, *, whole: bool) -> Inquiry[list[_Reaction]]:
    talks = [ask("ROBOT", _talk(hello, key, block, whole=whole)) for block in _blocks(key.size)]
    outcomes = yield from together(*talks)
    return [_Reaction(one.failure.value) if isinstance(one, Failed) else one for one in outcomes]


def _blocks(size: int) -> list[bytes]:
    """Five premaster secrets in PKCS #1 v1.5 blocks of `size` bytes (RFC 8017 §7.2.1), four of them wrong."""
    secret = b"\x03\x03" + bytes(46)
    filler = bytes(1 + octet % 255 for octet in os.urandom(size - 3 - len(secret)))
    return [
        b"\x00\x02" + filler + b"\x00" + secret,
        b"\x41\x17" + filler + b"\x00" + secret,
        b"\x00\x02" + filler + b"\x11" + secret[:-1].replace(b"\x00", b"\x22") + b"\x00",
        b"\x00\x02" + filler + b"\x11" + b"\x11" * len(secret),
        b"\x00\x02" + filler + b"\x00" + b"\x02\x02" + secret[2:],
    ]


def _talk(hello: ClientHello, key: RSAKey, block: bytes, *, whole: bool) -> Callable[[], Conversation[_Reaction]]:
    return lambda: _send_block(hello, key, block, whole=whole)


def _send_block(hello: ClientHello, key: RSAKey, block: bytes, *, whole: bool) -> Conversation[_Reaction]:
    records = Records()
    records.feed((yield hello.pack()))
    message = yield from read_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    chosen = read_server_hello(message.body)
    while message.kind != SERVER_HELLO_DONE:
        message = yield from read_message(records)
    sealed = pow(int.from_bytes(block, "big"), key.exponent, key.modulus).to_bytes(key.size, "big")
    exchange = handshake(CLIENT_KEY_EXCHANGE, len(sealed).to_bytes(2, "big") + sealed)
    request = record(HANDSHAKE, exchange, chosen.version)
    if whole:
        request += record(CHANGE_CIPHER_SPEC, b"\x01", chosen.version)
        request += record(HANDSHAKE, os.urandom(_FINISHED_SIZE), chosen.version)
    else:
        # Something that no server takes here, so that one that waits for more has to answer.
        request += record(ALERT, b"\x02\x0a", chosen.version)
    return (yield from _read(records, request))


def _read(records: Records, request: bytes) -> Conversation[_Reaction]:
    received = yield request
    while received:
        records.feed(received)
        one = records.next()
        if one is not None:
            return _Reaction(f"alert {one.body[1]}" if one.kind == ALERT and len(one.body) == 2 else f"type {one.kind}")
        received = yield b""
    return _Reaction("closed")
