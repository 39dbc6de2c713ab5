# SPDX-License-Identifier: Apache-2.0
"""Argon2id and the operating system's random numbers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


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


class SystemChance:
    """The operating system's generator."""

    def token(self) -> str:
        """43 characters of base64url."""
        return secrets.token_urlsafe(32)

    def base32(self, characters: int) -> str:
        """Five bits each."""
        return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(characters))
