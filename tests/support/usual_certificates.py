# SPDX-License-Identifier: Apache-2.0
"""Certificates as public and inner CAs write them, and what both readers of this project say of one."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from services.discovery.model.sighting import of_certificate
from shared.pki.certificate import CertificateUnreadableError, parse_with
from shared.pki.issuance import issuer_and_level_of
from shared.pki.usual import Usual, UsualReader

CA_KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = {
    "ecdsa P-256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa P-384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa P-521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa 2048": rsa.generate_private_key(65537, 2048),
    "rsa 2048, 3": rsa.generate_private_key(3, 2048),
    "rsa 3072": rsa.generate_private_key(65537, 3072),
}
START = datetime(2026, 11, 1, 8, 30, 5, tzinfo=UTC)
STAMP = b"\x00" + bytes(range(32)) + (1_793_000_000_000).to_bytes(8, "big") + b"\x00\x00\x04\x03\x00\x08" + bytes(8)
STAMPS = b"".join(len(part).to_bytes(2, "big") + part for part in (STAMP, STAMP))
STAMPS_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def name(**parts):
    """A name of attributes by their attribute of `NameOID`, in the order given."""
    return x509.Name([x509.NameAttribute(getattr(NameOID, kind), text) for kind, text in parts.items()])


ISSUER = name(COUNTRY_NAME="US", ORGANIZATION_NAME="Let's Encrypt", COMMON_NAME="E7")


def make(
    *names,
    key="ecdsa P-256",
    subject=None,
    issuer=ISSUER,
    serial=0x1234,
    start=START,
    days=90,
    policy="2.23.140.1.2.1",
    addresses=(),
    more=(),
    public=True,
):
    """A certificate in DER. `public`: with all that a public CA writes; `more` are further extensions."""
    public_key = KEYS[key].public_key()
    subject = subject if subject is not None else name(COMMON_NAME=names[0])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )
    found: list[tuple[x509.ExtensionType, bool]] = [(x509.BasicConstraints(ca=False, path_length=None), True)]
    if names or addresses:
        said = [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(one)) for one in addresses)]
        found.append((x509.SubjectAlternativeName(said), False))
    if public:
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        where = x509.UniformResourceIdentifier("http://e7.i.lencr.org/")
        access = [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)]
        list_of = x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://e7.c.lencr.org/9.crl")], None, None, None
        )
        found += [
            (usage, True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(CA_KEY.public_key()), False),
            (x509.AuthorityInformationAccess(access), False),
            (x509.CRLDistributionPoints([list_of]), False),
            (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(policy), None)]), False),
            (x509.UnrecognizedExtension(STAMPS_OID, octets(len(STAMPS).to_bytes(2, "big") + STAMPS)), False),
        ]
    for value, critical in (*found, *((one, False) for one in more)):
        builder = builder.add_extension(value, critical)
    return builder.sign(CA_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def octets(value):
    """An OCTET STRING of less than 64 kB."""
    size = len(value)
    length = size.to_bytes(1 if size < 0x100 else 2, "big")
    head = length if size < 0x80 else bytes((0x80 + len(length),)) + length
    return b"\x04" + head + value


def slowly(der):
    """What `cryptography` makes of it, None when it cannot be read."""
    try:
        found = of_certificate(*parse_with(der, issuer_and_level_of))
    except CertificateUnreadableError:
        return None
    return Usual(**{field: getattr(found, field) for field in Usual._fields})


def reader_that_knows(*ders):
    """A reader that has learned from certificates."""
    reader = UsualReader()
    for der in ders:
        said = slowly(der)
        if said is not None:
            reader.learn(der, issuer=said.issuer, brand=said.brand, level=said.level)
    return reader


def damaged(der, chance: random.Random):
    """The same with a few bytes changed, put in, taken out or said twice."""
    work = bytearray(der)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(work))
        match chance.randrange(6):
            case 0:
                work[at] = chance.randrange(256)
            case 1:
                work[at] ^= 1 << chance.randrange(8)
            case 2:
                work[at : at + 1] = b""
            case 3:
                work[at:at] = bytes((chance.choice((0, 0x80, 0xFF, 0x30, work[at])),))
            case 4:
                work[at] = (work[at] + chance.choice((-1, 1))) % 256
            case _:
                end = at + chance.randrange(1, 12)
                work[at:at] = work[at:end]
    return bytes(work)
