# SPDX-License-Identifier: Apache-2.0
"""Cipher suites by number, and what their names say: key exchange, authentication, cipher, strength."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shared.probe.suite_names import SSL2_KIND_NAMES, SUITE_NAMES

EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF  # RFC 5746 §3.3
FALLBACK_SCSV = 0x5600  # RFC 7507 §3

# Effective strength in bits: NIST SP 800-57 part 1 §5.6.1.1 for 3DES; export suites by their secret bits.
_CIPHERS = (
    (("NULL",), "NULL", 0),
    (("RC4_128_EXPORT40", "RC4_40"), "RC4", 40),
    (("RC4_56",), "RC4", 56),
    (("RC4_64",), "RC4", 64),
    (("RC4_128",), "RC4", 128),
    (("RC2_128_CBC_EXPORT40", "RC2_CBC_40"), "RC2", 40),
    (("RC2_CBC_56",), "RC2", 56),
    (("RC2_128",), "RC2", 128),
    (("DES_CBC_40", "DES40_CBC"), "DES", 40),
    (("3DES", "DES_192_EDE3"), "3DES", 112),
    (("DES_CBC", "DES_64"), "DES", 56),
    (("IDEA",), "IDEA", 128),
    (("SEED",), "SEED", 128),
    (("FORTEZZA",), "FORTEZZA", 80),
    (("CHACHA20",), "CHACHA20", 256),
    *(((f"{cipher}_{bits}",), cipher, bits) for cipher in ("AES", "CAMELLIA", "ARIA") for bits in (128, 192, 256)),
    (("SM4",), "SM4", 128),
    (("AEGIS_128",), "AEGIS", 128),
    (("AEGIS_256",), "AEGIS", 256),
    (("28147", "KUZNYECHIK", "MAGMA"), "GOST", 256),
)
_KEY_EXCHANGES = (
    "ECDHE_PSK",
    "DHE_PSK",
    "RSA_PSK",
    "PSK_DHE",
    "PSK",
    "ECDHE",
    "ECDH",
    "DHE",
    "DH",
    "SRP",
    "KRB5",
    "CECPQ1",
    "FORTEZZA_KEA",
    "ECCPWD",
    "GOST",
    "RSA",
)


@dataclass(frozen=True)
class Suite:
    """One suite. `key_exchange` is that of its name (`any` in TLS 1.3), `bits` the effective strength of its cipher."""

    code: int
    name: str
    key_exchange: str
    authentication: str
    cipher: str
    bits: int
    mode: str
    mac: str

    @property
    def tls13(self) -> bool:
        """RFC 8446 §B.4: names that say nothing of the key exchange."""
        return self.key_exchange == "any"

    @property
    def export(self) -> bool:
        """Weakened on purpose, by the export rules of the 1990s."""
        return "EXPORT" in self.name

    @property
    def anonymous(self) -> bool:
        """Nobody proves who the server is."""
        return self.authentication == "anon"

    @property
    def forward_secret(self) -> bool:
        """A key that leaks later opens nothing that was recorded before."""
        return self.key_exchange in ("any", "ECDHE", "DHE", "ECDHE_PSK", "DHE_PSK", "PSK_DHE", "CECPQ1")

    @property
    def aead(self) -> bool:
        """Encryption and integrity in one (RFC 5116)."""
        return self.mode in ("GCM", "CCM", "POLY1305", "MGM", "AEGIS")

    @property
    def elliptic(self) -> bool:
        """Needs a curve in the hello."""
        return self.key_exchange.startswith("EC")


def suite(code: int) -> Suite:
    """What is known of a number; a number that no list holds is named after itself."""
    known = SUITES.get(code)
    return known or Suite(code, f"UNKNOWN_{code:04X}", "unknown", "unknown", "unknown", 0, "unknown", "unknown")


def named(name: str) -> Suite | None:
    """The suite of an IANA name."""
    return _BY_NAME.get(name)


def _read(line: str) -> Suite:
    number, name = line.split()
    exchange, _, rest = name.partition("_WITH_")
    if name.startswith("SSL_CK"):  # SSL 2.0 knows no key exchange but RSA
        kind, authentication, rest = "RSA", "RSA", name
    elif not rest:
        kind, authentication, rest = "any", "any", name
    else:
        kind, authentication = _exchange(exchange.split("_", 1)[1])
    cipher, bits = _cipher(rest)
    mode = _mode(rest, cipher)
    mac = "AEAD" if mode in ("GCM", "CCM", "POLY1305", "MGM", "AEGIS") else rest.rsplit("_", 1)[-1]
    return Suite(int(number, 16), name, kind, authentication, cipher, bits, mode, mac)


@cache  # of hundreds of names, dozens differ here
def _cipher(text: str) -> tuple[str, int]:
    for words, cipher, bits in _CIPHERS:
        if any(word in text for word in words):
            return cipher, bits
    return "unknown", 0


@cache
def _exchange(text: str) -> tuple[str, str]:
    text = text.replace("_EXPORT1024", "").replace("_EXPORT", "").replace("_FIPS", "")
    kind = next((one for one in _KEY_EXCHANGES if text.startswith(one)), text)
    rest = text[len(kind) :].strip("_")
    if kind == "RSA" and not rest:
        return "RSA", "RSA"
    if kind == "GOST" or text.startswith("GOST"):
        return "GOST", "GOST"
    if kind.endswith("PSK") or kind == "PSK_DHE":
        return kind, "RSA" if kind == "RSA_PSK" else "PSK"
    rest = rest.replace("DSS", "DSA")
    return kind, "SRP" if rest == "SHA" else rest.replace("SHA_", "") or kind


def _mode(rest: str, cipher: str) -> str:
    if "POLY1305" in rest:
        return "POLY1305"
    for mode in ("GCM", "CCM", "CBC", "CTR", "MGM", "CFB", "AEGIS"):
        if mode in rest:
            return mode
    return "stream" if cipher in ("RC4", "GOST") else "none"


SUITES: dict[int, Suite] = {one.code: one for one in map(_read, SUITE_NAMES.strip().splitlines())}
SSL2_KINDS: dict[int, Suite] = {one.code: one for one in map(_read, SSL2_KIND_NAMES.strip().splitlines())}
_BY_NAME = {one.name: one for one in [*SSL2_KINDS.values(), *SUITES.values()]}

TLS13_SUITES = tuple(code for code, one in SUITES.items() if one.tls13)
LEGACY_SUITES = tuple(code for code, one in SUITES.items() if not one.tls13)
