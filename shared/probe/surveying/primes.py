# SPDX-License-Identifier: Apache-2.0
"""Names of primes that many servers share. A prime that many use is worth breaking once (weakdh.org, 2015)."""

from __future__ import annotations

import functools
import hashlib

# bits: the constant that the RFC adds to the digits of pi; RFC 2409 §6.1, §6.2 and RFC 3526 §2 to §7.
_OAKLEY = {
    768: (149686, "RFC 2409 group 1"),
    1024: (129093, "RFC 2409 group 2"),
    1536: (741804, "RFC 3526 group 5"),
    2048: (124476, "RFC 3526 group 14"),
    3072: (1690314, "RFC 3526 group 15"),
    4096: (240904, "RFC 3526 group 16"),
    6144: (929484, "RFC 3526 group 17"),
    8192: (4743158, "RFC 3526 group 18"),
}
# bits: the constant that RFC 7919 appendix A adds to the digits of e.
_FFDHE = {2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}
# SHA-256 of the prime (big-endian, no leading zeros) where no formula makes it.
_BY_DIGEST = {
    "3cdb020b9ef298b2f3f6cf5a872af527337bf7b9f654b2e70c49da16a4d24137": "Apache 2.0, built in",
    "f79d1db3c955a28fdeca462670a0712efee4b588c7858e4943883f903bd1354b": "Apache 2.2, built in",
    "db01e702899166da28c9bc7896af62bcdf0c96d0fb341950ba80e68bd51a57ef": "Apache 2.2, built in",
    "bf910d9df4e0b2e76cda7443f592aa118e33ba2c224ebc27fb8978d873c8c2e3": "Apache 2.2, built in",
    "8ae47dca3d24e9b64640062686da234dcabada26b0da6f090c5449c1338d9a11": "nginx, built in",
    "73b391ec8da33ee197aed17d7cfce1321b94e04c5b55b3c02c1c7198eb88715b": "Java, built in",
    "ee5483fe4b96caa10cb5b863ec409aab2762e6bf43af4a8a0a42817fef4dd7f3": "Java, built in",
    "cc21a33dd1a3edf40bf636b5496e4aede198a437a8548e0cc1a621424e42419b": "Java, built in",
    "f26e2403f3f07946654404909f0ff81d9354de17250411b4c04b89af73178425": "OpenSSL's dh512",
    "66d0bf38b0bdfacf2fdae33f35102ab6079fd5ff0feff8e436a4063745c72739": "OpenSSL's dh1024",
    "3166ce19180005327a6059a2e7a4ed22775ad2f0eadaee59a7481ab391fe592f": "OpenSSL's dh2048",
    "9e348a9471b7d123aa97071e38288379fc12a9992e8e75db2113c1ded5463ac3": "OpenSSL's dh2048",
    "ce7728db3aed1119a82b9f17b17df9f8e370ddd7639946df09a119f924aa42e8": "OpenSSL's dh4096",
    "44c55cfee5c075927cf682da5b681bdecbd5c3eb0784c14f5dce7610f0ef133d": "RFC 5114 §2.1",
    "bfe545862ca102ad1eeddb5fbfa5bf855ac4995c56a8b408ce3fe099dce93a9d": "RFC 5114 §2.2",
    "0b7835722cb619827610c2549fdda5587421686c4409a13865e76225522ddcc9": "RFC 5114 §2.3",
}


def known_prime(prime: int) -> str:
    """The name of a well-known prime, or empty."""
    bits = prime.bit_length()
    if bits in _OAKLEY and prime == _prime(bits, _OAKLEY[bits][0], natural=False):
        return _OAKLEY[bits][1]
    if bits in _FFDHE and prime == _prime(bits, _FFDHE[bits], natural=True):
        return f"RFC 7919 ffdhe{bits}"
    digest = hashlib.sha256(prime.to_bytes((bits + 7) // 8, "big")).hexdigest()
    return _BY_DIGEST.get(digest, "")


@functools.lru_cache(maxsize=16)
def _prime(bits: int, added: int, *, natural: bool) -> int:
    """2^b - 2^(b-64) - 1 + 2^64 * (floor(2^(b-130) * x) + c), where x is e or pi (RFC 2412 appendix E, RFC 7919 §A)."""
    digits = _e(bits - 130) if natural else _pi(bits - 130)
    return (1 << bits) - (1 << (bits - 64)) - 1 + ((digits + added) << 64)


def _pi(bits: int) -> int:
    """floor(2^bits * pi), by Machin's formula with 64 bits to spare."""
    one = 1 << (bits + 64)
    return 4 * (4 * _arctangent(5, one) - _arctangent(239, one)) >> 64


def _arctangent(inverse: int, one: int) -> int:
    term = total = one // inverse
    number, sign = 3, -1
    while term:
        term //= inverse * inverse
        total += sign * (term // number)
        number, sign = number + 2, -sign
    return total


def _e(bits: int) -> int:
    """floor(2^bits * e)."""
    term = total = 1 << (bits + 64)
    number = 1
    while term:
        term //= number
        total += term
        number += 1
    return total >> 64
