# SPDX-License-Identifier: Apache-2.0
"""Secrets of validation mails, from a key in a file that only this service reads."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from services.dcv.ports import Secrets

KEY_BYTES = 32
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 26  # 30 signs, 127 bits: above the 112 bits that BR 3.2.2.4.4 asks of a random value


class FileMint:
    """HMAC-SHA-256 under the key in `path`, made with mode 0600 on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mint(self, *parts: str) -> Secrets:
        """See `ports.SecretMint`."""
        key = self._key()
        token = hmac.digest(key, b"token\x1f" + "\x1f".join(parts).encode(), hashlib.sha256)
        number = int.from_bytes(hmac.digest(key, b"code\x1f" + "\x1f".join(parts).encode(), hashlib.sha256))
        code = ""
        for _ in range(CODE_LENGTH):
            number, digit = divmod(number, len(CODE_ALPHABET))
            code += CODE_ALPHABET[digit]
        return Secrets(base64.urlsafe_b64encode(token).decode().rstrip("="), code)

    def _key(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return self._make()

    def _make(self) -> bytes:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            # A link fails where a rename would replace: of two replicas that start at once, one makes the key.
            os.link(draft, self._path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return self._path.read_bytes()
