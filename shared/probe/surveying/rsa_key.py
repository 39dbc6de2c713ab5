# SPDX-License-Identifier: Apache-2.0
"""The RSA key in a certificate (RFC 5280 §4.1, RFC 8017 §A.1.1), by the standard library alone."""

from __future__ import annotations

from dataclasses import dataclass

_RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1


@dataclass(frozen=True)
class RSAKey:
    """The public key; `size` is that of the modulus in bytes."""

    modulus: int
    exponent: int

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        return (self.modulus.bit_length() + 7) // 8


def read_rsa_key(der: bytes) -> RSAKey | None:
    """The key of a certificate in DER, None for a key of another kind. Raises ValueError."""
    try:
        fields = _items(_items(_items(der)[0][1])[0][1])
        start = 1 if fields[0][0] == 0xA0 else 0  # version, absent in version 1
        algorithm, key = _items(fields[start + 5][1])[:2]
        if _items(algorithm[1])[0][1] != _RSA_ENCRYPTION:
            return None
        modulus, exponent = _items(_items(key[1][1:])[0][1])[:2]
    except (IndexError, ValueError) as error:
        raise ValueError("not a certificate with a key") from error
    found = RSAKey(int.from_bytes(modulus[1], "big"), int.from_bytes(exponent[1], "big"))
    if found.size < 64 or not found.exponent:
        raise ValueError("an RSA key that is too short to be one")
    return found


def _items(body: bytes) -> list[tuple[int, bytes]]:
    """The elements that follow one another: tag and content (X.690 §8.1)."""
    found, at = [], 0
    while at < len(body):
        tag, length, start = body[at], body[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("an impossible length")
            length = int.from_bytes(body[start : start + count], "big")
            start += count
        if start + length > len(body):
            raise ValueError("cut short")
        found.append((tag, body[start : start + length]))
        at = start + length
    return found
