# SPDX-License-Identifier: Apache-2.0
"""AES-256-GCM with a key in a file, for secrets that a service must be able to read again."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class Sealer(Protocol):
    """Encrypts a secret so that it opens only for the owner it was sealed for."""

    def seal(self, secret: str, owner: str) -> str:
        """The sealed form, printable."""

    def open(self, sealed: str, owner: str) -> str:
        """The secret. Raises ValueError when it was sealed with another key or for another owner."""


class FileSealer:
    """The key's file has mode 0600 and is made when it is first needed. Raises ValueError on a wrong key."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def seal(self, secret: str, owner: str) -> str:
        """Nonce and ciphertext in base64; the owner is bound to it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + self.cipher.encrypt(nonce, secret.encode(), owner.encode())).decode()

    def open(self, sealed: str, owner: str) -> str:
        """The secret."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self.cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, binascii.Error) as error:
            raise ValueError("a sealed secret cannot be opened: another key, or changed") from error

    @cached_property
    def cipher(self) -> AESGCM:
        """The cipher with the file's key. A service that cannot work without asks for it when it starts."""
        self._key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        key = self._key_file.read_bytes()
        if len(key) != KEY_BYTES:
            raise ValueError(f"{self._key_file} must hold exactly {KEY_BYTES} bytes")
        return AESGCM(key)
