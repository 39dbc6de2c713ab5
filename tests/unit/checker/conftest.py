# SPDX-License-Identifier: Apache-2.0
"""Surveys and certificates that a test changes in one place."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from shared.probe.survey import Fact, Offer, ServedChain, Survey, Web
from tests.support.stamped import with_stamps

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
GOOD = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")


def certificate(
    names=("www.example.test",),
    *,
    issuer=None,
    key=None,
    signer=None,
    days=(-10, 90),
    ca=False,
    subject="www.example.test",
    now=NOW,
    extensions=(),
    logs=(),
    purpose=x509.ExtendedKeyUsageOID.SERVER_AUTH,
):
    """A certificate and its key; self-signed without an issuer. `extensions` come beside the usual ones; `logs` stamp
    it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
        builder = builder.add_extension(by, critical=False)
    if ca:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if logs:
        return with_stamps(builder, issuer, signer, logs, int(now.timestamp() - 3600) * 1000), key
    return builder.sign(signer or key, hashes.SHA256()), key


@pytest.fixture(scope="session")
def root():
    """A root and its key."""
    return certificate((), ca=True, subject="Example Root", days=(-100, 3000))


@pytest.fixture(scope="session")
def middle(root):
    """An issuing CA below the root, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return certificate(
        (), ca=True, subject="Example Issuing", issuer=root[0], key=key, signer=root[1], days=(-50, 2000)
    )


@pytest.fixture(scope="session")
def leaf(middle):
    """A sound server certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    return certificate(issuer=middle[0], key=key, signer=middle[1])[0]


def responder_at(url, issuer=""):
    """The extension that names an OCSP responder, and where the issuer's certificate lies."""
    places = [(AuthorityInformationAccessOID.OCSP, url), (AuthorityInformationAccessOID.CA_ISSUERS, issuer)]
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(place)) for method, place in places if place]
    )


def lists_at(*urls, reasons=None, issuer=None):
    """The extension that names CRLs."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, reasons, issuer)])


def der(one):
    """Its bytes."""
    return one.public_bytes(Encoding.DER)


def sound(*chain):
    """The survey of a server that has nothing wrong but what its chain brings."""
    protocols = {name: Offer(offered=False) for name in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1")}
    protocols |= {
        "TLSv1.2": Offer(offered=True, suites=GOOD, preference="server"),
        "TLSv1.3": Offer(offered=True, suites=("TLS_AES_256_GCM_SHA384",), preference="server"),
    }
    return Survey(
        "192.0.2.1",
        443,
        "www.example.test",
        "",
        "advanced",
        "2026-11-26T12:00:00Z",
        1.0,
        30,
        protocols=protocols,
        chains=(ServedChain(tuple(map(der, chain)), "ECDSA", "TLSv1.3", proved=True),) if chain else (),
        groups=("X25519MLKEM768", "x25519"),
        groups_checked=True,
        features={"stapling": Fact(True), "secure_renegotiation": Fact(True), "compression": Fact(False)},
        holes={"heartbleed": Fact(False), "robot": Fact(False)},
        web=Web(status=200, headers={"strict-transport-security": "max-age=31536000"}),
    )


def with_protocols(survey, **offers):
    """The survey with these versions offered; the names as TLSv1_0 for TLSv1.0."""
    changed = {name.replace("_", "."): offer for name, offer in offers.items()}
    return replace(survey, protocols={**survey.protocols, **changed})
