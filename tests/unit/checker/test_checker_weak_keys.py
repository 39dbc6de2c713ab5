# SPDX-License-Identifier: Apache-2.0
"""Close primes and the mark of ROCA are found; sound keys have neither."""

from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from shared.checker.weak_keys import _ROCA_PRIMES, has_close_primes, has_roca_mark


def next_prime(number):
    number |= 1
    while any(number % small == 0 for small in range(3, 2000, 2)) or pow(2, number - 1, number) != 1:
        number += 2
    return number


@given(st.integers(2**255, 2**256))
def test_primes_that_follow_each_other_are_found(start):
    low = next_prime(start)
    assert has_close_primes(low * next_prime(low + 2))


def test_sound_keys_have_no_mark():
    for _ in range(5):
        modulus = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
        assert not has_close_primes(modulus)
        assert not has_roca_mark(modulus)


@given(st.integers(1, 2**64), st.integers(1, 2**200))
def test_a_modulus_of_the_broken_generator_is_recognized(power, times):
    # The generator's primes are k * M + 65537^a mod M, so that their product is a power of 65537 modulo M too.
    product = 1
    for prime in _ROCA_PRIMES:
        product *= prime
    assert has_roca_mark(times * product + pow(65537, power, product))


@given(st.integers(0, 2**64))
def test_any_number_gets_an_answer(number):
    assert has_close_primes(number) in {True, False}
    assert has_roca_mark(number) in {True, False}
