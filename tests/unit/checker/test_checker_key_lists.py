# SPDX-License-Identifier: Apache-2.0
"""Keys that somebody else can have: those of Debian's lists, and those that share a prime."""

import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from shared.checker.evidence import Lists
from shared.checker.judge import judge
from shared.checker.shared_primes import modulus_of, shares_prime
from shared.checker.weak_key_list import WeakKeysUnreadableError, load_weak_keys
from tests.unit.checker.conftest import NOW, certificate, sound


@pytest.fixture(scope="module")
def weak(middle):
    """A certificate of an RSA key, and what OpenSSL says of its modulus."""
    key = rsa.generate_private_key(65537, 2048)
    made = certificate(issuer=middle[0], key=key, signer=middle[1])[0]
    argv = ["openssl", "x509", "-noout", "-modulus"]
    said = subprocess.run(argv, input=made.public_bytes(Encoding.PEM), check=True, capture_output=True).stdout
    return made, hashlib.sha1(said, usedforsecurity=False).hexdigest()[20:]


def modulus(made):
    return made.public_key().public_numbers().n


def row(verdict, code):
    found = next(row for row in verdict.rows if row.code == code)
    return found.value, found.reason


def test_a_listed_key_is_found_and_another_is_not(weak, leaf, middle, tmp_path):
    made, line = weak
    others = "\n".join(hashlib.sha256(bytes([at])).hexdigest()[:20] for at in range(200))
    (tmp_path / "blacklist.RSA-2048").write_text(f"# of our own\n{others}\n{line}  # this one\n\n")
    keys = load_weak_keys([tmp_path])
    assert len(keys) == 201
    assert modulus(made) in keys
    assert modulus(made) + 2 not in keys
    lists = Lists(weak_keys=keys)
    verdict = judge(sound(made, middle[0]), at=NOW, lists=lists)
    assert row(verdict, "weak_key_debian") == ("yes", "")
    assert "debian_key" in {one.code for one in verdict.findings}
    assert row(judge(sound(leaf, middle[0]), at=NOW, lists=lists), "weak_key_debian")[1] == "the lists are of RSA keys"
    assert row(judge(sound(made, middle[0]), at=NOW), "weak_key_debian")[1] == "no list of weak keys is loaded"


def test_a_list_of_other_sizes_says_nothing_of_a_key(weak, middle, tmp_path):
    made, line = weak
    (tmp_path / "blacklist.RSA-1024").write_text(line)
    verdict = judge(sound(made, middle[0]), at=NOW, lists=Lists(weak_keys=load_weak_keys([tmp_path])))
    assert row(verdict, "weak_key_debian") == ("", "no list of keys of 2048 bits is loaded")
    (tmp_path / "more").write_text("0123456789abcdef0123")
    verdict = judge(sound(made, middle[0]), at=NOW, lists=Lists(weak_keys=load_weak_keys([tmp_path])))
    assert row(verdict, "weak_key_debian") == ("yes", "")


@pytest.mark.parametrize("text", ["", "# nothing\n", "0123456789abcdef01234\n", "zz" * 10, "0123456789abcdef0123 x\n"])
def test_a_file_that_is_no_list_is_refused(tmp_path, text):
    (tmp_path / "list").write_text(text)
    with pytest.raises(WeakKeysUnreadableError):
        load_weak_keys([tmp_path / "list"])
    with pytest.raises(WeakKeysUnreadableError):
        load_weak_keys([])


PRIMES = (101, 103, 107, 109, 113, 127, 131, 137, 139, 149)
PAIRS = st.tuples(st.sampled_from(PRIMES), st.sampled_from(PRIMES)).filter(lambda pair: pair[0] < pair[1])


@given(PAIRS, st.lists(PAIRS, max_size=12))
def test_a_prime_is_shared_exactly_when_another_key_has_it(mine, others):
    modulus_ = mine[0] * mine[1]
    expected = any(set(mine) & set(pair) for pair in others if pair != mine)
    assert shares_prime(modulus_, [pair[0] * pair[1] for pair in others]) is expected


def test_a_shared_prime_is_a_finding(weak, leaf, middle):
    made, _ = weak
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    shared = rsa.generate_private_key(65537, 2048).private_numbers().q * numbers.p
    known = [shared, modulus(made)]
    assert shares_prime(numbers.p * numbers.q, known)
    verdict = judge(sound(made, middle[0]), at=NOW, moduli=known)
    assert row(verdict, "shared_prime") == ("no", "")
    found = judge(sound(made, middle[0]), at=NOW, moduli=[*known, 3 * modulus(made)])
    assert row(found, "shared_prime") == ("yes", "")
    assert "shared_prime" in {one.code for one in found.findings}
    assert row(judge(sound(made, middle[0]), at=NOW), "shared_prime")[1].startswith("there is no inventory")
    assert row(judge(sound(leaf, middle[0]), at=NOW, moduli=known), "shared_prime")[1] == "only RSA keys have primes"


def test_the_modulus_is_read_from_a_certificate_without_reading_the_rest(weak, leaf, middle):
    made, _ = weak
    assert modulus_of(made.public_bytes(Encoding.PEM).decode()) == modulus(made)
    small = certificate(issuer=middle[0], signer=middle[1], key=rsa.generate_private_key(65537, 1024))[0]
    assert modulus_of(small.public_bytes(Encoding.PEM).decode()) == modulus(small)
    assert modulus_of(leaf.public_bytes(Encoding.PEM).decode()) == 0


@given(st.text(max_size=200))
def test_a_text_that_is_no_certificate_has_no_modulus(text):
    assert modulus_of(text) == 0
