# SPDX-License-Identifier: Apache-2.0
"""Keys that look right and protect nothing are found."""

import math

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.pki.keys import Blocklist, KeyFault, KeyRefusedError, examine_key, has_close_primes, has_roca_fingerprint
from tests.support import csr_builder

HONEST = csr_builder.key("rsa2048").public_key().public_numbers()


def fault(n, e=65537):
    with pytest.raises(KeyRefusedError) as refused:
        examine_key(rsa.RSAPublicNumbers(e, n).public_key())
    return refused.value.fault


def roca_like(bits=2048):
    primes = [p for p in range(2, 168) if all(p % q for q in range(2, math.isqrt(p) + 1))]
    product = math.prod(primes)
    residue = pow(65537, 123456789, product)
    return residue + product * ((1 << (bits - 1)) // product + 2)


# Two primes as close as the Rambus keys of CVE-2022-26320.
P = (1 << 1023) + (1 << 1022) + 12409
Q = (1 << 1023) + (1 << 1022) + 13717


def test_an_honest_key_is_taken():
    assert examine_key(csr_builder.key("rsa2048").public_key()).size == 2048
    assert not has_roca_fingerprint(HONEST.n)
    assert not has_close_primes(HONEST.n)


def test_the_roca_fingerprint_is_found():
    assert has_roca_fingerprint(roca_like())
    assert fault(roca_like()) in {KeyFault.ROCA, KeyFault.SMALL_FACTOR}


def test_close_primes_are_found():
    assert has_close_primes(P * Q)
    assert has_close_primes(P * P)
    assert fault(P * Q) == KeyFault.CLOSE_PRIMES


def test_sizes_and_exponents_outside_the_rules_are_refused():
    assert fault(HONEST.n >> 1 | 1) == KeyFault.RSA_TOO_SMALL
    assert fault((1 << 2049) | 1) == KeyFault.RSA_ODD_SIZE
    assert fault((1 << 8199) | 1) == KeyFault.RSA_TOO_LARGE
    assert fault(HONEST.n, 3) == KeyFault.RSA_EXPONENT


def test_a_small_factor_is_found():
    assert fault(5701 * ((1 << 2047) // 5701 + (1 << 2030) | 1)) == KeyFault.SMALL_FACTOR


def test_a_damaged_block_list_names_the_line():
    with pytest.raises(ValueError, match="line 2"):
        Blocklist.parse(["", "zz"])
    assert len(Blocklist.parse(["a" * 64, "A" * 64])) == 1
