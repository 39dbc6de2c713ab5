# SPDX-License-Identifier: Apache-2.0
"""The built-in CA on disk: `<folder>/` holds the first issuing CA, `<folder>/issuer-2/` and so on the later ones.

Everything is prepared in a folder beside and put in place by one rename, so that a crash or a second process leaves a
whole CA or none, the old issuer or the new one. The highest number signs; the others speak for what they signed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509

from services.ca.adapters.certify import PrivateKey
from services.ca.adapters.founding import OFFLINE, ROOT_KEY, ROOT_LIST, Plan, found
from services.ca.adapters.key_files import (
    PASSPHRASE,
    KeyStoreError,
    new_passphrase,
    opened,
    read_passphrase,
    refuse_open,
    sync,
    write_new,
)
from shared.crashpoint import crash_point

MADE = "made.json"
FILES = ("root.pem", "issuing.key.pem", "issuing.pem")
_LATER = re.compile(r"issuer-([1-9][0-9]{0,3})")

Tell = Callable[[str], None]
"""Shows the root's passphrase to the person who starts the CA; called before anything is in place."""


class RootKey(StrEnum):
    """Where the root's private key is, as far as this folder shows."""

    BESIDE = "beside"  # as older releases left it: the service's own passphrase opens it
    WITH_PASSPHRASE = "with_passphrase"  # noqa: S105 - in offline/, and its passphrase as well
    SEALED = "sealed"  # in offline/, the passphrase elsewhere
    AWAY = "away"  # not here


@dataclass(frozen=True, slots=True)
class CAMaterial:
    """What one issuing CA signs with; the root's key is not here. `number` counts the issuing CAs from 1;
    `by` is who installed a later one.
    """

    root: x509.Certificate
    issuing: x509.Certificate
    key: PrivateKey
    number: int = 1
    by: str = ""


@dataclass(frozen=True, slots=True)
class KeyStore:
    """All issuing CAs of a folder, the newest last; `root_list` is the root's CRL in DER, where there is one."""

    issuers: tuple[CAMaterial, ...]
    root_key: RootKey
    root_list: bytes | None = None

    @property
    def active(self) -> CAMaterial:
        """The one that signs."""
        return self.issuers[-1]


def open_key_store(
    folder: Path, passphrase_file: Path | None, *, plan: Plan, now: datetime, tell: Tell | None = None
) -> KeyStore:
    """Loads the CA, making it at the first start. Raises KeyStoreError.

    With `tell` the root's passphrase is told and written nowhere; without it, it lies beside the root's key.
    """
    if not folder.exists():
        _make(folder, passphrase_file, plan=plan, now=now, tell=tell)
    return load(folder, passphrase_file)


def load(folder: Path, passphrase_file: Path | None) -> KeyStore:
    """The CA in a folder. Raises KeyStoreError when it is incomplete, damaged or open to others."""
    refuse_missing(folder, folder)
    secret = read_passphrase(passphrase_file or folder / PASSPHRASE)
    issuers = [_material(folder, 1, folder, secret)]
    for number, place in later(folder):
        refuse_missing(place, folder)
        issuers.append(_material(place, number, folder, secret))
    root_list = folder / ROOT_LIST
    return KeyStore(tuple(issuers), root_key_of(folder), root_list.read_bytes() if root_list.is_file() else None)


def refuse_missing(place: Path, folder: Path) -> None:
    """Raises KeyStoreError when a file of an issuing CA is not there."""
    missing = [each for each in FILES if not (place / each).is_file()]
    if missing:
        raise KeyStoreError(
            f"The CA in {folder} lacks {', '.join(missing)}. Restore it from a backup; a new CA would be a "
            "different one."
        )


def later(folder: Path) -> list[tuple[int, Path]]:
    """The issuing CAs after the first, by number."""
    found_ = ((_LATER.fullmatch(path.name), path) for path in folder.iterdir() if path.is_dir())
    return sorted((int(match[1]), path) for match, path in found_ if match)


def highest(folder: Path) -> int:
    """The number of the issuing CA that signs."""
    return max((number for number, _ in later(folder)), default=1)


def root_key_of(folder: Path) -> RootKey:
    """Where the root's key is."""
    beside = folder / ROOT_KEY
    if beside.is_file() and beside.stat().st_size:
        return RootKey.BESIDE
    if not (folder / OFFLINE / ROOT_KEY).is_file():
        return RootKey.AWAY
    return RootKey.WITH_PASSPHRASE if (folder / OFFLINE / PASSPHRASE).is_file() else RootKey.SEALED


def generation(folder: Path) -> tuple[int, int]:
    """Another value whenever an issuing CA was put in place or the root's key went away; cheap."""
    try:
        offline = (folder / OFFLINE).stat().st_mtime_ns
    except FileNotFoundError:
        offline = 0
    return folder.stat().st_mtime_ns, offline


def _material(place: Path, number: int, folder: Path, secret: bytes) -> CAMaterial:
    refuse_open(folder, place, place / "issuing.key.pem")
    try:
        root = x509.load_pem_x509_certificate((place / "root.pem").read_bytes())
        issuing = x509.load_pem_x509_certificate((place / "issuing.pem").read_bytes())
    except ValueError:
        raise KeyStoreError(f"The certificates in {place} cannot be read; restore them from a backup.") from None
    key = opened(place / "issuing.key.pem", secret)
    if key.public_key() != issuing.public_key():
        raise KeyStoreError(f"The key in {place} does not belong to the issuing certificate beside it.")
    made = json.loads((place / MADE).read_text("utf-8")) if (place / MADE).is_file() else {}
    return CAMaterial(root, issuing, key, number, str(made.get("by", "")))


def _make(folder: Path, passphrase_file: Path | None, *, plan: Plan, now: datetime, tell: Tell | None) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".ca-", dir=folder.parent))  # 0700
    try:
        root_secret = new_passphrase()
        found(plan, draft, root_secret=root_secret.encode(), passphrase_file=passphrase_file, now=now)
        if tell is None:
            write_new(draft / OFFLINE / PASSPHRASE, root_secret.encode())
        else:
            tell(root_secret)  # first: a crash after this leaves a passphrase of nothing, the reverse a lost root
        sync(draft)
        crash_point("ca/found/before-rename")
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            # Another process was first: its CA is the one.
            if tell is not None:
                raise KeyStoreError(
                    f"Another process made the CA in {folder} at the same moment; what was shown here opens nothing. "
                    "Start again."
                ) from None
        sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
