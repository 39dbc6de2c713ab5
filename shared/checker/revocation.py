# SPDX-License-Identifier: Apache-2.0
"""What one source says of whether a certificate was revoked, and where a certificate says to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"
SKEW = timedelta(minutes=5)  # how far clocks may be apart


@dataclass(frozen=True)
class Revocation:
    """`status` is good, revoked or unknown; empty means not checked. `reason` says why it is not, or, beside a status,
    for how long it holds. Moments are in UTC; `cause` is the reason code in words (RFC 5280 §5.3.1), empty for none."""

    status: str = ""
    reason: str = ""
    revoked_at: datetime | None = None
    cause: str = ""

    @property
    def checked(self) -> bool:
        """Whether there is an answer that counts."""
        return bool(self.status)


def not_checked(reason: str) -> Revocation:
    """No answer that counts."""
    return Revocation(reason=reason)


def revoked(at: datetime, flag: x509.ReasonFlags | None) -> Revocation:
    """Revoked at that moment."""
    cause = "" if flag is None or flag is x509.ReasonFlags.unspecified else _WORDS.get(flag, flag.value)
    words = f"revoked on {at:%Y-%m-%d %H:%M} UTC" + (f", {cause}" if cause else "")
    return Revocation(REVOKED, words, at, cause)


_WORDS = {
    x509.ReasonFlags.key_compromise: "key compromise",
    x509.ReasonFlags.ca_compromise: "CA compromise",
    x509.ReasonFlags.affiliation_changed: "affiliation changed",
    x509.ReasonFlags.superseded: "superseded",
    x509.ReasonFlags.cessation_of_operation: "cessation of operation",
    x509.ReasonFlags.certificate_hold: "certificate hold",
    x509.ReasonFlags.privilege_withdrawn: "privilege withdrawn",
    x509.ReasonFlags.aa_compromise: "AA compromise",
    x509.ReasonFlags.remove_from_crl: "removed from the CRL",
}


def moment(at: datetime) -> str:
    """A moment for people."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def responders(leaf: x509.Certificate) -> tuple[str, ...]:
    """The URLs of OCSP responders that a certificate names (RFC 5280 §4.2.2.1). None is needed (BR 7.1.2.7.7)."""
    return _access(leaf, AuthorityInformationAccessOID.OCSP)


def issuer_urls(leaf: x509.Certificate) -> tuple[str, ...]:
    """Where the certificate says that its issuer's lies (RFC 5280 §4.2.2.1)."""
    return _access(leaf, AuthorityInformationAccessOID.CA_ISSUERS)


def _access(leaf: x509.Certificate, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(
        one.access_location.value
        for one in access
        if one.access_method == method and isinstance(one.access_location, x509.UniformResourceIdentifier)
    )


def wants_staple(leaf: x509.Certificate) -> bool:
    """Whether a certificate demands a stapled answer (RFC 7633 §4.2.3.1: TLS feature status_request)."""
    try:
        features = leaf.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.TLSFeatureType.status_request in features
