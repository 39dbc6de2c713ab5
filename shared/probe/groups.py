# SPDX-License-Identifier: Apache-2.0
"""Groups of the key exchange (IANA "TLS Supported Groups") and signature schemes (IANA "TLS SignatureScheme")."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """One group. `bits` is its security strength against a classical computer (NIST SP 800-57 part 1, table 2)."""

    code: int
    name: str
    bits: int
    post_quantum: bool = False
    finite_field: bool = False


X25519, X448, SECP256R1, SECP384R1, SECP521R1 = 29, 30, 23, 24, 25
X25519MLKEM768 = 0x11EC

GROUPS: dict[int, Group] = {
    one.code: one
    for one in (
        Group(0x11EC, "X25519MLKEM768", 192, post_quantum=True),
        Group(0x11EB, "SecP256r1MLKEM768", 192, post_quantum=True),
        Group(0x11ED, "SecP384r1MLKEM1024", 256, post_quantum=True),
        Group(0x0200, "MLKEM512", 128, post_quantum=True),
        Group(0x0201, "MLKEM768", 192, post_quantum=True),
        Group(0x0202, "MLKEM1024", 256, post_quantum=True),
        Group(0x6399, "X25519Kyber768Draft00", 192, post_quantum=True),
        Group(29, "x25519", 128),
        Group(23, "secp256r1", 128),
        Group(30, "x448", 224),
        Group(24, "secp384r1", 192),
        Group(25, "secp521r1", 256),
        Group(1, "sect163k1", 80),
        Group(2, "sect163r1", 80),
        Group(3, "sect163r2", 80),
        Group(4, "sect193r1", 96),
        Group(5, "sect193r2", 96),
        Group(6, "sect233k1", 112),
        Group(7, "sect233r1", 112),
        Group(8, "sect239k1", 112),
        Group(9, "sect283k1", 128),
        Group(10, "sect283r1", 128),
        Group(11, "sect409k1", 192),
        Group(12, "sect409r1", 192),
        Group(13, "sect571k1", 256),
        Group(14, "sect571r1", 256),
        Group(15, "secp160k1", 80),
        Group(16, "secp160r1", 80),
        Group(17, "secp160r2", 80),
        Group(18, "secp192k1", 96),
        Group(19, "secp192r1", 96),
        Group(20, "secp224k1", 112),
        Group(21, "secp224r1", 112),
        Group(22, "secp256k1", 128),
        Group(26, "brainpoolP256r1", 128),
        Group(27, "brainpoolP384r1", 192),
        Group(28, "brainpoolP512r1", 256),
        Group(31, "brainpoolP256r1tls13", 128),
        Group(32, "brainpoolP384r1tls13", 192),
        Group(33, "brainpoolP512r1tls13", 256),
        Group(256, "ffdhe2048", 112, finite_field=True),
        Group(257, "ffdhe3072", 128, finite_field=True),
        Group(258, "ffdhe4096", 152, finite_field=True),
        Group(259, "ffdhe6144", 176, finite_field=True),
        Group(260, "ffdhe8192", 200, finite_field=True),
    )
}

# Curves for which a TLS 1.2 server may hold a certificate or answer with a key; the usual first.
CURVES = tuple(code for code, one in GROUPS.items() if not one.post_quantum and not one.finite_field and code < 31)
FIELDS = tuple(code for code, one in GROUPS.items() if one.finite_field)  # RFC 7919 §2
TLS13_GROUPS = (0x11EC, 29, 23, 30, 24, 25, 256, 257, 258, 259, 260, 0x11EB, 0x11ED, 0x0200, 0x0201, 0x0202, 31, 32, 33)

SIGNATURE_SCHEMES: dict[int, str] = {
    0x0403: "ecdsa_secp256r1_sha256",
    0x0804: "rsa_pss_rsae_sha256",
    0x0401: "rsa_pkcs1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0805: "rsa_pss_rsae_sha384",
    0x0501: "rsa_pkcs1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0806: "rsa_pss_rsae_sha512",
    0x0601: "rsa_pkcs1_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
    0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44",
    0x0905: "mldsa65",
    0x0906: "mldsa87",
    0x0303: "ecdsa_sha224",
    0x0301: "rsa_pkcs1_sha224",
    0x0402: "dsa_sha256",
    0x0302: "dsa_sha224",
    0x0203: "ecdsa_sha1",
    0x0201: "rsa_pkcs1_sha1",
    0x0202: "dsa_sha1",
    0x0101: "rsa_pkcs1_md5",
}


def group_name(code: int) -> str:
    """The registered name, or `group_0x…`."""
    known = GROUPS.get(code)
    return known.name if known else f"group_{code:#06x}"
