# SPDX-License-Identifier: Apache-2.0
"""Takes the root's key away from the service: sealed anew, read back, and only then destroyed where it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from services.ca.adapters.certify import PrivateKey, list_of_root
from services.ca.adapters.founding import OFFLINE, READ_ME, ROOT_KEY, ROOT_LIST
from services.ca.adapters.key_files import (
    PASSPHRASE,
    KeyStoreError,
    opened,
    read_passphrase,
    replace,
    sealed,
    sync,
)
from services.ca.adapters.key_store import KeyStore, RootKey, load, root_key_of
from shared.crashpoint import crash_point


@dataclass(frozen=True, slots=True)
class TakenOffline:
    """Where the sealed key is, whose it is, and whether the root signed its first revocation list on the way."""

    key_file: Path
    root: x509.Certificate
    list_made: bool


def open_root_key(path: Path, secret: bytes, root: x509.Certificate) -> PrivateKey:
    """The root's key from a sealed file. Raises KeyStoreError, also when it is another root's."""
    key = opened(path, secret)
    if key.public_key() != root.public_key():
        raise KeyStoreError(f"The key at {path} is not that of {root.subject.rfc4514_string()}.")
    return key


def refuse_done(store: KeyStore, folder: Path) -> None:
    """Raises KeyStoreError when the root's key does not lie beside the issuing key."""
    if store.root_key is not RootKey.BESIDE:
        raise KeyStoreError(f"The root's key does not lie beside the issuing key in {folder}; nothing is to be done.")


def take_offline(
    folder: Path, passphrase_file: Path | None, *, root_secret: bytes, to: Path | None, now: datetime
) -> TakenOffline:
    """Seals the root's key that lies beside the issuing key with another passphrase, and destroys it there.

    May be repeated after a crash at any point. `to` is the sealed file, None for `<folder>/offline/root.key.pem`.
    Raises KeyStoreError when there is nothing to take away, or what was written cannot be read back.
    """
    store = load(folder, passphrase_file)
    root = store.issuers[0].root
    target = to or folder / OFFLINE / ROOT_KEY
    beside = folder / ROOT_KEY
    refuse_done(store, folder)
    if target.resolve() == beside.resolve():
        raise KeyStoreError(f"{beside} is where the key is now; name another file.")
    key = open_root_key(beside, read_passphrase(passphrase_file or folder / PASSPHRASE), root)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(target, sealed(key, root_secret))
    if to is None:
        replace(target.parent / "README", READ_ME.encode())
        (target.parent / PASSPHRASE).unlink(missing_ok=True)
    crash_point("ca/offline/sealed")
    open_root_key(target, root_secret, root)
    made = store.root_list is None
    if made:
        until = max(each.issuing.not_valid_after_utc for each in store.issuers)
        first = list_of_root(root, key, number=1, now=now, until=until)
        replace(folder / ROOT_LIST, first.public_bytes(Encoding.DER))
    crash_point("ca/offline/before-destroyed")
    destroy(beside)
    crash_point("ca/offline/destroyed")
    if root_key_of(folder) is RootKey.BESIDE:
        raise KeyStoreError(f"{beside} could not be removed.")
    return TakenOffline(target, root, made)


def destroy(path: Path) -> None:
    """Empties a file over its old content and removes it. What a disk or its snapshots keep is not ours to know."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
        file.truncate(0)
    path.unlink()
    sync(path.parent)
