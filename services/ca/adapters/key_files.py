# SPDX-License-Identifier: Apache-2.0
"""Secrets on disk: written once, encrypted, readable by this user alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from stat import S_IMODE

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from services.ca.adapters.certify import PrivateKey

PASSPHRASE = "passphrase"  # noqa: S105 - the name of a file
SHORTEST = 16  # characters of a passphrase
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that looks like something else


class KeyStoreError(RuntimeError):
    """The CA's folder is incomplete, damaged or open to others; the text says what to do."""


def new_passphrase() -> str:
    """A passphrase of 200 random bits that can be copied by hand."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(8))


def read_passphrase(path: Path) -> bytes:
    """The passphrase of keys. Raises KeyStoreError when it is missing, short or open to others."""
    try:
        refuse_open(path)
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        raise KeyStoreError(f"The passphrase of the CA's keys is not at {path}.") from None
    if len(secret) < SHORTEST:
        raise KeyStoreError(f"The passphrase in {path} has fewer than {SHORTEST} characters.")
    return secret


def read_secret(path: Path) -> str:
    """A secret of the operator's, one line. Raises KeyStoreError when it is missing or open to others."""
    try:
        refuse_open(path)
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        raise KeyStoreError(f"The secret at {path} is not there.") from None


def refuse_open(*paths: Path) -> None:
    """Raises KeyStoreError when another user may read one of the files."""
    for path in paths:
        if S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyStoreError(f"{path} is open to other users; take their rights away (chmod go= {path}).")


def write_new(path: Path, content: bytes) -> None:
    """Writes a file (0600) that must not be there yet, to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Puts a whole file (0600) in the place of another, or of none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    write_new(draft, content)
    draft.rename(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Has the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sealed(key: PrivateKey, secret: bytes) -> bytes:
    """A key in PEM, PKCS#8, encrypted (PBES2) with a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret))


def opened(path: Path, secret: bytes) -> PrivateKey:
    """The key in an encrypted file. Raises KeyStoreError, also on a key that is not encrypted or of another kind."""
    try:
        key = load_pem_private_key(path.read_bytes(), secret)
    except FileNotFoundError:
        raise KeyStoreError(f"There is no key at {path}.") from None
    except (ValueError, TypeError):
        raise KeyStoreError(f"The key at {path} cannot be read: wrong passphrase or a damaged file.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise KeyStoreError(f"The key at {path} is neither ECDSA nor RSA.")
    return key
