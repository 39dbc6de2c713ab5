# SPDX-License-Identifier: Apache-2.0
"""The built-in CA's keys on disk: made once, encrypted, readable by this user alone.

Everything is prepared in a folder beside and put in place by one rename, so that a crash or a second process leaves a
whole
CA or none.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_IMODE

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ROOT_DAYS = 20 * 365
ISSUING_DAYS = 10 * 365
FILES = ("root.key.pem", "root.pem", "issuing.key.pem", "issuing.pem")
PASSPHRASE = "passphrase"  # noqa: S105 - the name of a file


class KeyStoreError(RuntimeError):
    """The CA's folder is incomplete, damaged or open to others; the text says what to do."""


@dataclass(frozen=True, slots=True)
class CAMaterial:
    """What signing needs. The root's key stays on disk."""

    root: x509.Certificate
    issuing: x509.Certificate
    key: PrivateKey


def open_key_store(
    folder: Path, passphrase_file: Path | None, *, name: str, algorithm: str, now: datetime
) -> CAMaterial:
    """Loads the CA, making it at the first start. Raises KeyStoreError."""
    if not folder.exists():
        _make(folder, passphrase_file, name=name, algorithm=algorithm, now=now)
    missing = [each for each in FILES if not (folder / each).is_file()]
    if missing:
        raise KeyStoreError(
            f"The CA in {folder} lacks {', '.join(missing)}. Restore it from a backup; a new CA would be a "
            "different one."
        )
    _refuse_open(folder, *(folder / each for each in FILES if each.endswith(".key.pem")))
    secret = _passphrase(passphrase_file or folder / PASSPHRASE)
    try:
        root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
        issuing = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())
        key = load_pem_private_key((folder / "issuing.key.pem").read_bytes(), secret)
    except (ValueError, TypeError):
        raise KeyStoreError(f"The CA in {folder} cannot be read: wrong passphrase or damaged files.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) or key.public_key() != issuing.public_key():
        raise KeyStoreError(f"The key in {folder} does not belong to the issuing certificate beside it.")
    return CAMaterial(root, issuing, key)


def _make(folder: Path, passphrase_file: Path | None, *, name: str, algorithm: str, now: datetime) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".ca-", dir=folder.parent))  # 0700
    try:
        if passphrase_file is None:
            _write(draft / PASSPHRASE, secrets.token_urlsafe(32).encode())
        secret = _passphrase(passphrase_file or draft / PASSPHRASE)
        start = now.replace(microsecond=0) - timedelta(hours=1)
        root_key, issuing_key = _new_key(algorithm), _new_key(algorithm)
        root_name, issuing_name = _name(name, "Root CA"), _name(name, "Issuing CA 1")
        root = _certify(root_name, root_key, root_name, root_key, start=start, days=ROOT_DAYS, path_length=None)
        issuing = _certify(
            issuing_name, issuing_key, root_name, root_key, start=start, days=ISSUING_DAYS, path_length=0
        )
        for stem, key, certificate in (("root", root_key, root), ("issuing", issuing_key, issuing)):
            encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret))
            _write(draft / f"{stem}.key.pem", encrypted)
            _write(draft / f"{stem}.pem", certificate.public_bytes(Encoding.PEM))
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            # Another process was first: its CA is the one.
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _certify(
    subject: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    *,
    start: datetime,
    days: int,
    path_length: int | None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days, seconds=-1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_ca_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if subject != issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
        anything = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)])
        builder = (
            builder.add_extension(identifier, critical=False)
            .add_extension(usage, critical=False)
            .add_extension(anything, critical=False)
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _name(organization: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organization} {role}"),
        ]
    )


def _new_key(algorithm: str) -> PrivateKey:
    kind, _, size = algorithm.partition("-")
    if kind == "rsa":
        return rsa.generate_private_key(65537, int(size))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[size]())


def _passphrase(path: Path) -> bytes:
    try:
        _refuse_open(path)
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        raise KeyStoreError(f"The passphrase of the CA's keys is not at {path}.") from None
    if len(secret) < 16:
        raise KeyStoreError(f"The passphrase in {path} has fewer than 16 characters.")
    return secret


def _refuse_open(*paths: Path) -> None:
    for path in paths:
        if S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyStoreError(f"{path} is open to other users; take their rights away (chmod go= {path}).")


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
