# SPDX-License-Identifier: Apache-2.0
"""Keys whose private half can be computed, told by the public half alone."""

from __future__ import annotations

from math import isqrt

_FERMAT_ROUNDS = 100  # Baseline Requirements 6.1.1.3: CAs try at least so many

# ROCA (CVE-2017-15361): moduli of that generator are powers of 65537 modulo small primes. The primes and the idea:
# Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, §3.1.
_ROCA_PRIMES = (
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157
)  # fmt: skip


def _powers(prime: int) -> frozenset[int]:
    found, power = set(), 1
    while power not in found:
        found.add(power)
        power = power * 65537 % prime
    return frozenset(found)


_ROCA_POWERS = {prime: _powers(prime) for prime in _ROCA_PRIMES}


def has_close_primes(modulus: int) -> bool:
    """Whether Fermat's method finds the factors within a hundred rounds."""
    if modulus < 4 or modulus % 2 == 0:
        return modulus > 2 and modulus % 2 == 0
    middle = isqrt(modulus)
    middle += middle * middle < modulus
    for _ in range(_FERMAT_ROUNDS):
        square = middle * middle - modulus
        root = isqrt(square)
        if root * root == square:
            return middle - root > 1
        middle += 1
    return False


def has_roca_mark(modulus: int) -> bool:
    """Whether the modulus has the mark of the ROCA generator; one sound key in some 134 million has it by chance."""
    return all(modulus % prime in powers for prime, powers in _ROCA_POWERS.items())
