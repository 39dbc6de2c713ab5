# SPDX-License-Identifier: Apache-2.0
"""Reading certificates and comparing one with what was asked for.

Used on everything that comes back from an issuer, a web server or an agent; none of it is trusted to be well formed.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1, sha256
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from shared.pki.keys import CURVES

T = TypeVar("T")
Extensions = dict[x509.ObjectIdentifier, x509.ExtensionType]
MAX_BYTES = 256 * 1024
_BLOCK = re.compile(
    r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(?P<body>[^-]*)-----END (?:X509 |TRUSTED )?CERTIFICATE-----"
)
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateUnreadableError(ValueError):
    """The bytes are not a certificate that can be read."""


class Loaded(NamedTuple):
    """A certificate with what is costly to ask it for, asked for once."""

    certificate: x509.Certificate
    subject: x509.Name
    issuer: x509.Name
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. Nothing here is verified; see `chain_problems`.

    `serial` is upper-case hexadecimal with an even number of digits, as OpenSSL prints it (`-` in front of a negative
    one); `sha256` the fingerprint
    in lower-case
    hexadecimal;
    `names` the DNS names of the SAN in lower case, sorted (the CN alone when there is no SAN). `not_after` is the
    last valid second; `issuer_name` the issuer's common name, or its organization.
    """

    der: bytes
    serial: str
    sha256: str
    sha1: str
    spki_sha256: str
    names: tuple[str, ...]
    common_name: str
    organization: str
    issuer: str
    subject: str
    not_before: datetime
    not_after: datetime
    key_kind: str
    key_size: int
    curve: str
    signature_hash: str
    is_ca: bool
    issuer_name: str = ""

    @property
    def pem(self) -> str:
        """The usual text form."""
        return to_pem(self.der)

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same name."""
        return self.issuer == self.subject


def parse_certificate(source: str | bytes) -> Certificate:
    """Reads one certificate, PEM text (the first block counts) or DER. Raises CertificateUnreadableError."""
    if isinstance(source, str):
        blocks = pem_blocks(source)
        if not blocks:
            raise CertificateUnreadableError("There is no certificate in PEM form.")
        source = blocks[0]
    return parse_with(source, lambda _: None)[0]


def parse_with(der: bytes, ask: Callable[[Loaded], T]) -> tuple[Certificate, T]:
    """Reads one certificate in DER, and what `ask` gets out of it in the same go: loading it twice costs as much again.
    Raises CertificateUnreadableError."""
    if len(der) > MAX_BYTES:
        raise CertificateUnreadableError("The certificate is too large.")
    try:
        with warnings.catch_warnings():
            # Certificates found in the wild break rules (serials that are not positive, countries of three letters);
            # that they can be shown all the same is the point of reading them.
            warnings.simplefilter("ignore")
            loaded = load(der)
            return _read(loaded, der), ask(loaded)
    except _UNREADABLE:
        raise CertificateUnreadableError("The certificate is damaged.") from None


def load(der: bytes) -> Loaded:
    """Takes a certificate apart. Raises what `cryptography` raises for bytes that are none."""
    found = x509.load_der_x509_certificate(der)
    return Loaded(found, found.subject, found.issuer, {one.oid: one.value for one in found.extensions})


def parse_chain(text: str) -> tuple[Certificate, ...]:
    """Reads every certificate in a PEM file, in order. Raises CertificateUnreadableError."""
    return tuple(parse_certificate(block) for block in pem_blocks(text))


def pem_blocks(text: str) -> list[bytes]:
    """The DER of every PEM certificate in a text. Raises CertificateUnreadableError on damaged base64."""
    if len(text) > 16 * MAX_BYTES:
        raise CertificateUnreadableError("The text is too large.")
    try:
        return [base64.b64decode("".join(body.split()).encode("ascii"), validate=True) for body in _BLOCK.findall(text)]
    except (binascii.Error, UnicodeError):
        raise CertificateUnreadableError("The text between the BEGIN and END lines is damaged.") from None


def to_pem(der: bytes) -> str:
    """The usual text form of a certificate."""
    body = base64.b64encode(der).decode("ascii")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def differences(
    certificate: Certificate, *, spki_sha256: str, names: Iterable[str], now: datetime, max_seconds: int | None = None
) -> list[str]:
    """Which fields do not fit what was asked for: of `key`, `names`, `not_yet_valid`, `expired`, `validity`. Empty
    when it fits.

    `max_seconds` is the longest validity allowed; the period includes both ends (RFC 5280 §4.1.2.5).
    """
    found = []
    if certificate.spki_sha256 != spki_sha256:
        found.append("key")
    if set(certificate.names) != {name.lower() for name in names}:
        found.append("names")
    if now < certificate.not_before:
        found.append("not_yet_valid")
    if now > certificate.not_after:
        found.append("expired")
    if max_seconds is not None and (certificate.not_after - certificate.not_before).total_seconds() + 1 > max_seconds:
        found.append("validity")
    return found


def chain_problems(leaf: Certificate, chain: Sequence[Certificate]) -> list[str]:
    """What is wrong with `leaf` followed by `chain` in order: wrong issuer, bad signature, an issuer that is no CA.
    Empty when sound."""
    found = []
    child = leaf
    for parent in chain:
        if not parent.is_ca:
            found.append(f"{parent.subject} is not a CA")
        if child.issuer != parent.subject:
            found.append(f"{child.subject} was not issued by {parent.subject}")
        elif not issued_by(child, parent):
            found.append(f"the signature of {child.subject} does not fit the key of {parent.subject}")
        child = parent
    return found


def issued_by(child: Certificate, parent: Certificate) -> bool:
    """Whether the key of `parent` made the signature of `child` and the names fit."""
    try:
        loaded = x509.load_der_x509_certificate(child.der)
        loaded.verify_directly_issued_by(x509.load_der_x509_certificate(parent.der))
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def _read(loaded: Loaded, der: bytes) -> Certificate:
    certificate, subject, issuer, extensions = loaded
    key = certificate.public_key()
    curve = ""
    if isinstance(key, rsa.RSAPublicKey):
        kind, size = "rsa", key.key_size
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind, size, curve = "ecdsa", key.key_size, CURVES.get(key.curve.name, key.curve.name)
    else:
        kind, size = type(key).__name__.removesuffix("PublicKey").lower(), 0
    common_name = first(subject, NameOID.COMMON_NAME)
    return Certificate(
        der=der,
        serial=_serial(certificate.serial_number),
        sha256=sha256(der).hexdigest(),
        sha1=sha1(der, usedforsecurity=False).hexdigest(),
        spki_sha256=sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest(),
        names=_names(extensions, common_name),
        common_name=common_name,
        organization=first(subject, NameOID.ORGANIZATION_NAME),
        issuer=issuer.rfc4514_string(),
        subject=subject.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_kind=kind,
        key_size=size,
        curve=curve,
        signature_hash=_signature_hash(certificate),
        is_ca=_is_ca(extensions),
        issuer_name=first(issuer, NameOID.COMMON_NAME) or first(issuer, NameOID.ORGANIZATION_NAME),
    )


def first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """The first text of a kind in a name; empty when there is none."""
    for relative in name.rdns:
        for attribute in relative:
            if attribute.oid == oid and isinstance(attribute.value, str):
                return attribute.value
    return ""


def _serial(number: int) -> str:
    digits = f"{abs(number):X}"
    return ("-" if number < 0 else "") + (digits if len(digits) % 2 == 0 else "0" + digits)


def _names(extensions: Extensions, common_name: str) -> tuple[str, ...]:
    if ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in extensions:
        return (common_name.lower(),) if common_name else ()
    value = extensions[ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
    if not isinstance(value, x509.SubjectAlternativeName):
        return ()
    return tuple(sorted({name.lower() for name in value.get_values_for_type(x509.DNSName)}))


def _signature_hash(loaded: x509.Certificate) -> str:
    try:
        algorithm = loaded.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return algorithm.name if algorithm is not None else "none"


def _is_ca(extensions: Extensions) -> bool:
    value = extensions.get(ExtensionOID.BASIC_CONSTRAINTS)
    return isinstance(value, x509.BasicConstraints) and value.ca
