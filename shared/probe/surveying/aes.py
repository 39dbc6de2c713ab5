# SPDX-License-Identifier: Apache-2.0
"""AES in counter mode and GCM's tag (FIPS 197, NIST SP 800-38D), in plain Python, for a handful of records.

Only keys of this probe's own throw-away connections ever come here: nothing about it is safe from who measures time.
"""

from __future__ import annotations


def _make_box() -> bytes:
    """The S-box of FIPS 197 §5.1.1: the inverse in GF(2^8), then an affine map."""
    exponents, logarithms = [0] * 256, [0] * 256
    value = 1
    for power in range(255):
        exponents[power], logarithms[value] = value, power
        value ^= _doubled(value)
    box = bytearray(256)
    for octet in range(256):
        inverse = exponents[(255 - logarithms[octet]) % 255] if octet else 0
        spread = inverse | inverse << 8
        box[octet] = (spread ^ spread >> 4 ^ spread >> 5 ^ spread >> 6 ^ spread >> 7 ^ 0x63) & 0xFF
    return bytes(box)


def _doubled(octet: int) -> int:
    return (octet << 1 ^ 0x11B) & 0xFF if octet & 0x80 else octet << 1


_BOX = _make_box()
_SHIFTED = tuple((column * 4 + row * 5) % 16 for column in range(4) for row in (0, 1, 2, 3))


class AES:
    """One key of 16 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        words = [key[at : at + 4] for at in range(0, len(key), 4)]
        count, constant = len(words), 1
        while len(words) < 4 * (count + 7):
            last = words[-1]
            if len(words) % count == 0:
                last = bytes(_BOX[octet] for octet in last[1:] + last[:1])
                last = bytes((last[0] ^ constant,)) + last[1:]
                constant = _doubled(constant)
            elif count > 6 and len(words) % count == 4:
                last = bytes(_BOX[octet] for octet in last)
            words.append(bytes(a ^ b for a, b in zip(words[-count], last)))
        self._rounds = [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]

    def block(self, plain: bytes) -> bytes:
        """Encrypts 16 bytes."""
        state = bytes(a ^ b for a, b in zip(plain, self._rounds[0]))
        for key in self._rounds[1:-1]:
            moved = [_BOX[state[at]] for at in _SHIFTED]
            mixed = bytearray(16)
            for at in range(0, 16, 4):
                a, b, c, d = moved[at : at + 4]
                every = a ^ b ^ c ^ d
                mixed[at] = a ^ every ^ _doubled(a ^ b)
                mixed[at + 1] = b ^ every ^ _doubled(b ^ c)
                mixed[at + 2] = c ^ every ^ _doubled(c ^ d)
                mixed[at + 3] = d ^ every ^ _doubled(d ^ a)
            state = bytes(x ^ y for x, y in zip(mixed, key))
        return bytes(_BOX[state[at]] ^ key for at, key in zip(_SHIFTED, self._rounds[-1]))

    def counted(self, nonce: bytes, text: bytes) -> bytes:
        """Encrypts or decrypts as GCM does: 12 bytes of nonce, and a counter that begins with 2."""
        blocks = range((len(text) + 15) // 16)
        stream = b"".join(self.block(nonce + (number + 2).to_bytes(4, "big")) for number in blocks)
        return bytes(a ^ b for a, b in zip(text, stream))

    def tag(self, nonce: bytes, covered: bytes, ciphertext: bytes) -> bytes:
        """GCM's tag over data that is only covered and over a ciphertext."""
        key = int.from_bytes(self.block(bytes(16)), "big")
        total = 0
        for part in (covered, ciphertext):
            for at in range(0, len(part), 16):
                total = _product(total ^ int.from_bytes(part[at : at + 16].ljust(16, b"\x00"), "big"), key)
        total = _product(total ^ (len(covered) * 8 << 64 | len(ciphertext) * 8), key)
        mask = int.from_bytes(self.block(nonce + b"\x00\x00\x00\x01"), "big")
        return (total ^ mask).to_bytes(16, "big")


def _product(left: int, right: int) -> int:
    """In GF(2^128), most significant bit first (SP 800-38D §6.3)."""
    product = 0
    for bit in range(127, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (0xE1 << 120 if right & 1 else 0)
    return product
