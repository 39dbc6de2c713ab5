# SPDX-License-Identifier: Apache-2.0
"""Certificates of CAs and the root's revocation list. Profiles: Baseline Requirements 2.2.6 §7.1.2.1 (root), §7.1.2.6
(TLS issuing CA), §7.2 (CRL); signatures §7.1.3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ALGORITHMS = ("ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096")
BACKDATED = timedelta(hours=1)  # for relying parties whose clocks are slow
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")


def published_at(base: str) -> list[x509.ExtensionType]:
    """Where relying parties fetch what the root signs, its list and its certificate; none without a base URL."""
    if not base:
        return []
    crl = x509.UniformResourceIdentifier(f"{base.rstrip('/')}/root.crl")
    root = x509.UniformResourceIdentifier(f"{base.rstrip('/')}/root.cer")
    return [
        x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, root)]),
        x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]),
    ]


def new_key(algorithm: str) -> PrivateKey:
    """A key of one of `ALGORITHMS`."""
    kind, _, size = algorithm.partition("-")
    if kind == "rsa":
        return rsa.generate_private_key(65537, int(size))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[size]())


def algorithm_of(key: object) -> str:
    """What `new_key` would be asked for to make one like this, or the key's kind in words."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return {"secp256r1": "ec-p256", "secp384r1": "ec-p384"}.get(key.curve.name, key.curve.name)
    return type(key).__name__


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash that a key signs with: BR 7.1.3.2.2 binds it to the curve."""
    return hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 384 else hashes.SHA256()


def ca_name(organization: str, common_name: str, country: str = "") -> x509.Name:
    """A CA's name (BR 7.1.2.10.2), the country where it is known."""
    attributes = [(NameOID.COUNTRY_NAME, country)] if country else []
    attributes += [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def common_name(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The common name of a subject, empty without one."""
    return attribute(certificate.subject, NameOID.COMMON_NAME)


def attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """The first value of an attribute, empty without one."""
    for each in name.get_attributes_for_oid(oid):
        return each.value if isinstance(each.value, str) else each.value.decode(errors="replace")
    return ""


def spki(key: CertificatePublicKeyTypes) -> bytes:
    """A public key's SubjectPublicKeyInfo in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certify_root(name: x509.Name, key: PrivateKey, *, now: datetime, days: int) -> x509.Certificate:
    """A self-signed root."""
    builder = _ca(name, name, key.public_key(), now=now, until=_until(now, days), path_length=None)
    return builder.sign(key, digest_for(key))


def certify_issuing(
    name: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    root: x509.Certificate,
    root_key: PrivateKey,
    *,
    now: datetime,
    days: int,
    distribution: Iterable[x509.ExtensionType] = (),
) -> x509.Certificate:
    """A CA below the root that signs certificates of TLS servers; it ends with the root at the latest."""
    until = min(_until(now, days), root.not_valid_after_utc)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    builder = (
        _ca(name, root.subject, public_key, now=now, until=until, path_length=0)
        .add_extension(identifier, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)]), critical=False)
    )
    for each in distribution:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(root_key, digest_for(root_key))


def list_of_root(
    root: x509.Certificate,
    key: PrivateKey,
    *,
    number: int,
    now: datetime,
    until: datetime,
    revoked: Iterable[x509.RevokedCertificate] = (),
) -> x509.CertificateRevocationList:
    """The root's revocation list, good until `until`."""
    return (
        x509.CertificateRevocationListBuilder(
            issuer_name=root.subject,
            last_update=_plain(now - BACKDATED),
            next_update=_plain(until),
            revoked_certificates=list(revoked),
        )
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, digest_for(key))
    )


def _ca(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    *,
    now: datetime,
    until: datetime,
    path_length: int | None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_plain(now - BACKDATED))
        .not_valid_after(_plain(until))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _until(now: datetime, days: int) -> datetime:
    return now.replace(microsecond=0) - BACKDATED + timedelta(days=days, seconds=-1)


def _plain(moment: datetime) -> datetime:
    return moment.replace(microsecond=0, tzinfo=None)


CA_USAGE = x509.KeyUsage(
    digital_signature=True,  # OCSP answers are signed by the issuing key itself
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
