# SPDX-License-Identifier: Apache-2.0
"""One certificate as it was seen: read from its own bytes, or from what an agent says where it sends none."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from shared.clock import derived_id, from_text, to_text
from shared.contracts.discovery import CertificateDetails
from shared.contracts.installer import ServedCertificate
from shared.pki.certificate import Certificate, CertificateUnreadableError, parse_certificate, parse_with, to_pem
from shared.pki.issuance import issuer_and_level, issuer_and_level_of
from shared.pki.usual import UsualReader


def stream(account_id: str, fingerprint: str) -> str:
    """The stream of one certificate in one account's inventory."""
    return f"certificate-{derived_id(account_id, fingerprint)}"


class Sighting(NamedTuple):
    """The facts of a certificate. `fingerprint` is the SHA-256 in lower-case hex, `serial` upper-case hex."""

    fingerprint: str
    serial: str
    common_name: str
    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: str
    not_after: str
    key_algorithm: str
    pem: str
    brand: str = ""
    level: str = ""
    spki: str = ""


MOST_CHAIN = 10
_usual = UsualReader()
FORMS = ("single", "wildcard", "multi_domain")


def form_of(names: Sequence[str]) -> str:
    """single, wildcard or multi_domain, by the names: a wildcard with its own base is one thing."""
    if len(names) == 1:
        return "wildcard" if names[0].startswith("*.") else "single"
    wildcards = [name for name in names if name.startswith("*.")]
    if len(wildcards) == 1 and set(names) <= {wildcards[0], wildcards[0][2:]}:
        return "wildcard"
    bases = {name.removeprefix("www.") for name in names}
    return "single" if len(bases) <= 1 and not wildcards else "multi_domain"


def read_pem(pem: str) -> Sighting | None:
    """The certificate's own word; None when it cannot be read."""
    try:
        certificate = parse_certificate(pem)
        return of_certificate(certificate, issuer_and_level(certificate.der))
    except CertificateUnreadableError:
        return None


@lru_cache(maxsize=1024)
def read_chain(chain: tuple[str, ...]) -> tuple[Sighting, str] | None:
    """What a server sent, base64 DER, leaf first: the leaf, and PEM of the rest; None when the leaf cannot be read."""
    try:
        return _read_der(base64.b64decode(chain[0], validate=True)), "".join(map(_issuer_pem, chain[1:MOST_CHAIN]))
    except (CertificateUnreadableError, ValueError, IndexError):
        return None


def _read_der(der: bytes) -> Sighting:
    """Raises CertificateUnreadableError."""
    usual = _usual.read(der)
    if usual is not None:
        return Sighting(
            usual.fingerprint,
            usual.serial,
            usual.common_name,
            usual.names,
            usual.subject,
            usual.issuer,
            usual.not_before,
            usual.not_after,
            usual.key_algorithm,
            to_pem(der),
            usual.brand,
            usual.level,
            usual.spki,
        )
    found = of_certificate(*parse_with(der, issuer_and_level_of))
    _usual.learn(der, issuer=found.issuer, brand=found.brand, level=found.level)
    return found


@lru_cache(maxsize=256)
def _issuer_pem(text: str) -> str:
    """Thousands of servers show the same few."""
    return to_pem(base64.b64decode(text, validate=True))


def details_of(pem: str) -> CertificateDetails | None:
    """What else stands in the bytes; None when they cannot be read."""
    try:
        found = parse_certificate(pem)
    except CertificateUnreadableError:
        return None
    return CertificateDetails(
        fingerprint_sha1=found.sha1,
        spki_sha256=found.spki_sha256,
        signature_hash=found.signature_hash,
        key_kind=found.key_kind,
        key_size=found.key_size,
        curve=found.curve,
        organization=found.organization,
    )


def read_served(served: ServedCertificate) -> Sighting | None:
    """What an agent saw on a binding. Its certificate speaks for itself where the agent sent it; a fingerprint that
    the bytes do not have, or dates that cannot be read, make it no certificate at all."""
    claimed = served.fingerprint_sha256.lower()
    if served.pem:
        found = read_pem(served.pem)
        return found if found is not None and found.fingerprint == claimed else None
    try:
        not_before, not_after = (to_text(from_text(text)) for text in (served.not_before, served.not_after))
    except ValueError:
        return None
    names = tuple(served.names)
    return Sighting(
        fingerprint=claimed,
        serial=served.serial.upper(),
        common_name=names[0] if names else "",
        names=names,
        subject=served.subject,
        issuer=served.issuer,
        not_before=not_before,
        not_after=not_after,
        key_algorithm="",
        pem="",
    )


def of_certificate(certificate: Certificate, issued: tuple[str, str]) -> Sighting:
    """The facts of a certificate that was read; `issued` is its issuer's brand and its level."""
    brand, level = issued
    size = certificate.curve or (str(certificate.key_size) if certificate.key_size else "")
    return Sighting(
        fingerprint=certificate.sha256,
        serial=certificate.serial,
        common_name=certificate.common_name,
        names=certificate.names,
        subject=certificate.subject,
        issuer=certificate.issuer,
        not_before=to_text(certificate.not_before),
        not_after=to_text(certificate.not_after),
        key_algorithm=f"{certificate.key_kind} {size}".strip(),
        pem=certificate.pem,
        brand=brand,
        level=level,
        spki=certificate.spki_sha256,
    )


def days_left(not_after: str, now: datetime) -> int:
    """Whole days until the end, rounded down; negative when it is over."""
    return (from_text(not_after) - now).days
