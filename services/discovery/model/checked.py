# SPDX-License-Identifier: Apache-2.0
"""The certificates of a survey, read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from shared.clock import to_text
from shared.contracts.discovery import CheckedCertificate
from shared.pki.certificate import Certificate, CertificateUnreadableError, parse_certificate
from shared.pki.issuance import issuer_and_level

MOST = 10


def certificates_of(survey: Mapping[str, Any]) -> list[CheckedCertificate]:
    """The chain that was sent for the name that was asked for, leaf first; those that cannot be read are left out."""
    chains = sorted(survey["chains"], key=lambda chain: not chain["with_server_name"])
    found = []
    for text in chains[0]["certificates"][:MOST] if chains else ():
        try:
            found.append(_read(parse_certificate(base64.b64decode(text))))
        except (CertificateUnreadableError, ValueError):
            continue
    return found


def _read(one: Certificate) -> CheckedCertificate:
    brand, level = issuer_and_level(one.der)
    size = one.curve or (str(one.key_size) if one.key_size else "")
    return CheckedCertificate(
        subject=one.subject,
        common_name=one.common_name,
        names=list(one.names),
        organization=one.organization,
        serial=one.serial,
        fingerprint_sha256=one.sha256,
        not_before=to_text(one.not_before),
        not_after=to_text(one.not_after),
        key=f"{one.key_kind} {size}".strip(),
        signature_hash=one.signature_hash,
        issuer=one.issuer,
        issuer_name=one.issuer_name,
        brand=brand,
        level=level,
        self_signed=one.self_issued,
        pem=one.pem,
    )
