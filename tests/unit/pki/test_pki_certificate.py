# SPDX-License-Identifier: Apache-2.0
"""A certificate that comes back is compared with what was asked for."""

import contextlib
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pki.certificate import (
    CertificateUnreadableError,
    chain_problems,
    differences,
    parse_certificate,
    parse_chain,
    to_pem,
)
from shared.pki.csr import parse_csr
from tests.support import csr_builder

START = datetime(2026, 11, 23, tzinfo=UTC)
END = START + timedelta(days=199, seconds=-1)


def certificate(subject, issuer, *, key, signer, names=(), ca=False, serial=0x0ABC):
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(csr_builder.key(key).public_key())
        .serial_number(serial)
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(csr_builder.key(signer), hashes.SHA256()).public_bytes(Encoding.DER)


ROOT = certificate("Root", "Root", key="P-384", signer="P-384", ca=True)
LEAF = certificate("www.example.com", "Root", key="P-256", signer="P-384", names=["www.example.com", "Example.com"])


def test_a_certificate_is_read_completely():
    leaf = parse_certificate(LEAF)
    assert leaf.serial == "0ABC"
    assert leaf.sha256 == hashlib.sha256(LEAF).hexdigest()
    assert leaf.names == ("example.com", "www.example.com")
    assert (leaf.not_before, leaf.not_after) == (START, END)
    assert (leaf.key_kind, leaf.key_size, leaf.curve, leaf.signature_hash) == ("ecdsa", 256, "P-256", "sha256")
    assert (leaf.issuer, leaf.is_ca, leaf.self_issued) == ("CN=Root", False, False)
    assert parse_certificate(leaf.pem) == leaf
    assert parse_certificate(ROOT).is_ca
    assert parse_certificate(ROOT).names == ("root",)


def test_a_certificate_that_fits_has_no_differences():
    csr = parse_csr(csr_builder.pem("www.example.com", ["www.example.com", "example.com"]))
    names = [name.text for name in csr.names]
    leaf = parse_certificate(LEAF)
    assert differences(leaf, spki_sha256=csr.key.spki_sha256, names=names, now=START, max_seconds=199 * 86400) == []


def test_every_difference_is_named():
    leaf = parse_certificate(LEAF)
    assert differences(leaf, spki_sha256="0", names=["example.com"], now=START, max_seconds=199 * 86400 - 1) == [
        "key",
        "names",
        "validity",
    ]
    early = differences(leaf, spki_sha256=leaf.spki_sha256, names=leaf.names, now=START - timedelta(seconds=1))
    late = differences(leaf, spki_sha256=leaf.spki_sha256, names=leaf.names, now=END + timedelta(seconds=1))
    assert (early, late) == (["not_yet_valid"], ["expired"])


def test_a_chain_is_followed_and_its_faults_are_named():
    leaf, root = parse_chain(to_pem(LEAF) + to_pem(ROOT))
    assert chain_problems(leaf, [root]) == []
    impostor = parse_certificate(certificate("Root", "Root", key="P-521", signer="P-521", ca=True))
    assert "does not fit the key" in chain_problems(leaf, [impostor])[0]
    assert "was not issued by" in chain_problems(root, [leaf])[1]
    assert "is not a CA" in chain_problems(root, [leaf])[0]


def test_what_is_no_certificate_is_refused():
    for source in ("", "hello", b"", b"\x30\x00", "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----"):
        with pytest.raises(CertificateUnreadableError):
            parse_certificate(source)


def test_a_certificate_that_breaks_the_rules_is_shown_all_the_same():
    place = LEAF.index(bytes.fromhex("02020abc"))
    odd = LEAF[: place + 2] + b"\x8a\xbc" + LEAF[place + 4 :]
    assert parse_certificate(odd).serial == "-7544"


@settings(max_examples=5000 if os.environ.get("CI") == "true" else 250, deadline=None)
@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255), st.integers(0, 9))
def test_no_mutation_of_a_certificate_upsets_the_reader(place, value, cut):
    mutated = bytearray(LEAF)
    mutated[place] = value
    del mutated[place + 1 : place + 1 + cut]
    with contextlib.suppress(CertificateUnreadableError):
        parse_certificate(bytes(mutated))
