# SPDX-License-Identifier: Apache-2.0
"""Tells the keys that nearly all certificates have, RSA with the exponent 65537 and two curves, by their encoding.

Each has one encoding alone (RFC 3279 §2.3.1, RFC 5480 §2), and that is what is compared.
"""

from __future__ import annotations

from typing import NamedTuple

_EC = b"\x30%c\x30%c\x06\x07\x2a\x86\x48\xce\x3d\x02\x01%b\x03%c\x00\x04"


class _Curve(NamedTuple):
    """y² = x³ - 3x + b modulo p, a coordinate in `size` bytes (FIPS 186-4 §D.1.2)."""

    name: str
    size: int
    p: int
    b: int


_P256 = _Curve(
    "P-256",
    32,
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
)
_P384 = _Curve(
    "P-384",
    48,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
)
_CURVES = {
    _EC % (0x59, 0x13, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 0x42): _P256,
    _EC % (0x76, 0x10, b"\x06\x05\x2b\x81\x04\x00\x22", 0x62): _P384,
}
_EC_PREFIX = {len(prefix) + 2 * curve.size: len(prefix) for prefix, curve in _CURVES.items()}  # by the whole's length


def _rsa_prefix(size: int) -> bytes:
    """What stands in front of a modulus of so many bytes whose first bit is set, with the exponent 65537 behind it."""
    number = b"\x02\x82" + (size + 1).to_bytes(2, "big") + b"\x00"
    pair = b"\x30\x82" + (size + 10).to_bytes(2, "big") + number
    text = b"\x03\x82" + (size + 15).to_bytes(2, "big") + b"\x00" + pair
    return (
        b"\x30\x82"
        + (size + 34).to_bytes(2, "big")
        + b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
        + text
    )


_RSA = {size + 38: (_rsa_prefix(size), size * 8) for size in (256, 384, 512)}  # by the length of the whole
_EXPONENT = b"\x02\x03\x01\x00\x01"


def key_words(whole: bytes) -> str:
    """The kind and the size of a key, such as `rsa 2048` or `ecdsa P-256`; empty for all others and for what cannot be
    one, such as a point that is not on its curve."""
    usual = _RSA.get(len(whole))
    if usual is not None:
        prefix, bits = usual
        if not whole.startswith(prefix) or whole[-5:] != _EXPONENT or whole[len(prefix)] < 0x80 or not whole[-6] & 1:
            return ""
        return f"rsa {bits}"
    curve = _CURVES.get(whole[: _EC_PREFIX.get(len(whole), 0)])
    if curve is None:
        return ""
    y_at = len(whole) - curve.size
    x, y = int.from_bytes(whole[y_at - curve.size : y_at], "big"), int.from_bytes(whole[y_at:], "big")
    if x >= curve.p or y >= curve.p or (y * y - (x * x - 3) * x - curve.b) % curve.p:
        return ""
    return f"ecdsa {curve.name}"
