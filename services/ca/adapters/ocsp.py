# SPDX-License-Identifier: Apache-2.0
"""Answers to OCSP requests (RFC 6960, and RFC 5019 for what a request may hold), signed by the issuing key itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import new as new_hash
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from services.ca.adapters import der
from services.ca.adapters.certify import digest_for
from services.ca.adapters.key_store import CAMaterial
from services.ca.ports import OCSPAnswer, RevokedEntry

MAX_REQUEST = 4096  # bytes; a request for one certificate has about 80
MAX_NONCE = 32  # RFC 9654 §2.1
HASHES: dict[str, hashes.HashAlgorithm] = {
    each.name: each
    # They name the issuer and protect nothing (RFC 6960 §4.1.1).
    for each in (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())  # noqa: S303
}

_UNREADABLE = (
    ValueError, TypeError, OverflowError, NotImplementedError, UnsupportedAlgorithm, x509.DuplicateExtension,
)  # fmt: skip

StandingOf = Callable[[str], "RevokedEntry | bool"]
"""By serial in upper-case hexadecimal, with leading zeros: how it was revoked; True: good; False: never issued."""


class _Issuer(NamedTuple):
    name_hash: bytes
    key_hash: bytes


class OCSPResponder:
    """Answers for one issuing certificate."""

    def __init__(self, material: CAMaterial) -> None:
        self._material = material
        subject = material.issuing.subject.public_bytes()
        key = der.key_bits(_spki(material.issuing))
        self._issuer = {name: _Issuer(_digest(name, subject), _digest(name, key)) for name in HASHES}

    def answer(
        self, request: bytes, standing_of: StandingOf, *, this_update: datetime, next_update: datetime
    ) -> OCSPAnswer:
        """The answer in DER. A request that cannot be read, or is about another CA, gets an unsigned refusal."""
        try:
            asked = ocsp.load_der_ocsp_request(request if len(request) <= MAX_REQUEST else b"")
            algorithm = asked.hash_algorithm.name
            nonce = _nonce(asked)
            serial = asked.serial_number.to_bytes(160, "big").hex().upper()  # OverflowError: below zero, or endless
        except _UNREADABLE:
            return _refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if self._issuer.get(algorithm) != (asked.issuer_name_hash, asked.issuer_key_hash):
            return _refused(ocsp.OCSPResponseStatus.UNAUTHORIZED, foreign=True)  # RFC 5019 §2.2.3
        standing = standing_of(serial)
        status, revoked_at, reason = _status(standing)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                asked.serial_number,
                HASHES[algorithm],
                status,
                this_update,
                next_update,
                revoked_at,
                reason,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self._material.issuing)
        )
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        signed = builder.sign(self._material.key, digest_for(self._material.key))
        # An answer to one nonce, or about a serial that may be issued a moment later, is of no use to anybody else.
        for_all = nonce is None and status is not ocsp.OCSPCertStatus.UNKNOWN
        return OCSPAnswer(signed.public_bytes(Encoding.DER), for_all)


def _status(
    standing: RevokedEntry | bool,
) -> tuple[ocsp.OCSPCertStatus, datetime | None, x509.ReasonFlags | None]:
    if isinstance(standing, RevokedEntry):
        # RFC 6960 §4.2.1: without a reason it is unspecified.
        reason = None if standing.reason == "unspecified" else x509.ReasonFlags(standing.reason)
        return ocsp.OCSPCertStatus.REVOKED, standing.revoked_at, reason
    # BR 4.9.10: a serial that was never issued is not good.
    return (ocsp.OCSPCertStatus.GOOD if standing else ocsp.OCSPCertStatus.UNKNOWN), None, None


def _nonce(asked: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    for extension in asked.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            return extension.value if 1 <= len(extension.value.nonce) <= MAX_NONCE else None
    return None


def _refused(status: ocsp.OCSPResponseStatus, *, foreign: bool = False) -> OCSPAnswer:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
    return OCSPAnswer(refusal, for_all=False, foreign=foreign)


def _digest(name: str, content: bytes) -> bytes:
    return new_hash(name, content, usedforsecurity=False).digest()  # RFC 6960 §4.1.1 names the key, nothing more


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
