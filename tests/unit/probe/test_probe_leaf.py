# SPDX-License-Identifier: Apache-2.0
"""The small certificate reader agrees with cryptography, and nothing that is fed to it breaks it."""

import datetime as dt
import hashlib
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from shared.probe.leaf import read_leaf

KEYS = {"ec": ec.generate_private_key(ec.SECP256R1()), "rsa": rsa.generate_private_key(65537, 2048)}


def certificate(
    kind="ec", serial=0x0ABC, names=("a.test", "*.b.test"), end=dt.datetime(2027, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
):
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Ex, "Ü" & Co')]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")]))
        .public_key(KEYS[kind].public_key())
        .serial_number(serial)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(end)
    )
    if names:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        san = x509.SubjectAlternativeName([*map(x509.DNSName, names), x509.RFC822Name("a@b.test")])
        builder = builder.add_extension(san, critical=False)
    return builder.sign(KEYS[kind], hashes.SHA256())


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("serial", [1, 0xABC, 2**159 - 1])
def test_it_reads_what_cryptography_reads(kind, serial):
    made = certificate(kind, serial)
    der = made.public_bytes(Encoding.DER)
    leaf = read_leaf(der)
    assert leaf.serial == f"{serial:X}"
    assert leaf.fingerprint == hashlib.sha256(der).hexdigest() == made.fingerprint(hashes.SHA256()).hex()
    spki = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert leaf.spki_sha256 == hashlib.sha256(spki).hexdigest()
    assert (leaf.not_before, leaf.not_after) == (made.not_valid_before_utc, made.not_valid_after_utc)
    assert leaf.dns_names == ("a.test", "*.b.test")
    assert (leaf.subject, leaf.issuer) == ('O=Ex\\, \\"Ü\\" & Co, C=DE', "CN=CA")


def test_late_dates_and_certificates_without_extensions_are_read():
    leaf = read_leaf(certificate(names=(), end=dt.datetime(2055, 1, 1, tzinfo=dt.UTC)).public_bytes(Encoding.DER))
    assert leaf.not_after.year == 2055
    assert leaf.dns_names == ()


DER = certificate().public_bytes(Encoding.DER)


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_in_order(data):
    with pytest.raises(ValueError):  # noqa: PT011
        read_leaf(data)


@given(st.integers(0, len(DER) - 1), st.integers(0, 255), st.integers(0, len(DER)))
def test_a_damaged_certificate_is_read_or_refused_in_order(place, octet, length):
    damaged = (DER[:place] + bytes([octet]) + DER[place + 1 :])[:length]
    with suppress(ValueError):
        read_leaf(damaged)
