# SPDX-License-Identifier: Apache-2.0
"""The key schedule of TLS 1.3 up to what the server sends in its handshake, and opening that (RFC 8446 §5.2, §7.1)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256, sha384
from typing import Any, Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import APPLICATION_DATA

AES_128_GCM, AES_256_GCM, CHACHA20, AES_128_CCM, AES_128_CCM_8 = 0x1301, 0x1302, 0x1303, 0x1304, 0x1305


@dataclass(frozen=True)
class Cipher:
    """What a suite of TLS 1.3 stands for (RFC 8446 §B.4)."""

    hash: Callable[..., Any]
    name: str
    hash_size: int
    key_size: int
    aead: Callable[[bytes], AESGCM | AESCCM | ChaCha20Poly1305]


CIPHERS = {
    AES_128_GCM: Cipher(sha256, "sha256", 32, 16, AESGCM),
    AES_256_GCM: Cipher(sha384, "sha384", 48, 32, AESGCM),
    CHACHA20: Cipher(sha256, "sha256", 32, 32, ChaCha20Poly1305),
    AES_128_CCM: Cipher(sha256, "sha256", 32, 16, AESCCM),
    AES_128_CCM_8: Cipher(sha256, "sha256", 32, 16, partial(AESCCM, tag_length=8)),
}


class Opener:
    """Decrypts what the server sends during the handshake (RFC 8446 §5.2)."""

    def __init__(self, cipher: Cipher, secret: bytes) -> None:
        self._aead = cipher.aead(expand(cipher, secret, b"key", b"", cipher.key_size))
        self._iv = int.from_bytes(expand(cipher, secret, b"iv", b"", 12), "big")
        self._sequence = 0

    def open(self, version: int, body: bytes) -> tuple[int, bytes]:
        """The content's type and the content. Raises ProbeError."""
        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        header = bytes((APPLICATION_DATA, version >> 8, version & 0xFF)) + len(body).to_bytes(2, "big")
        try:
            inner = self._aead.decrypt(nonce, body, header).rstrip(b"\x00")
        except (InvalidTag, ValueError) as error:
            raise ProbeError(Failure.MALFORMED, "a record that the agreed key does not open") from error
        if not inner:
            raise ProbeError(Failure.MALFORMED, "a record of padding alone")
        return inner[-1], inner[:-1]


def handshake_secret(cipher: Cipher, shared: bytes, transcript: bytes) -> bytes:
    """server_handshake_traffic_secret (RFC 8446 §7.1), without a pre-shared key."""
    secret = hmac.digest(_derived(cipher), shared, cipher.name)
    return expand(cipher, secret, b"s hs traffic", cipher.hash(transcript).digest(), cipher.hash_size)


@lru_cache(maxsize=8)
def _derived(cipher: Cipher) -> bytes:
    """What the schedule begins with: the same for everybody who has no pre-shared key."""
    zeros = bytes(cipher.hash_size)
    early = hmac.digest(zeros, zeros, cipher.name)
    return expand(cipher, early, b"derived", cipher.hash(b"").digest(), cipher.hash_size)


def expand(cipher: Cipher, secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1); no output here is longer than one block."""
    return hmac.digest(secret, _info(label, len(context), size) + context + b"\x01", cipher.name)[:size]


@lru_cache(maxsize=32)
def _info(label: bytes, context_size: int, size: int) -> bytes:
    named = b"tls13 " + label
    return size.to_bytes(2, "big") + bytes((len(named),)) + named + bytes((context_size,))
