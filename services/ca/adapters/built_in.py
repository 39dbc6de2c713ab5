# SPDX-License-Identifier: Apache-2.0
"""The built-in CA: leaf certificates by profile, CRLs and OCSP answers.

Profiles: Baseline Requirements 2.2.6 §7.1.2.7 (subscriber certificates) and §7.2 (CRLs). The signature is deterministic
(RFC 6979; RSA is so by itself), so that signing again after a crash gives the same certificate to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from services.ca.adapters import der, lint
from services.ca.adapters.certify import PrivateKey, common_name, digest_for
from services.ca.adapters.key_store import CAMaterial
from services.ca.adapters.ocsp import OCSPResponder
from services.ca.model.authorities import Installed
from services.ca.ports import IssuerRefusedError, OCSPAnswer, Progress, RevokedEntry, Signed
from shared.clock import from_text, to_text
from shared.contracts.ca import CAChain, IssuanceAccepted
from shared.contracts.orders import Organization
from shared.pki.certificate import to_pem
from shared.pki.csr import public_key_of
from shared.pki.rules import Rules

# CA/Browser Forum policy identifiers.
POLICIES = {"dv": "2.23.140.1.2.1", "ov": "2.23.140.1.2.2", "ev": "2.23.140.1.1"}


class BuiltInIssuer:
    """Signs with the issuing key. Keys and all constant extensions are ready before the first request."""

    def __init__(self, material: CAMaterial, *, public_url: str, linted: bool = True) -> None:
        self._material = material
        self._issuing_pem = material.issuing.public_bytes(Encoding.PEM).decode()
        self._root_pem = material.root.public_bytes(Encoding.PEM).decode()
        self._name = common_name(material.issuing)
        base = public_url.rstrip("/")
        self._deterministic = True if isinstance(material.key, ec.EllipticCurvePrivateKey) else None
        identifier = x509.SubjectKeyIdentifier.from_public_key(material.issuing.public_key())
        self._authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        own = base if material.number == 1 else f"{base}/{material.number}"
        issuer_url = x509.UniformResourceIdentifier(f"{own}/issuing.cer")
        crl_url = x509.UniformResourceIdentifier(f"{own}/issuing.crl")
        ocsp_url = x509.UniformResourceIdentifier(f"{base}/ocsp")
        access = x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(AuthorityInformationAccessOID.OCSP, ocsp_url),
                x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer_url),
            ]
        )
        crl_points = x509.CRLDistributionPoints([x509.DistributionPoint([crl_url], None, None, None)])
        self._issuer = material.issuing.subject.public_bytes()
        # What stands before and after the two extensions that differ from leaf to leaf, by profile and kind of key.
        self._constant = {
            (profile, kind): (
                _encode(self._authority) + _encode(_usage(key_encipherment=kind == "rsa"), critical=True),
                _encode(x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(oid), None)]))
                + _encode(access)
                + _encode(crl_points)
                + _encode(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
                + _encode(x509.BasicConstraints(ca=False, path_length=None), critical=True),
            )
            for profile, oid in POLICIES.items()
            for kind in ("rsa", "ecdsa")
        }
        self._sign, self._algorithm = _signer(material.key)
        self._try = _signer(lint.throw_away_like(material.key))[0] if linted else None
        self._ocsp = OCSPResponder(material)

    @property
    def name(self) -> str:
        """The common name of the issuing CA."""
        return self._name

    @property
    def number(self) -> int:
        """Its place among the issuing CAs of this installation."""
        return self._material.number

    @property
    def expires_at(self) -> datetime:
        """The end of the issuing certificate."""
        return self._material.issuing.not_valid_after_utc

    def chain(self) -> CAChain:
        """Root and issuing certificate."""
        return CAChain(name=self._name, root_pem=self._root_pem, issuers_pem=[self._issuing_pem], test=True)

    def installed(self) -> Installed:
        """Its certificate, as it is recorded."""
        issuing = self._material.issuing
        return Installed(
            name=self._name,
            number=self._material.number,
            fingerprint_sha256=issuing.fingerprint(hashes.SHA256()).hex(),
            root_fingerprint_sha256=self._material.root.fingerprint(hashes.SHA256()).hex(),
            not_after=to_text(issuing.not_valid_after_utc),
            certificate_pem=self._issuing_pem,
            by=self._material.by,
        )

    def advance(self, accepted: IssuanceAccepted, _progress: Progress) -> Signed:
        """See `ports.Issuer`: one step."""
        return self.sign(accepted)

    def revoke(self, certificate_pem: str, reason: int) -> None:
        """Nothing to tell anybody: what was recorded is on the next CRL and in every OCSP answer."""

    def sign(self, accepted: IssuanceAccepted) -> Signed:
        """Signs exactly what was accepted. Raises IssuerRefusedError when that can never be signed here."""
        if accepted.issuer != self._name:
            raise IssuerRefusedError(f"This CA is {self._name}, not {accepted.issuer}.")
        not_before, not_after = from_text(accepted.not_before), from_text(accepted.not_after)
        # The last gate before the key, whoever made the request: BR 6.3.2 counts both ends.
        if (not_after - not_before).total_seconds() + 1 > Rules.at(not_before).longest.total_seconds():
            raise IssuerRefusedError("The certificate would be valid for longer than the rules allow.")
        spki, kind = self._spki(accepted.csr_pem)
        organization = accepted.organization
        subject = (
            _subject(organization, accepted.profile, accepted.common_name).public_bytes()
            if organization
            else der.common_name(accepted.common_name)
        )
        # RFC 5280 §4.2.1.6: without a subject the names are critical.
        names = der.extension(
            der.SUBJECT_ALTERNATIVE_NAME, der.dns_names(accepted.names), critical=subject == der.common_name("")
        )
        identifier = der.extension(der.SUBJECT_KEY_IDENTIFIER, der.key_identifier(spki))
        before, after = self._constant[accepted.profile, kind]
        extensions = der.tlv(0xA3, der.tlv(der.SEQUENCE, before + identifier + names + after))
        validity = der.tlv(der.SEQUENCE, der.moment(not_before) + der.moment(not_after))
        serial = der.positive_integer(int(accepted.serial, 16))
        body = der.tlv(
            der.SEQUENCE,
            der.VERSION_3 + serial + self._algorithm + self._issuer + validity + subject + spki + extensions,
        )
        if self._try is not None:
            problems = lint.problems(self._signed(body, self._try), accepted.profile)
            if problems:
                raise IssuerRefusedError(f"The certificate would break the rules: {'; '.join(problems)}.")
        certificate = self._signed(body, self._sign)
        return Signed(
            certificate_pem=to_pem(certificate),
            chain_pem=self._issuing_pem,
            serial=accepted.serial,
            fingerprint_sha256=sha256(certificate).hexdigest(),
        )

    def _signed(self, body: bytes, sign: Callable[[bytes], bytes]) -> bytes:
        return der.tlv(der.SEQUENCE, body + self._algorithm + der.tlv(der.BIT_STRING, b"\0" + sign(body)))

    @staticmethod
    def _spki(csr_pem: str) -> tuple[bytes, str]:
        key = public_key_of(csr_pem)
        kind = "rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa"
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), kind

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
        digest = digest_for(self._material.key)
        signed = builder.sign(self._material.key, digest, ecdsa_deterministic=self._deterministic)
        return signed.public_bytes(Encoding.DER)

    def answer_ocsp(
        self,
        request: bytes,
        standing_of: Callable[[str], RevokedEntry | bool],
        *,
        this_update: datetime,
        next_update: datetime,
    ) -> OCSPAnswer:
        """See the port."""
        return self._ocsp.answer(request, standing_of, this_update=this_update, next_update=next_update)


def _entry(revoked: RevokedEntry) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(
        int(revoked.serial, 16), revoked.revoked_at.replace(tzinfo=None, microsecond=0)
    )
    if revoked.reason != "unspecified":  # BR 7.2.2: then the extension is left out
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags(revoked.reason)), critical=False)
    return builder.build()


def _signer(key: PrivateKey) -> tuple[Callable[[bytes], bytes], bytes]:
    """A function that signs, and its AlgorithmIdentifier in DER."""
    digest = digest_for(key)
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PKCS1v15()
        return (lambda body: key.sign(body, scheme, digest)), der.SHA256_WITH_RSA
    algorithm = ec.ECDSA(digest, deterministic_signing=True)
    identifier = der.ECDSA_WITH_SHA384 if isinstance(digest, hashes.SHA384) else der.ECDSA_WITH_SHA256
    return (lambda body: key.sign(body, algorithm)), identifier


def _encode(value: x509.ExtensionType, *, critical: bool = False) -> bytes:
    oid = der.object_identifier(value.oid.dotted_string)
    return der.extension(oid, value.public_bytes(), critical=critical)


def _subject(organization: Organization, profile: str, common_name: str) -> x509.Name:
    attributes = _organization(organization, profile)
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
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
            (NameOID.JURISDICTION_COUNTRY_NAME, organization.jurisdiction_country or organization.country),
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
