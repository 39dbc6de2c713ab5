# SPDX-License-Identifier: Apache-2.0
"""The built-in CA: leaf certificates by profile, and CRLs.

Profiles: Baseline Requirements 2.2.6 §7.1.2.7 (subscriber certificates) and §7.2 (CRLs). The signature is deterministic
(RFC 6979; RSA is so by itself), so that signing again after a crash gives the same certificate to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from services.ca.adapters.key_store import CAMaterial
from services.ca.ports import IssuerRefusedError, RevokedEntry, Signed
from shared.clock import from_text
from shared.contracts.ca import CAChain, IssuanceAccepted
from shared.contracts.orders import Organization
from shared.pki.certificate import to_pem
from shared.pki.csr import public_key_of
from shared.pki.rules import Rules

# CA/Browser Forum policy identifiers.
POLICIES = {"dv": "2.23.140.1.2.1", "ov": "2.23.140.1.2.2", "ev": "2.23.140.1.1"}


class BuiltInIssuer:
    """Signs with the issuing key. Keys and all constant extensions are ready before the first request."""

    def __init__(self, material: CAMaterial, *, public_url: str) -> None:
        self._material = material
        self._issuing_pem = material.issuing.public_bytes(Encoding.PEM).decode()
        self._root_pem = material.root.public_bytes(Encoding.PEM).decode()
        common_name = material.issuing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        self._name = common_name if isinstance(common_name, str) else common_name.decode()
        base = public_url.rstrip("/")
        self._deterministic = True if isinstance(material.key, ec.EllipticCurvePrivateKey) else None
        identifier = x509.SubjectKeyIdentifier.from_public_key(material.issuing.public_key())
        self._authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        issuer_url = x509.UniformResourceIdentifier(f"{base}/issuing.cer")
        crl_url = x509.UniformResourceIdentifier(f"{base}/issuing.crl")
        self._access = x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer_url)]
        )
        self._crl_points = x509.CRLDistributionPoints([x509.DistributionPoint([crl_url], None, None, None)])
        self._policies = {
            profile: x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None)])
            for profile, oid in POLICIES.items()
        }

    @property
    def name(self) -> str:
        """The common name of the issuing CA."""
        return self._name

    @property
    def expires_at(self) -> datetime:
        """The end of the issuing certificate."""
        return self._material.issuing.not_valid_after_utc

    def chain(self) -> CAChain:
        """Root and issuing certificate."""
        return CAChain(name=self._name, root_pem=self._root_pem, issuers_pem=[self._issuing_pem], test=True)

    def sign(self, accepted: IssuanceAccepted) -> Signed:
        """Signs exactly what was accepted. Raises IssuerRefusedError when that can never be signed here."""
        if accepted.issuer != self._name:
            raise IssuerRefusedError(f"This CA is {self._name}, not {accepted.issuer}.")
        not_before, not_after = from_text(accepted.not_before), from_text(accepted.not_after)
        # The last gate before the key, whoever made the request: BR 6.3.2 counts both ends.
        if (not_after - not_before).total_seconds() + 1 > Rules.at(not_before).longest.total_seconds():
            raise IssuerRefusedError("The certificate would be valid for longer than the rules allow.")
        key = public_key_of(accepted.csr_pem)
        builder = x509.CertificateBuilder(
            issuer_name=self._material.issuing.subject,
            subject_name=_subject(accepted),
            public_key=key,
            serial_number=int(accepted.serial, 16),
            not_valid_before=not_before.replace(tzinfo=None),
            not_valid_after=not_after.replace(tzinfo=None),
            extensions=[
                x509.Extension(x509.AuthorityKeyIdentifier.oid, False, self._authority),
                x509.Extension(x509.SubjectKeyIdentifier.oid, False, x509.SubjectKeyIdentifier.from_public_key(key)),
                x509.Extension(x509.KeyUsage.oid, True, _RSA_USAGE if isinstance(key, rsa.RSAPublicKey) else _EC_USAGE),
                x509.Extension(
                    x509.SubjectAlternativeName.oid,
                    False,
                    x509.SubjectAlternativeName([x509.DNSName(name) for name in accepted.names]),
                ),
                x509.Extension(x509.CertificatePolicies.oid, False, self._policies[accepted.profile]),
                x509.Extension(x509.AuthorityInformationAccess.oid, False, self._access),
                x509.Extension(x509.CRLDistributionPoints.oid, False, self._crl_points),
                x509.Extension(x509.ExtendedKeyUsage.oid, False, _SERVER_AUTH),
                x509.Extension(x509.BasicConstraints.oid, True, _LEAF),
            ],
        )
        certificate = builder.sign(self._material.key, hashes.SHA256(), ecdsa_deterministic=self._deterministic)
        der = certificate.public_bytes(Encoding.DER)
        return Signed(
            certificate_pem=to_pem(der),
            chain_pem=self._issuing_pem,
            serial=accepted.serial,
            fingerprint_sha256=sha256(der).hexdigest(),
        )

    def sign_crl(
        self, *, number: int, this_update: datetime, next_update: datetime, revoked: Iterable[RevokedEntry]
    ) -> bytes:
        """A complete CRL in DER."""
        builder = (
            x509.CertificateRevocationListBuilder(
                issuer_name=self._material.issuing.subject,
                last_update=this_update.replace(tzinfo=None, microsecond=0),
                next_update=next_update.replace(tzinfo=None, microsecond=0),
                revoked_certificates=[_entry(each) for each in revoked],
            )
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._authority, critical=False)
        )
        signed = builder.sign(self._material.key, hashes.SHA256(), ecdsa_deterministic=self._deterministic)
        return signed.public_bytes(Encoding.DER)


def _entry(revoked: RevokedEntry) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(
        int(revoked.serial, 16), revoked.revoked_at.replace(tzinfo=None, microsecond=0)
    )
    if revoked.reason != "unspecified":  # BR 7.2.2: then the extension is left out
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags(revoked.reason)), critical=False)
    return builder.build()


def _subject(accepted: IssuanceAccepted) -> x509.Name:
    attributes = _organization(accepted.organization, accepted.profile) if accepted.organization else []
    if accepted.common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, accepted.common_name))
    return x509.Name(attributes)


def _organization(organization: Organization, profile: str) -> list[x509.NameAttribute[str]]:
    """BR 7.1.4.2 gives the order of the attributes; EV Guidelines 7.1.4.2 the last three."""
    pairs = [
        (NameOID.COUNTRY_NAME, organization.country),
        (NameOID.STATE_OR_PROVINCE_NAME, organization.state),
        (NameOID.LOCALITY_NAME, organization.locality),
        (NameOID.ORGANIZATION_NAME, organization.name),
    ]
    if profile == "ev":
        pairs += [
            (NameOID.BUSINESS_CATEGORY, "Private Organization"),
            (NameOID.JURISDICTION_COUNTRY_NAME, organization.country),
            (NameOID.SERIAL_NUMBER, organization.registration_number),
        ]
    return [x509.NameAttribute(oid, value) for oid, value in pairs if value]


def _usage(*, key_encipherment: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


_RSA_USAGE = _usage(key_encipherment=True)
_EC_USAGE = _usage(key_encipherment=False)
_SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
_LEAF = x509.BasicConstraints(ca=False, path_length=None)
