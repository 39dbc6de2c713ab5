# SPDX-License-Identifier: Apache-2.0
"""Keys that share a prime: one greatest common divisor, and both private keys are known (Heninger et al., USENIX 2012).

A batch GCD finds all pairs at once. A check asks for one modulus only: the product of all others modulo that one is
enough, by one multiplication each and no memory that grows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from math import gcd

# SubjectPublicKeyInfo of an RSA key (RFC 8017 §A.1): rsaEncryption, NULL, then a BIT STRING with no unused bits.
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")


def shares_prime(modulus: int, others: Iterable[int]) -> bool:
    """Whether `modulus` has a divisor in common with another one of `others`; the same modulus again is no other."""
    product = 1
    for other in others:
        if other != modulus:
            product = product * other % modulus
    return gcd(product, modulus) != 1


def modulus_of(pem: str) -> int:
    """The RSA modulus of a certificate in PEM; 0 where there is none. Reads nothing else of it, for it is done by the
    hundred thousand: whether the rest is a certificate is known already."""
    lines = pem.strip().splitlines()
    try:
        der = base64.b64decode("".join(lines[1:-1]))
        at = der.index(_RSA_ENCRYPTION) + len(_RSA_ENCRYPTION)
        for tag in (0x03, 0x30, 0x02):  # BIT STRING, SEQUENCE, INTEGER
            if der[at] != tag:
                return 0
            size, at = der[at + 1], at + 2
            if size & 0x80:
                count = size & 0x7F
                size, at = int.from_bytes(der[at : at + count], "big"), at + count
            at += tag == 0x03  # the count of unused bits
        return int.from_bytes(der[at : at + size], "big")
    except (binascii.Error, ValueError, IndexError):
        return 0
