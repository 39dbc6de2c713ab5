# SPDX-License-Identifier: Apache-2.0
"""Argon2id, AES-GCM and the operating system's random numbers."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


def _direct(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


class Argon2Passwords:
    """Argon2id (RFC 9106). `run` calls the hashing elsewhere: it takes tens of milliseconds of pure C."""

    def __init__(self, *, memory_kib: int, passes: int, run: Callable[..., Any] = _direct) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._run = run
        # Verified against when there is no such user, so that this takes as long.
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """An Argon2id hash with salt and parameters."""
        hashed: str = self._run(self._hasher.hash, password)
        return hashed

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one."""
        right: bool = self._run(self._verify, hashed or self._nobody, password)
        return right and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether parameters have been raised since."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


class FileSealer:
    """AES-256-GCM with a key in a file of mode 0600, made when it does not exist. Raises ValueError on a wrong key."""

    def __init__(self, key_file: Path) -> None:
        key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        key = key_file.read_bytes()
        if len(key) != KEY_BYTES:
            raise ValueError(f"{key_file} must hold exactly {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def seal(self, secret: str, owner: str) -> str:
        """Nonce and ciphertext in base64; the owner is bound to it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())).decode()

    def open(self, sealed: str, owner: str) -> str:
        """The secret."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, binascii.Error) as error:
            raise ValueError("a sealed secret cannot be opened: another key, or changed") from error


class SystemChance:
    """The operating system's generator."""

    def token(self) -> str:
        """43 characters of base64url."""
        return secrets.token_urlsafe(32)

    def base32(self, characters: int) -> str:
        """Five bits each."""
        return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(characters))
