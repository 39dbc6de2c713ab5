# SPDX-License-Identifier: Apache-2.0
"""Reads the certificate chain that a server shows up to TLS 1.2, and hangs up: nobody's key does any work.

The server sends its chain in the clear before the client has to prove or compute anything (RFC 5246 §7.3). What is read
so is marked by `Chain.proved` False: anybody could have sent it, also one who does not have the key.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.probe.conversation import Conversation
from shared.probe.hello import (
    TLS12,
    ClientHello,
    KeyExchange,
    ServerHello,
    read_certificates,
    read_key_exchange,
    read_server_hello,
)
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_STATUS,
    MAX_RECORD,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    Records,
    read_message,
)
from shared.probe.suites import suite


@dataclass(frozen=True)
class Chain:
    """What was shown, leaf first as it came, in DER. `version` and `suite` are numbers of the registries.

    `proved`: the server signed something fresh with the leaf's key, and the signature was verified.
    """

    certificates: tuple[bytes, ...]
    version: int
    suite: int
    proved: bool


def read_chain(hello: bytes) -> Conversation[Chain]:
    """Sends a packed ClientHello of TLS 1.2 or below and returns the chain. Ends by ProbeError.

    The handshake stops at the Certificate message; `read_flight` goes on to the end of the server's flight.
    """
    received = yield hello
    chain = _at_once(received)
    if chain is not None:
        return chain
    records = Records()
    records.feed(received)
    message = yield from read_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    chosen = read_server_hello(message.body)
    if chosen.version > TLS12:
        raise ProbeError(Failure.MALFORMED, "a version that was not offered")
    message = yield from read_message(records)
    if message.kind != CERTIFICATE:
        # RFC 5246 §7.4.2: anonymous suites show none.
        raise ProbeError(Failure.NO_CERTIFICATE, f"the server shows no certificate with {suite(chosen.suite).name}")
    return Chain(read_certificates(message.body), chosen.version, chosen.suite, proved=False)


def _at_once(received: bytes) -> Chain | None:
    """The chain, if ServerHello and Certificate came whole and well-formed in the first piece: so it is nearly always,
    and it is a fifth of the work. None leaves everything else, and every complaint, to `Records` and `Reader`."""
    messages, at = b"", 0
    while received[at : at + 2] == b"\x16\x03":
        end = at + 5 + (received[at + 3] << 8 | received[at + 4]) if len(received) >= at + 5 else len(received) + 1
        if end > len(received) or end - at > MAX_RECORD or end - at == 5:
            break
        messages += received[at + 5 : end]
        at = end
    number = int.from_bytes
    certificate = 4 + number(messages[1:4], "big")
    if messages[:1] != b"\x02" or messages[certificate : certificate + 1] != b"\x0b" or certificate < 42:
        return None
    version, suite_at = messages[4] << 8 | messages[5], 39 + messages[38]
    extensions = suite_at + 3  # behind the suite and the compression
    well_formed = extensions == certificate or (
        extensions + 2 + number(messages[extensions : extensions + 2], "big") == certificate
    )
    at, end = certificate + 7, certificate + 4 + number(messages[certificate + 1 : certificate + 4], "big")
    if (
        not well_formed
        or not 0x0300 <= version <= TLS12
        or end > len(messages)
        or at + number(messages[at - 3 : at], "big") != end
    ):
        return None
    found = []
    while at < end:
        start, at = at + 3, at + 3 + number(messages[at : at + 3], "big")
        found.append(messages[start:at])
    if at != end or not found:
        return None
    return Chain(tuple(found), version, messages[suite_at] << 8 | messages[suite_at + 1], proved=False)


@dataclass(frozen=True)
class Flight:
    """All that a server of TLS 1.2 or below sends before the client must answer (RFC 5246 §7.3).

    `stapled` is the body of CertificateStatus (RFC 6066 §8), `client_certificate` whether one is asked for.
    """

    hello: ServerHello
    certificates: tuple[bytes, ...]
    key_exchange: KeyExchange | None
    stapled: bytes
    client_certificate: bool


@dataclass(frozen=True)
class Flight13:
    """What a server of TLS 1.3 sends up to its certificates (RFC 8446 §4.4.2). `stapled` is the CertificateStatus of
    the leaf, `stamps` its SignedCertificateTimestampList; both empty where none came."""

    certificates: tuple[bytes, ...]
    version: int
    suite: int
    stapled: bytes
    stamps: bytes
    client_certificate: bool


@dataclass(frozen=True)
class Proof:
    """What a server showed, leaf first as it came, in DER, and proved by a signature of something fresh with the leaf's
    key, which was verified. `stapled` and `stamps` as in `Flight13`."""

    certificates: tuple[bytes, ...]
    version: int
    suite: int
    stapled: bytes
    stamps: bytes


def read_flight(hello: ClientHello) -> Conversation[Flight]:
    """Sends the hello and reads to the ServerHelloDone. Ends by ProbeError."""
    records = Records()
    records.feed((yield hello.pack()))
    message = yield from read_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    chosen = read_server_hello(message.body)
    if chosen.version > TLS12:
        raise ProbeError(Failure.MALFORMED, "a version that was not offered")
    kind = suite(chosen.suite)
    certificates: tuple[bytes, ...] = ()
    exchange, stapled, asks = None, b"", False
    while True:
        message = yield from read_message(records)
        if message.kind == CERTIFICATE:
            certificates = read_certificates(message.body)
        elif message.kind == CERTIFICATE_STATUS:
            stapled = message.body
        elif message.kind == SERVER_KEY_EXCHANGE and kind.key_exchange in ("ECDHE", "DHE", "DH", "ECDH"):
            exchange = read_key_exchange(message.body, elliptic=kind.elliptic)
        elif message.kind == CERTIFICATE_REQUEST:
            asks = True
        elif message.kind == SERVER_HELLO_DONE:
            return Flight(chosen, certificates, exchange, stapled, asks)
        elif message.kind != SERVER_KEY_EXCHANGE:
            raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} in the server's flight")
