# SPDX-License-Identifier: Apache-2.0
"""Which public keys may be certified.

Rules: Baseline Requirements 2.2.6 §6.1.5 (sizes, curves), §6.1.6 (RSA exponent), §6.1.1.3 (weak and compromised keys:
ROCA CVE-2017-15361, close primes CVE-2022-26320, lists of known keys).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RSA_MIN_BITS = 2048
# Verifying a signature of a huge key is somebody else's way to spend our time.
RSA_MAX_BITS = 8192
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
FERMAT_ROUNDS = 100


class KeyFault(StrEnum):
    """Why a key was refused. Closed list."""

    KIND = "key_kind"
    RSA_TOO_SMALL = "key_rsa_too_small"
    RSA_TOO_LARGE = "key_rsa_too_large"
    RSA_ODD_SIZE = "key_rsa_size_not_multiple_of_8"
    RSA_EXPONENT = "key_rsa_exponent"
    CURVE = "key_curve"
    ROCA = "key_weak_roca"
    CLOSE_PRIMES = "key_weak_close_primes"
    SMALL_FACTOR = "key_weak_small_factor"
    COMPROMISED = "key_compromised"


class KeyRefusedError(ValueError):
    """A key that must not be certified; `detail` says why and what to do."""

    def __init__(self, fault: KeyFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """`kind` is `rsa` or `ecdsa`; `size` in bits; `curve` is `P-256` and the like, empty for RSA; `spki` is DER."""

    kind: str
    size: int
    curve: str
    spki: bytes
    spki_sha256: str


class Blocklist:
    """Keys known to be compromised, by SHA-256 of their SubjectPublicKeyInfo in DER."""

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        self._digests = frozenset(digests)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Blocklist:
        """Reads one hexadecimal digest a line, `#` starts a comment. Raises ValueError with the line number."""
        digests = []
        for number, line in enumerate(lines, start=1):
            word = line.partition("#")[0].strip()
            if not word:
                continue
            if not re.fullmatch(r"[0-9a-fA-F]{64}", word):
                raise ValueError(f"line {number} is not a SHA-256 in hexadecimal")
            digests.append(bytes.fromhex(word))
        return cls(digests)

    def __contains__(self, spki_sha256: str) -> bool:
        return bytes.fromhex(spki_sha256) in self._digests

    def __len__(self) -> int:
        return len(self._digests)


NOTHING_BLOCKED = Blocklist()


def examine_key(key: object, blocked: Blocklist = NOTHING_BLOCKED) -> KeyFacts:
    """The facts of a public key that may be certified. Raises KeyRefusedError."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = key.curve.name
        if name not in CURVES:
            raise KeyRefusedError(KeyFault.CURVE, f"The curve {name} is not allowed; use P-256, P-384 or P-521.")
        kind, size, curve = "ecdsa", key.key_size, CURVES[name]
    elif isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        _examine_rsa(numbers.n, numbers.e)
        kind, size, curve = "rsa", key.key_size, ""
    else:
        raise KeyRefusedError(
            KeyFault.KIND, "Only RSA and ECDSA keys are allowed; make an ECDSA P-256 or RSA 2048 key."
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = sha256(spki).hexdigest()
    if digest in blocked:
        raise KeyRefusedError(KeyFault.COMPROMISED, "This key is known to be compromised; make a new key.")
    return KeyFacts(kind, size, curve, spki, digest)


def _examine_rsa(n: int, e: int) -> None:
    bits = n.bit_length()
    if bits < RSA_MIN_BITS:
        raise KeyRefusedError(
            KeyFault.RSA_TOO_SMALL, f"The RSA key has {bits} bits; at least {RSA_MIN_BITS} are required."
        )
    if bits > RSA_MAX_BITS:
        raise KeyRefusedError(
            KeyFault.RSA_TOO_LARGE, f"The RSA key has {bits} bits; at most {RSA_MAX_BITS} are accepted."
        )
    if bits % 8:
        raise KeyRefusedError(KeyFault.RSA_ODD_SIZE, f"The RSA key has {bits} bits; its size must be divisible by 8.")
    if e % 2 == 0 or not 65537 <= e < 2**256:
        raise KeyRefusedError(
            KeyFault.RSA_EXPONENT,
            "The exponent of the RSA key must be odd and between 65537 and 2^256-1; 65537 is usual.",
        )
    if math.gcd(n, _small_primes_product()) != 1:
        raise KeyRefusedError(
            KeyFault.SMALL_FACTOR, "The RSA key has a small prime factor and gives no protection; make a new key."
        )
    if has_roca_fingerprint(n):
        raise KeyRefusedError(
            KeyFault.ROCA, "The RSA key was made by faulty hardware (ROCA, CVE-2017-15361); make a new key in software."
        )
    if has_close_primes(n):
        raise KeyRefusedError(
            KeyFault.CLOSE_PRIMES,
            "The primes of the RSA key are too close (CVE-2022-26320) and it can be computed; make a new key.",
        )


def has_roca_fingerprint(n: int) -> bool:
    """Whether `n` looks made by Infineon's RSALib: modulo each small prime it is a power of 65537 (Nemec et al.,
    2017)."""
    return all(n % prime in powers for prime, powers in _roca_powers())


def has_close_primes(n: int, rounds: int = FERMAT_ROUNDS) -> bool:
    """Whether Fermat's method factors the odd `n` within `rounds` steps (the Baseline Requirements ask for 100)."""
    a = math.isqrt(n)
    if a * a == n:
        return True
    a += 1
    rest = a * a - n
    for _ in range(rounds):
        # A square ends in one of twelve residues modulo 64; the root is taken only then.
        if rest & 63 in _SQUARES_64:
            root = math.isqrt(rest)
            if root * root == rest:
                return True
        rest += 2 * a + 1
        a += 1
    return False


_SQUARES_64 = frozenset(value * value % 64 for value in range(64))


def _primes(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\0\0"
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number, prime in enumerate(sieve) if prime]


@cache
def _small_primes_product() -> int:
    # The first 752 primes, as BR §6.1.6 recommends ("no factors smaller than 752" is exceeded: Boulder's reading).
    return math.prod(_primes(5712))


@cache
def _roca_powers() -> tuple[tuple[int, frozenset[int]], ...]:
    table = []
    for prime in _primes(168)[1:]:
        powers = {1}
        value = 65537 % prime
        while value not in powers:
            powers.add(value)
            value = value * 65537 % prime
        if len(powers) < prime - 1:  # a full group tells nothing
            table.append((prime, frozenset(powers)))
    # Strongest filters first: an innocent modulus is dismissed after one or two divisions.
    return tuple(sorted(table, key=lambda entry: len(entry[1]) / entry[0]))
