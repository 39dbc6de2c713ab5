# SPDX-License-Identifier: Apache-2.0
"""How a CA begins: root, issuing CA, the root's list, and the root's key sealed for a place outside.

The root's key exists in the memory of this process alone, for three signatures, and then as one encrypted file.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from services.ca.adapters.certify import (
    ca_name,
    certify_issuing,
    certify_root,
    list_of_root,
    new_key,
    published_at,
)
from services.ca.adapters.key_files import PASSPHRASE, read_passphrase, sealed, write_new

ROOT_DAYS = 20 * 365
ISSUING_DAYS = 10 * 365
OFFLINE = "offline"
ROOT_KEY = "root.key.pem"
ROOT_LIST = "root.crl"
READ_ME = """This folder is to leave this machine: root.key.pem is the root's key, encrypted.

Move it to two media that are kept apart (mv, then look that it can be read there), and keep its passphrase in a third
place. Certwright never needs it to sign certificates. It is needed to make another issuing CA: `certwright ca rotate`.
A file `passphrase` is here only when nobody watched the first start; move it to another place than the key.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made. Lifetimes are days, both ends included; `list_days` 0: as long as the issuing CA.

    `base` is where relying parties will fetch what the root signs, as `…/pki`; empty leaves the addresses out.
    """

    organization: str
    root_name: str = ""
    issuing_name: str = ""
    country: str = ""
    root_algorithm: str = "ec-p256"
    issuing_algorithm: str = "ec-p256"
    root_days: int = ROOT_DAYS
    issuing_days: int = ISSUING_DAYS
    list_days: int = 0
    base: str = ""


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made."""

    root: x509.Certificate
    issuing: x509.Certificate
    root_list: x509.CertificateRevocationList


def found(plan: Plan, folder: Path, *, root_secret: bytes, passphrase_file: Path | None, now: datetime) -> Founded:
    """Fills an empty folder (0700) with a CA, its root's key sealed in `offline/`. Raises KeyStoreError."""
    if passphrase_file is None:
        write_new(folder / PASSPHRASE, secrets.token_urlsafe(32).encode())
    service_secret = read_passphrase(passphrase_file or folder / PASSPHRASE)
    root_key, issuing_key = new_key(plan.root_algorithm), new_key(plan.issuing_algorithm)
    root_name = ca_name(plan.organization, plan.root_name or f"{plan.organization} Root CA", plan.country)
    issuing_name = ca_name(plan.organization, plan.issuing_name or f"{plan.organization} Issuing CA 1", plan.country)
    root = certify_root(root_name, root_key, now=now, days=plan.root_days)
    issuing = certify_issuing(
        issuing_name,
        issuing_key.public_key(),
        root,
        root_key,
        now=now,
        days=plan.issuing_days,
        distribution=published_at(plan.base),
    )
    until = min(now + timedelta(days=plan.list_days), root.not_valid_after_utc)
    if not plan.list_days:
        until = issuing.not_valid_after_utc
    root_list = list_of_root(root, root_key, number=1, now=now, until=until)
    write_new(folder / "root.pem", root.public_bytes(Encoding.PEM))
    write_new(folder / ROOT_LIST, root_list.public_bytes(Encoding.DER))
    write_new(folder / "issuing.pem", issuing.public_bytes(Encoding.PEM))
    write_new(folder / "issuing.key.pem", sealed(issuing_key, service_secret))
    (folder / OFFLINE).mkdir(mode=0o700)
    write_new(folder / OFFLINE / ROOT_KEY, sealed(root_key, root_secret))
    write_new(folder / OFFLINE / "README", READ_ME.encode())
    return Founded(root, issuing, root_list)
