# SPDX-License-Identifier: Apache-2.0
"""Writes a ClientHello and reads what answers it: ServerHello, Certificate, ServerKeyExchange (RFC 5246, RFC 8446)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from shared.probe.groups import CURVES, SIGNATURE_SCHEMES
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import CLIENT_HELLO, HANDSHAKE, handshake, record
from shared.probe.suites import EMPTY_RENEGOTIATION_INFO_SCSV

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
VERSION_NAMES = {
    SSL2: "SSLv2",
    SSL3: "SSLv3",
    TLS10: "TLSv1.0",
    TLS11: "TLSv1.1",
    TLS12: "TLSv1.2",
    TLS13: "TLSv1.3",
}

SERVER_NAME, STATUS_REQUEST, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS = 0, 5, 10, 11, 13
HEARTBEAT_MODE, ALPN, SCT, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET = 15, 16, 18, 22, 23, 35
PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS, COOKIE, PSK_MODES, KEY_SHARE = 41, 42, 43, 44, 45, 51
SIGNATURE_ALGORITHMS_CERT = 50
RENEGOTIATION_INFO = 0xFF01

# RFC 8446 §4.1.3: a ServerHello with this random is a HelloRetryRequest.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True)
class ClientHello:
    """What is offered. Numbers are those of the IANA registries.

    `version` is the highest of TLS 1.2 and below; `versions13` makes it offer by supported_versions, and needs
    `key_shares` (empty ones ask for a HelloRetryRequest). `extensions` come after the usual ones, as they are;
    `plain` leaves all extensions out (SSL 3.0, and servers that choke on them).
    """

    suites: tuple[int, ...]
    version: int = TLS12
    server_name: str | None = None
    groups: tuple[int, ...] = CURVES
    signature_algorithms: tuple[int, ...] = tuple(SIGNATURE_SCHEMES)
    alpn: tuple[str, ...] = ()
    versions13: tuple[int, ...] = ()
    key_shares: tuple[tuple[int, bytes], ...] = ()
    extensions: tuple[tuple[int, bytes], ...] = ()
    compression: bytes = b"\x00"
    session_id: bytes = b""
    random: bytes | None = None
    renegotiation_scsv: bool = True
    plain: bool = False

    def message(self) -> bytes:
        """The handshake message, as it goes into a transcript hash."""
        suites = self.suites
        if self.renegotiation_scsv and not self.versions13:
            suites = (*suites, EMPTY_RENEGOTIATION_INFO_SCSV)
        body = (
            self.version.to_bytes(2, "big")
            + (self.random or os.urandom(32))
            + _vector(self.session_id, 1)
            + _vector(_numbers(suites), 2)
            + _vector(self.compression, 1)
        )
        if not self.plain:
            body += _vector(self._extensions(), 2)
        return handshake(CLIENT_HELLO, body)

    def pack(self) -> bytes:
        """The record to send. RFC 8446 §5.1: its version is that of TLS 1.0 for the sake of old servers."""
        return record(HANDSHAKE, self.message(), min(self.version, TLS10))

    def _extensions(self) -> bytes:
        found: list[tuple[int, bytes]] = []
        if self.server_name:
            name = b"\x00" + _vector(self.server_name.encode("ascii"), 2)
            found.append((SERVER_NAME, _vector(name, 2)))
        if self.groups:
            found.append((SUPPORTED_GROUPS, _vector(_numbers(self.groups), 2)))
            found.append((EC_POINT_FORMATS, b"\x01\x00"))
        if self.version >= TLS12 and self.signature_algorithms:
            found.append((SIGNATURE_ALGORITHMS, _vector(_numbers(self.signature_algorithms), 2)))
        if self.alpn:
            names = b"".join(_vector(name.encode("ascii"), 1) for name in self.alpn)
            found.append((ALPN, _vector(names, 2)))
        if self.versions13:
            found.append((SUPPORTED_VERSIONS, _vector(_numbers(self.versions13), 1)))
            shares = b"".join(code.to_bytes(2, "big") + _vector(key, 2) for code, key in self.key_shares)
            found.append((KEY_SHARE, _vector(shares, 2)))
        found.extend(self.extensions)
        return b"".join(kind.to_bytes(2, "big") + _vector(body, 2) for kind, body in found)


@dataclass(frozen=True)
class ServerHello:
    """What was chosen. `version` is the real one, also where it stands in an extension; `retry` marks a
    HelloRetryRequest (RFC 8446 §4.1.4), `group` is that of the key share, 0 when there is none."""

    version: int
    random: bytes
    session_id: bytes
    suite: int
    compression: int
    extensions: dict[int, bytes]
    retry: bool
    group: int
    key: bytes


def read_server_hello(body: bytes) -> ServerHello:
    """Reads the message's body. Raises ProbeError."""
    reader = Reader(body)
    version = reader.number(2)
    random = reader.take(32)
    session_id = reader.vector(1)
    suite = reader.number(2)
    compression = reader.number(1)
    extensions: dict[int, bytes] = {}
    if reader.left:
        listed = Reader(reader.vector(2))
        while listed.left:
            kind = listed.number(2)
            if kind in extensions:
                raise ProbeError(Failure.MALFORMED, f"extension {kind} comes twice")
            extensions[kind] = listed.vector(2)
    if reader.left or len(session_id) > 32:
        raise ProbeError(Failure.MALFORMED, "a ServerHello with bytes left over")
    if SUPPORTED_VERSIONS in extensions:
        version = Reader(extensions[SUPPORTED_VERSIONS]).number(2)
    group, key = _key_share(extensions.get(KEY_SHARE, b""))
    return ServerHello(version, random, session_id, suite, compression, extensions, random == RETRY, group, key)


def read_certificates(body: bytes) -> tuple[bytes, ...]:
    """The chain of a Certificate message up to TLS 1.2 (RFC 5246 §7.4.2), leaf first. Raises ProbeError."""
    listed = Reader(Reader(body).vector(3))
    found = []
    while listed.left:
        found.append(listed.vector(3))
    if not found:
        raise ProbeError(Failure.NO_CERTIFICATE, "the server showed no certificate")
    return tuple(found)


def read_certificates13(body: bytes) -> tuple[tuple[bytes, dict[int, bytes]], ...]:
    """The chain of a Certificate message of TLS 1.3 (RFC 8446 §4.4.2): each with its extensions. Raises ProbeError."""
    reader = Reader(body)
    reader.vector(1)
    listed = Reader(reader.vector(3))
    found = []
    while listed.left:
        certificate = listed.vector(3)
        attached = Reader(listed.vector(2))
        extensions = {}
        while attached.left:
            kind = attached.number(2)
            extensions[kind] = attached.vector(2)
        found.append((certificate, extensions))
    if not found:
        raise ProbeError(Failure.NO_CERTIFICATE, "the server showed no certificate")
    return tuple(found)


@dataclass(frozen=True)
class KeyExchange:
    """A ServerKeyExchange: `group` is the named curve (0 for DHE), `prime` that of DHE (0 for a curve)."""

    group: int
    prime: int
    public: bytes


def read_key_exchange(body: bytes, *, elliptic: bool) -> KeyExchange:
    """Reads ECDHE (RFC 8422 §5.4) or DHE (RFC 5246 §7.4.3) parameters; the signature over them is not looked at.

    Raises ProbeError.
    """
    reader = Reader(body)
    if elliptic:
        if reader.number(1) != 3:
            raise ProbeError(Failure.MALFORMED, "a curve that has no name")
        return KeyExchange(reader.number(2), 0, reader.vector(1))
    prime = int.from_bytes(reader.vector(2), "big")
    reader.vector(2)  # the generator
    return KeyExchange(0, prime, reader.vector(2))


class Reader:
    """Takes numbers and vectors off the front of some bytes; whatever is missing is a ProbeError."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._body) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        at = self._at
        end = at + count
        if end > len(self._body):
            raise ProbeError(Failure.MALFORMED, "a message that is shorter than it says")
        self._at = end
        return self._body[at:end]

    def number(self, size: int) -> int:
        """The next `size` bytes as a number."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """A vector whose length stands in the next `size` bytes (RFC 8446 §3.4)."""
        start = self._at + size  # not by the two above: a flight is full of these
        end = start + int.from_bytes(self._body[self._at : start], "big")
        if start > len(self._body) or end > len(self._body):
            raise ProbeError(Failure.MALFORMED, "a message that is shorter than it says")
        self._at = end
        return self._body[start:end]


def _key_share(body: bytes) -> tuple[int, bytes]:
    if not body:
        return 0, b""
    reader = Reader(body)
    group = reader.number(2)
    return group, reader.vector(2) if reader.left else b""


@lru_cache(maxsize=256)  # the same few lists go into every hello
def _numbers(codes: tuple[int, ...]) -> bytes:
    return b"".join(code.to_bytes(2, "big") for code in codes)


def _vector(body: bytes, size: int) -> bytes:
    return len(body).to_bytes(size, "big") + body
