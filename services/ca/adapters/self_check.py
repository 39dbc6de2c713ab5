# SPDX-License-Identifier: Apache-2.0
"""What a person would look at before trusting new CA certificates, looked at every time and said in words."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.ca.adapters import lint
from services.ca.adapters.certify import PrivateKey
from services.ca.adapters.key_files import KeyStoreError


class Check(NamedTuple):
    """One thing that has to be so."""

    what: str
    ok: bool
    detail: str = ""


def self_check(
    root: x509.Certificate, issuing: x509.Certificate, issuing_key: PrivateKey | None, *, now: datetime
) -> list[Check]:
    """Of a root and an issuing certificate below it; of its key too, where that is here."""
    checks = [
        Check("the root signed itself", _signed(root, root)),
        Check("the root signed the issuing certificate", _signed(issuing, root)),
        Check("the issuing certificate may sign certificates and lists, and no CA", _may_issue(issuing)),
        Check("it is for TLS servers", _for_servers(issuing)),
        Check(
            "it is valid now and does not outlive the root",
            issuing.not_valid_before_utc <= now < issuing.not_valid_after_utc <= root.not_valid_after_utc,
        ),
    ]
    if issuing_key is not None:
        checks.append(Check("the issuing key belongs to it", issuing_key.public_key() == issuing.public_key()))
    for kind, certificate in (("root", root), ("issuing", issuing)):
        problems = lint.ca_problems(certificate.public_bytes(Encoding.DER), kind)
        checks.append(Check(f"pkilint finds no error in the {kind} certificate", not problems, "; ".join(problems)))
    return checks


def refuse_failed(checks: list[Check]) -> None:
    """Raises KeyStoreError with what is not so."""
    failed = [f"{each.what} ({each.detail})" if each.detail else each.what for each in checks if not each.ok]
    if failed:
        raise KeyStoreError(f"Not so: {'; '.join(failed)}.")


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_issue(issuing: x509.Certificate) -> bool:
    try:
        constraints = issuing.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuing.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and constraints.path_length == 0 and usage.key_cert_sign and usage.crl_sign


def _for_servers(issuing: x509.Certificate) -> bool:
    try:
        usage = issuing.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage
