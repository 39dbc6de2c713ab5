# SPDX-License-Identifier: Apache-2.0
"""Reads the certificate chain of a TLS 1.3 server with a key schedule of its own, and hangs up (RFC 8446 §7).

Only the key agreement and one direction of decryption are done, up to the Certificate message: the server's signature
is not checked, and so `Chain.proved` is False. `cryptography` does the primitives; where it is missing, as in the
agent, importing this fails, and `openssl` serves instead. One `Keys` serves a whole sweep: these keys protect
nothing.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256, sha384
from typing import Any, Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.probe.chain import Chain, Flight13
from shared.probe.conversation import Conversation
from shared.probe.groups import SECP256R1, SECP384R1, SECP521R1, X25519, group_name
from shared.probe.hello import (
    COOKIE,
    SCT,
    STATUS_REQUEST,
    TLS12,
    TLS13,
    ClientHello,
    ServerHello,
    read_certificates13,
    read_server_hello,
)
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CHANGE_CIPHER_SPEC,
    ENCRYPTED_EXTENSIONS,
    HANDSHAKE,
    SERVER_HELLO,
    Message,
    Records,
    handshake,
    raise_for_alert,
    read_record,
    record,
)

_AES_128_GCM, _AES_256_GCM, _CHACHA20, _AES_128_CCM, _AES_128_CCM_8 = 0x1301, 0x1302, 0x1303, 0x1304, 0x1305
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0808, 0x0809, 0x080B)
_GROUPS = (X25519, SECP256R1, SECP384R1, SECP521R1)
_CURVES: dict[int, Callable[[], ec.EllipticCurve]] = {
    SECP256R1: ec.SECP256R1,
    SECP384R1: ec.SECP384R1,
    SECP521R1: ec.SECP521R1,
}
_MESSAGE_HASH = 254
_MOST_RECORDS = 64  # up to the Certificate; honest servers need a handful

Agree = Callable[[bytes], bytes]


@dataclass(frozen=True)
class _Cipher:
    """What a suite of TLS 1.3 stands for (RFC 8446 §B.4)."""

    hash: Callable[..., Any]
    name: str
    hash_size: int
    key_size: int
    aead: Callable[[bytes], AESGCM | AESCCM | ChaCha20Poly1305]


_CIPHERS = {
    _AES_128_GCM: _Cipher(sha256, "sha256", 32, 16, AESGCM),
    _AES_256_GCM: _Cipher(sha384, "sha384", 48, 32, AESGCM),
    _CHACHA20: _Cipher(sha256, "sha256", 32, 32, ChaCha20Poly1305),
    _AES_128_CCM: _Cipher(sha256, "sha256", 32, 16, AESCCM),
    _AES_128_CCM_8: _Cipher(sha256, "sha256", 32, 16, partial(AESCCM, tag_length=8)),
}


class Keys:
    """The key shares that one sweep offers, made once each."""

    def __init__(self) -> None:
        self._x25519 = x25519.X25519PrivateKey.generate()
        self._public = self._x25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._curves: dict[int, ec.EllipticCurvePrivateKey] = {}
        self._random = os.urandom(32)
        self._session_id = os.urandom(32)  # RFC 8446 §D.4: boxes in between take it for a TLS 1.2 resumption
        self._hello: ClientHello | None = None

    def hello(self, server_name: str | None) -> ClientHello:
        """The first hello to a server. Each has the same random: it protects nothing here either."""
        if self._hello is None or self._hello.server_name != server_name:
            self._hello = ClientHello(
                suites=(_AES_128_GCM, _CHACHA20, _AES_256_GCM, _AES_128_CCM, _AES_128_CCM_8),
                server_name=server_name,
                groups=_GROUPS,
                signature_algorithms=_SIGNATURES,
                versions13=(TLS13,),
                key_shares=((X25519, self._public),),
                session_id=self._session_id,
                random=self._random,
            )
        return self._hello

    def share(self, group: int) -> bytes:
        """The public key of a group. Raises ProbeError for a group that was not offered."""
        if group == X25519:
            return self._public
        if group not in _CURVES:
            raise ProbeError(Failure.MALFORMED, f"the server asks for the group {group_name(group)}, not offered")
        if group not in self._curves:
            self._curves[group] = ec.generate_private_key(_CURVES[group]())
        return self._curves[group].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def agree(self, group: int, theirs: bytes) -> bytes:
        """The shared secret (RFC 8446 §7.4.2). Raises ProbeError for a key that is none."""
        try:
            if group == X25519:
                return self._x25519.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
            point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[group](), theirs)
            return self._curves[group].exchange(ec.ECDH(), point)
        except (ValueError, KeyError) as error:
            raise ProbeError(Failure.MALFORMED, "a key share that is no key of its group") from error


def looks() -> Callable[[str | None], Conversation[Chain]]:
    """How a sweep asks servers of TLS 1.3 for their chains: with keys of its own for all of it."""
    return partial(read_chain13, Keys())


def read_chain13(keys: Keys, server_name: str | None) -> Conversation[Chain]:
    """Offers TLS 1.3 alone and returns the chain. Ends by ProbeError."""
    flight = yield from read_flight13(keys, keys.hello(server_name))
    return Chain(flight.certificates, flight.version, flight.suite, proved=False)


def read_flight13(keys: Keys, hello: ClientHello) -> Conversation[Flight13]:
    """Sends `hello`, which is `keys.hello` with what else is wanted, and reads up to the certificates. Ends by
    ProbeError."""
    records = Records()
    transcript = _packed(hello)
    records.feed((yield record(HANDSHAKE, transcript)))
    body, chosen = yield from _server_hello(records)
    if chosen.retry:  # RFC 8446 §4.1.4, §4.4.1
        digest = _CIPHERS[chosen.suite].hash(transcript).digest()
        cookie = ((COOKIE, chosen.extensions[COOKIE]),) if COOKIE in chosen.extensions else ()
        group = chosen.group or X25519
        again = replace(hello, key_shares=((group, keys.share(group)),), extensions=hello.extensions + cookie)
        transcript = handshake(_MESSAGE_HASH, digest) + handshake(SERVER_HELLO, body) + again.message()
        records.feed((yield again.pack()))
        body, chosen = yield from _server_hello(records)
        if chosen.retry:
            raise ProbeError(Failure.MALFORMED, "a second HelloRetryRequest")
    transcript += handshake(SERVER_HELLO, body)
    cipher = _CIPHERS[chosen.suite]
    secret = _handshake_secret(cipher, keys.agree(chosen.group, chosen.key), transcript)
    certificates, asks = yield from _certificates(records, _Opener(cipher, secret))
    attached = certificates[0][1]
    return Flight13(
        tuple(der for der, _ in certificates),
        chosen.version,
        chosen.suite,
        attached.get(STATUS_REQUEST, b""),
        attached.get(SCT, b""),
        asks,
    )


@lru_cache(maxsize=8)
def _packed(hello: ClientHello) -> bytes:
    """Thousands of hosts without a name get the same one."""
    return hello.message()


def _server_hello(records: Records) -> Conversation[tuple[bytes, ServerHello]]:
    while True:
        message = yield from _clear_message(records)
        if message.kind != SERVER_HELLO:
            raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
        chosen = read_server_hello(message.body)
        if chosen.version <= TLS12 or chosen.suite not in _CIPHERS:
            raise ProbeError(Failure.MALFORMED, "a version or a suite that was not offered")
        return message.body, chosen


def _clear_message(records: Records) -> Conversation[Message]:
    """The next message before encryption; the ChangeCipherSpec behind a HelloRetryRequest means nothing (§D.4)."""
    message = records.taken()
    while message is None:
        came = yield from read_record(records)
        if came.kind == ALERT:
            raise_for_alert(came.body)
        elif came.kind == HANDSHAKE:
            records.take(came.body)
        elif came.kind != CHANGE_CIPHER_SPEC:
            raise ProbeError(Failure.MALFORMED, f"a record of type {came.kind} before the ServerHello")
        message = records.taken()
    return message


def _certificates(
    records: Records, opener: _Opener
) -> Conversation[tuple[tuple[tuple[bytes, dict[int, bytes]], ...], bool]]:
    """The certificates with their extensions, and whether the server asks for one of the client."""
    asks = False
    for _ in range(_MOST_RECORDS):
        came = yield from read_record(records)
        if came.kind == CHANGE_CIPHER_SPEC:
            continue
        if came.kind == ALERT:
            raise_for_alert(came.body)
        if came.kind != APPLICATION_DATA:
            raise ProbeError(Failure.MALFORMED, f"a record of type {came.kind} where encrypted ones come")
        kind, content = opener.open(came.version, came.body)
        if kind == ALERT:
            raise_for_alert(content)
        if kind != HANDSHAKE:
            raise ProbeError(Failure.MALFORMED, f"content of type {kind} in the handshake")
        records.take(content)
        message = records.taken()
        while message is not None:
            if message.kind == CERTIFICATE:
                return read_certificates13(message.body), asks
            if message.kind not in (ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST):
                raise ProbeError(Failure.NO_CERTIFICATE, f"handshake message {message.kind} instead of a certificate")
            asks = asks or message.kind == CERTIFICATE_REQUEST
            message = records.taken()
    raise ProbeError(Failure.TOO_LONG, "more records than any server needs for its certificate")


class _Opener:
    """Decrypts what the server sends during the handshake (RFC 8446 §5.2)."""

    def __init__(self, cipher: _Cipher, secret: bytes) -> None:
        self._aead = cipher.aead(_expand(cipher, secret, b"key", b"", cipher.key_size))
        self._iv = int.from_bytes(_expand(cipher, secret, b"iv", b"", 12), "big")
        self._sequence = 0

    def open(self, version: int, body: bytes) -> tuple[int, bytes]:
        """The content's type and the content. Raises ProbeError."""
        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        header = bytes((APPLICATION_DATA, version >> 8, version & 0xFF)) + len(body).to_bytes(2, "big")
        try:
            inner = self._aead.decrypt(nonce, body, header).rstrip(b"\x00")
        except (InvalidTag, ValueError) as error:
            raise ProbeError(Failure.MALFORMED, "a record that the agreed key does not open") from error
        if not inner:
            raise ProbeError(Failure.MALFORMED, "a record of padding alone")
        return inner[-1], inner[:-1]


def _handshake_secret(cipher: _Cipher, shared: bytes, transcript: bytes) -> bytes:
    """server_handshake_traffic_secret (RFC 8446 §7.1), without a pre-shared key."""
    zeros = bytes(cipher.hash_size)
    early = hmac.digest(zeros, zeros, cipher.name)
    derived = _expand(cipher, early, b"derived", cipher.hash(b"").digest(), cipher.hash_size)
    secret = hmac.digest(derived, shared, cipher.name)
    return _expand(cipher, secret, b"s hs traffic", cipher.hash(transcript).digest(), cipher.hash_size)


def _expand(cipher: _Cipher, secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1); no output here is longer than one block."""
    named = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes((len(named),)) + named + bytes((len(context),)) + context
    return hmac.digest(secret, info + b"\x01", cipher.name)[:size]
