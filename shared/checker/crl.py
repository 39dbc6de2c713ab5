# SPDX-License-Identifier: Apache-2.0
"""Reads certificate revocation lists: what one says of a certificate, if it speaks of it at all (RFC 5280 §5, §6.3)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from shared.checker.revocation import GOOD, SKEW, Revocation, moment, not_checked, revoked
from shared.checker.signatures import FORGEABLE

MAX_BYTES = 20 << 20
_KNOWN = {
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_NUMBER,
    ExtensionOID.DELTA_CRL_INDICATOR,
    ExtensionOID.FRESHEST_CRL,
    ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
}
_KNOWN_OF_ENTRIES = {
    CRLEntryExtensionOID.CRL_REASON,
    CRLEntryExtensionOID.INVALIDITY_DATE,
    CRLEntryExtensionOID.CERTIFICATE_ISSUER,
}
# Another list than this issuer's own is a question of its own (§5.2.5); so is one for some reasons only.
_INDIRECT = "the CRL is another issuer's"


def crl_urls(leaf: x509.Certificate) -> tuple[str, ...]:
    """Where the certificate says that its issuer's whole list lies, by HTTP (RFC 5280 §4.2.1.13)."""
    return tuple(name for point in _points(leaf) for name in _urls(point.full_name or ()))


def read_crl(crl: bytes, leaf: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Revocation:
    """What the list (DER or PEM) says of `leaf` as of `at`. Not checked, with the reason, unless it is its issuer's, in
    force, and covers this certificate. Never raises for what it holds."""
    if len(crl) > MAX_BYTES:
        return not_checked(f"the CRL is longer than {MAX_BYTES >> 20} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lists in the wild break rules that are not the question here
            return _read(crl, leaf, issuer, at)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion):
        return not_checked("the CRL cannot be read")


def _read(crl: bytes, leaf: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Revocation:
    load = x509.load_pem_x509_crl if crl.startswith(b"-----BEGIN") else x509.load_der_x509_crl
    found = load(crl)
    if fault := _fault(found, leaf, issuer, at):
        return not_checked(fault)
    entry = found.get_revoked_certificate_by_serial_number(leaf.serial_number)
    until = f"until {moment(found.next_update_utc)}" if found.next_update_utc else ""
    if entry is None:
        return Revocation(GOOD, until)
    if any(one.critical and one.oid not in _KNOWN_OF_ENTRIES for one in entry.extensions):
        return not_checked("the CRL says something of the certificate that we do not understand")
    reason = next((one.value.reason for one in entry.extensions if isinstance(one.value, x509.CRLReason)), None)
    if reason is x509.ReasonFlags.remove_from_crl:
        return Revocation(GOOD, until)
    return revoked(entry.revocation_date_utc, reason)


def _fault(
    found: x509.CertificateRevocationList, leaf: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> str:
    if found.issuer != leaf.issuer:
        return _INDIRECT
    algorithm = found.signature_hash_algorithm
    if algorithm is not None and algorithm.name in FORGEABLE:
        return f"the CRL is signed with {algorithm.name.upper()}, which can be forged"
    if not _may_sign(issuer) or not found.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        return "the CRL's signature is not the issuer's"
    if found.last_update_utc > at + SKEW:
        return f"the CRL holds from {moment(found.last_update_utc)} only"
    if found.next_update_utc is None:
        return "the CRL does not say how long it holds"  # RFC 5280 §5.1.2.5 demands it
    if found.next_update_utc + SKEW < at:
        return f"the CRL ended on {moment(found.next_update_utc)}"
    return next(_faults_of_scope(found, leaf), "")


def _faults_of_scope(found: x509.CertificateRevocationList, leaf: x509.Certificate) -> Iterator[str]:
    for one in found.extensions:
        if one.critical and one.oid not in _KNOWN:
            yield "the CRL has a critical extension that we do not understand"  # §5.2: then it must not be used
        if one.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            yield "the CRL holds changes only"
        if isinstance(one.value, x509.IssuingDistributionPoint):
            yield from _faults_of_point(one.value, leaf)


def _faults_of_point(point: x509.IssuingDistributionPoint, leaf: x509.Certificate) -> Iterator[str]:
    """§6.3.3 (b) (2)."""
    if point.indirect_crl:
        yield _INDIRECT
    if point.only_some_reasons:
        yield "the CRL is for some reasons only"
    if point.only_contains_attribute_certs or (point.only_contains_ca_certs and not _is_ca(leaf)):
        yield "the CRL is for other kinds of certificates"
    if point.only_contains_user_certs and _is_ca(leaf):
        yield "the CRL is for other kinds of certificates"
    if point.relative_name is not None:
        yield "the CRL names its place in a way that we do not follow"
    if point.full_name is not None:
        named = {name for one in _points(leaf) for name in one.full_name or ()}
        if not named & set(point.full_name):
            yield "the CRL is for certificates of another distribution point"


def _may_sign(issuer: x509.Certificate) -> bool:
    """§6.3.3 (f): where the issuer's key usage is limited, it must hold cRLSign."""
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _is_ca(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _points(leaf: x509.Certificate) -> list[x509.DistributionPoint]:
    """Those of the issuer itself, for all reasons."""
    try:
        points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [one for one in points if one.crl_issuer is None and one.reasons is None]


def _urls(names: list[x509.GeneralName] | tuple[()]) -> list[str]:
    return [
        one.value
        for one in names
        if isinstance(one, x509.UniformResourceIdentifier) and one.value.lower().startswith(("http://", "https://"))
    ]
