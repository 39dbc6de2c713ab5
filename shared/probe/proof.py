# SPDX-License-Identifier: Apache-2.0
"""Has a server prove that it has its certificate's key, at a third of the cost of OpenSSL's whole handshake.

A server signs the fresh random of the client with its key: in CertificateVerify (RFC 8446 §4.4.3), or, up to TLS 1.2
and with a key agreement of its own, in ServerKeyExchange (RFC 5246 §7.4.3). Both come unasked, in its first flight.
Whoever has verified that has nothing to gain from the rest. What has no such signature (the key exchange of RSA) or one
that is read by nobody any more (TLS 1.1 and below) ends by ProbeError: `openssl.shake_hands` may do better.

`cryptography` does the primitives; where it is missing, as in the agent, importing this fails.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared.probe.chain import Proof
from shared.probe.conversation import Conversation
from shared.probe.hello import (
    EXTENDED_MASTER_SECRET,
    PSK_MODES,
    SCT,
    SESSION_TICKET,
    STATUS_REQUEST,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    ClientHello,
    Reader,
    read_certificates,
    read_certificates13,
)
from shared.probe.openssl import usual_context
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_STATUS,
    CERTIFICATE_VERIFY,
    FINISHED,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    read_message,
)
from shared.probe.suites import EMPTY_RENEGOTIATION_INFO_SCSV, suite
from shared.probe.tls13 import Begun, Keys, Sealed, begin

# RFC 8446 §4.2.3, in OpenSSL's order; those behind are for TLS 1.2 alone. The two by SHA-1
# are offered since a server may choose by what is offered, and their verification is left to OpenSSL.
_YOUNG_SCHEMES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806)
_SCHEMES = (*_YOUNG_SCHEMES, 0x0401, 0x0501, 0x0601, 0x0303, 0x0203, 0x0301, 0x0201)
_HASHES: dict[int, hashes.HashAlgorithm] = {
    3: hashes.SHA224(),
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
    8: hashes.SHA512(),  # of Ed25519 and Ed448, which need none
}
_PSS = {0x0804: 4, 0x0805: 5, 0x0806: 6, 0x0809: 4, 0x080A: 5, 0x080B: 6}
_RSA, _ECDSA = 1, 3  # the low byte of the other schemes (RFC 5246 §7.4.1.4.1)
_YOUNG = b" " * 64 + b"TLS 1.3, server CertificateVerify\x00"  # RFC 8446 §4.4.3
_KINDS = ("RSA", "ECDSA", "any")
_EXTENSIONS = (
    (STATUS_REQUEST, b"\x01\x00\x00\x00\x00"),
    (SCT, b""),
    (SESSION_TICKET, b""),
    (EXTENDED_MASTER_SECRET, b""),
    (PSK_MODES, b"\x01\x01"),
)


@lru_cache(maxsize=1)
def _suites() -> tuple[int, ...]:
    """What OpenSSL would offer, in its order, so that a server chooses what it would choose then."""
    offered = (int(one["id"]) & 0xFFFF for one in usual_context().get_ciphers())
    return (*(code for code in offered if suite(code).authentication in _KINDS), EMPTY_RENEGOTIATION_INFO_SCSV)


def hello_for_proof(keys: Keys, server_name: str | None) -> ClientHello:
    """A hello of all versions, with a fresh random: that is what the server signs."""
    plain = keys.hello(None)
    return ClientHello(
        suites=_suites(),
        server_name=server_name,
        groups=plain.groups,
        signature_algorithms=_SCHEMES,
        versions13=(TLS13, TLS12, TLS11, TLS10),
        key_shares=plain.key_shares,
        extensions=_EXTENSIONS,
        session_id=plain.session_id,
        random=os.urandom(32),
    )


def read_proof(keys: Keys, hello: ClientHello) -> Conversation[Proof]:
    """Sends `hello` and reads to the signature that proves the key. Ends by ProbeError, also for one that is wrong."""
    begun = yield from begin(keys, hello, hello.message(), lowest=TLS12)
    if begun.chosen.version == TLS13:
        return (yield from _young(keys, begun))
    return (yield from _old(begun, hello.random or b""))


def _young(keys: Keys, begun: Begun) -> Conversation[Proof]:
    sealed = Sealed(keys, begun)
    shown, _ = yield from sealed.certificates()
    certificates = read_certificates13(shown.body)
    ders = tuple(der for der, _ in certificates)
    content = _YOUNG + sealed.digest
    message = yield from sealed.message()
    if message.kind != CERTIFICATE_VERIFY:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} instead of a signature")
    _verify(ders[0], message.body, content, young=True)
    wanted = sealed.finished()
    message = yield from sealed.message()
    if message.kind != FINISHED or not hmac.compare_digest(message.body, wanted):
        raise ProbeError(Failure.MALFORMED, "a handshake that the server does not finish")
    attached = certificates[0][1]
    return Proof(ders, TLS13, begun.chosen.suite, attached.get(STATUS_REQUEST, b""), attached.get(SCT, b""))


def _old(begun: Begun, random: bytes) -> Conversation[Proof]:
    chosen = begun.chosen
    kind = suite(chosen.suite)
    if chosen.version != TLS12 or kind.key_exchange not in ("ECDHE", "DHE"):
        raise ProbeError(Failure.MALFORMED, f"the server signs nothing with {kind.name}")
    certificates: tuple[bytes, ...] = ()
    exchange, stapled = b"", b""
    while True:
        message = yield from read_message(begun.records)
        if message.kind == CERTIFICATE:
            certificates = read_certificates(message.body)
        elif message.kind == CERTIFICATE_STATUS:
            stapled = message.body
        elif message.kind == SERVER_KEY_EXCHANGE:
            exchange = message.body
        elif message.kind == SERVER_HELLO_DONE:
            break
        elif message.kind != CERTIFICATE_REQUEST:
            raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} in the server's flight")
    if not certificates or not exchange:
        raise ProbeError(Failure.NO_CERTIFICATE, f"the server shows or signs nothing with {kind.name}")
    size = _size_of_parameters(exchange, elliptic=kind.elliptic)
    _verify(certificates[0], exchange[size:], random + chosen.random + exchange[:size], young=False)
    return Proof(certificates, TLS12, chosen.suite, stapled, chosen.extensions.get(SCT, b""))


def _size_of_parameters(exchange: bytes, *, elliptic: bool) -> int:
    """How much of a ServerKeyExchange is signed: a named curve and a point (RFC 8422 §5.4), or three numbers."""
    reader = Reader(exchange)
    if elliptic:
        reader.take(3)
        reader.vector(1)
    else:
        for _ in range(3):
            reader.vector(2)
    return len(exchange) - reader.left


def _verify(leaf: bytes, signed: bytes, content: bytes, *, young: bool) -> None:
    """Checks a DigitallySigned (RFC 5246 §4.7), which a CertificateVerify is too. Raises ProbeError."""
    reader = Reader(signed)
    scheme = reader.number(2)
    signature = reader.vector(2)
    if reader.left or scheme not in (_YOUNG_SCHEMES if young else _SCHEMES):
        raise ProbeError(Failure.MALFORMED, f"a signature by the scheme {scheme:#06x}, which was not offered")
    try:
        key = load_der_public_key(_key_of(leaf))
        of = _HASHES[_PSS.get(scheme, scheme >> 8)]
        low = scheme & 0xFF
        if scheme in _PSS and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PSS(padding.MGF1(of), of.digest_size), of)
        elif (scheme == 0x0807 and isinstance(key, ed25519.Ed25519PublicKey)) or (
            scheme == 0x0808 and isinstance(key, ed448.Ed448PublicKey)
        ):
            key.verify(signature, content)
        elif low == _ECDSA and scheme not in _PSS and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(of))
        elif low == _RSA and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), of)
        else:
            raise ProbeError(Failure.MALFORMED, f"a signature by the scheme {scheme:#06x} with a key of another kind")
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, LookupError) as error:
        raise ProbeError(Failure.MALFORMED, "a signature that is not by the certificate's key") from error


def _key_of(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1). Raises IndexError or ValueError."""
    at, _ = _bounds(der, _bounds(der, 0)[0])
    for _ in range(5 + (der[at] == 0xA0)):  # the version, if there is one, serial, signature, issuer, validity, subject
        at = _bounds(der, at)[1]
    return der[at : _bounds(der, at)[1]]


def _bounds(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at `at` begins and ends."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[at + 2 : start], "big")
    if start + size > len(der):
        raise ValueError("a value that goes beyond the end")
    return start, start + size
