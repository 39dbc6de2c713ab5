# SPDX-License-Identifier: Apache-2.0
"""Asks and reads OCSP: the question in DER, and what an answer is worth (RFC 6960 §3.2, RFC 5019)."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.checker.revocation import GOOD, SKEW, UNKNOWN, Revocation, moment, not_checked, revoked
from shared.checker.signatures import FORGEABLE, is_issued, is_signed

MAX_BYTES = 64 * 1024
_CERTIFICATES = 5  # of delegated responders that come along; one is usual
_OLDEST = timedelta(days=10)  # BR 4.9.10: for answers that name no end


def question(leaf: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The request in DER. SHA-1 names the certificate, as RFC 5019 §2.1.1 demands: nothing rests on it. There is no
    nonce: large responders sign ahead and ignore it. Raises ValueError for certificates that cannot be named so."""
    built = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()  # noqa: S303 – a name, no signature
    return built.public_bytes(serialization.Encoding.DER)


def read_answer(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Revocation:
    """What the answer says of `leaf` as of `at`. Not checked, with the reason, unless it is about this certificate,
    signed by its issuer or by a responder that the issuer appointed, and in force. Never raises for what it holds."""
    if len(der) > MAX_BYTES:
        return not_checked("the OCSP answer is too long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # certificates in the wild break rules that are not the question here
            return _read(der, leaf, issuer, at)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension):
        return not_checked("the OCSP answer cannot be read")


def stamps_of(der: bytes) -> bytes:
    """The list of CT stamps in an answer about one certificate (RFC 6962 §3.3), as DER; empty when there is none."""
    try:
        for one in ocsp.load_der_ocsp_response(der).single_extensions:
            if isinstance(one.value, x509.SignedCertificateTimestamps):
                return one.value.public_bytes()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        pass
    return b""


def _read(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Revocation:
    answer = ocsp.load_der_ocsp_response(der)
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        said = answer.response_status.name.lower().replace("_", " ")
        return not_checked(f"the OCSP responder answers: {said}")
    found = next((one for one in answer.responses if _is_about(one, leaf, issuer)), None)
    if found is None:
        return not_checked("the OCSP answer is about another certificate")
    fault = _fault_of_signature(answer, issuer, at) or _fault_of_time(found, at)
    if fault:
        return not_checked(fault)
    if found.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return revoked(found.revocation_time_utc or found.this_update_utc, found.revocation_reason)
    until = f"until {moment(found.next_update_utc)}" if found.next_update_utc else ""
    if found.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return Revocation(GOOD, until)
    return Revocation(UNKNOWN, "the responder does not know the certificate")


def _is_about(one: ocsp.OCSPSingleResponse, leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    if one.serial_number != leaf.serial_number:
        return False
    algorithm = one.hash_algorithm
    if not isinstance(algorithm, hashes.SHA1 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        return False
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, algorithm).build()
    return (asked.issuer_name_hash, asked.issuer_key_hash) == (one.issuer_name_hash, one.issuer_key_hash)


def _fault_of_time(one: ocsp.OCSPSingleResponse, at: datetime) -> str:
    if one.this_update_utc > at + SKEW:
        return f"the OCSP answer holds from {moment(one.this_update_utc)} only"
    ends = one.next_update_utc or one.this_update_utc + _OLDEST
    return f"the OCSP answer ended on {moment(ends)}" if ends + SKEW < at else ""


def _fault_of_signature(answer: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> str:
    algorithm = answer.signature_hash_algorithm
    if algorithm is not None and algorithm.name in FORGEABLE:
        return f"the OCSP answer is signed with {algorithm.name.upper()}, which can be forged"
    for signer in (issuer, *answer.certificates[:_CERTIFICATES]):
        if not _answers_as(answer, signer):
            continue
        if not is_signed(signer.public_key(), answer.signature, answer.tbs_response_bytes, algorithm):
            return "the OCSP answer's signature is wrong"
        return "" if signer.public_key() == issuer.public_key() else _fault_of_delegate(signer, issuer, at)
    return "the OCSP answer is signed by somebody whom it does not show"


def _answers_as(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Whether the answer names this signer (RFC 6960 §4.2.1: ResponderID)."""
    if answer.responder_name is not None:
        return answer.responder_name == signer.subject
    key = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
    return answer.responder_key_hash == key.digest


def _fault_of_delegate(signer: x509.Certificate, issuer: x509.Certificate, at: datetime) -> str:
    """RFC 6960 §4.2.2.2: a delegate has the purpose, and its certificate is from the very same issuer."""
    if not is_issued(signer, issuer):
        return "the OCSP answer is signed by somebody whom the issuer did not appoint"
    try:
        purposes = list(signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        purposes = []
    if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
        return "the OCSP answer is signed by a certificate that may not sign such answers"
    if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
        return "the certificate of the OCSP responder is not valid now"
    return ""
