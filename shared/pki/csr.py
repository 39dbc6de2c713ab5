# SPDX-License-Identifier: Apache-2.0
"""Reading a certificate signing request (PKCS#10, RFC 2986) that a stranger pasted.

Every refusal has its own code and its own text. What was pasted is never repeated in an error: it may be a private key.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import md5, sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from shared.pki.fqdn import FQDN, NameRefusedError
from shared.pki.keys import NOTHING_BLOCKED, Blocklist, KeyFacts, KeyRefusedError, examine_key

MAX_BYTES = 64 * 1024
MAX_NAMES = 250
ALLOWED_HASHES = frozenset({"sha256", "sha384", "sha512"})

_BLOCK = re.compile(
    r"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----(?P<body>[^-]*)-----END (?:NEW )?CERTIFICATE REQUEST-----"
)
_HEAD, _TAIL = "-----BEGIN CERTIFICATE REQUEST-----\n", "-----END CERTIFICATE REQUEST-----\n"
_PRIVATE = re.compile(r"PRIVATE\s+KEY", re.IGNORECASE)
# How PKCS#1, PKCS#8 and SEC 1 private keys start in base64 when their frame was left out; requests start with
# SEQUENCE SEQUENCE.
_BARE_KEY = re.compile(r"^\s*M[A-Za-z0-9+/]{1,5}(?:IBA[ADE]|AgEA|AgEB|AQEE)")
# Everything the parser may raise on hostile bytes (seen by fuzzing); anything else is a bug of ours.
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)


class CSRFault(StrEnum):
    """Why a request was refused, beside the faults of names (`name_*`) and keys (`key_*`)."""

    NOT_PEM = "csr_not_pem"
    TOO_LARGE = "csr_too_large"
    PRIVATE_KEY = "csr_is_private_key"
    CERTIFICATE = "csr_is_certificate"
    SEVERAL = "csr_several"
    MALFORMED = "csr_malformed"
    BAD_SIGNATURE = "csr_bad_signature"
    SIGNATURE_HASH = "csr_signature_hash"
    NO_NAMES = "csr_no_names"
    TOO_MANY_NAMES = "csr_too_many_names"
    OTHER_NAME_KIND = "csr_other_name_kind"
    CN_NOT_IN_NAMES = "csr_common_name_not_in_names"
    NAMES_DIFFER = "csr_names_differ"


class CSRRefusedError(ValueError):
    """A request that cannot be used. `code` is a `CSRFault`, `KeyFault` or `NameFault` value; `detail` is for
    people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = str(code)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Subject:
    """What the request says about its holder. Shown to people; certificates take the validated organization instead."""

    common_name: str = ""
    organization: str = ""
    organizational_unit: str = ""
    country: str = ""
    state: str = ""
    locality: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CSR:
    """A request whose own signature was verified and whose key may be certified.

    `names` holds the SAN names, or the common name alone when there is no SAN, sorted. `md5` (upper case) and `sha256`
    (lower case) are hexadecimal digests of the DER: the locator and the request token of CSR-hash validation.
    `pem` is the normalised text, always with the label CERTIFICATE REQUEST.
    """

    names: tuple[FQDN, ...]
    subject: Subject
    key: KeyFacts
    has_san: bool
    signature_hash: str
    md5: str
    sha256: str
    der: bytes
    pem: str

    @property
    def common_name(self) -> str:
        """The CN in canonical form, empty when the subject has none."""
        return self.subject.common_name


def parse_csr(text: str, *, max_names: int = MAX_NAMES, blocked: Blocklist = NOTHING_BLOCKED) -> CSR:
    """Reads one PEM request. Raises CSRRefusedError, and nothing else whatever the input is."""
    return examine_csr(pem_to_der(text), max_names=max_names, blocked=blocked)


def pem_to_der(text: str) -> bytes:
    """The DER inside one PEM block. Text around the block is ignored, as `openssl req -text` writes some."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise CSRRefusedError(CSRFault.TOO_LARGE, f"The request is larger than {MAX_BYTES // 1024} KiB.")
    blocks = _BLOCK.findall(text)
    if _PRIVATE.search(text) or (not blocks and _BARE_KEY.match(text)):
        raise CSRRefusedError(
            CSRFault.PRIVATE_KEY,
            "This holds a private key. It was neither stored nor logged, but do not paste it anywhere: "
            "send only the certificate request, and make a new key if this one was seen by anybody.",
        )
    if len(blocks) > 1:
        raise CSRRefusedError(CSRFault.SEVERAL, "There is more than one request; send one at a time.")
    if not blocks:
        if "BEGIN CERTIFICATE-----" in text:
            raise CSRRefusedError(CSRFault.CERTIFICATE, "This is a certificate; send the certificate request.")
        raise CSRRefusedError(
            CSRFault.NOT_PEM,
            "This is not a certificate request in PEM form: it starts with -----BEGIN CERTIFICATE REQUEST----- "
            "and ends with -----END CERTIFICATE REQUEST-----.",
        )
    try:
        return base64.b64decode("".join(blocks[0].split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError):
        raise CSRRefusedError(
            CSRFault.NOT_PEM,
            "The text between the BEGIN and END lines is damaged (not base64); copy the whole file again.",
        ) from None


def examine_csr(der: bytes, *, max_names: int = MAX_NAMES, blocked: Blocklist = NOTHING_BLOCKED) -> CSR:
    """Checks a request in DER. Raises CSRRefusedError, and nothing else whatever the bytes are."""
    if len(der) > MAX_BYTES:
        raise CSRRefusedError(CSRFault.TOO_LARGE, f"The request is larger than {MAX_BYTES // 1024} KiB.")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
    except _UNREADABLE:
        raise _malformed() from None
    try:
        facts = examine_key(key, blocked)
    except KeyRefusedError as error:
        raise CSRRefusedError(error.fault, error.detail) from None
    signature_hash = _check_signature(request)
    try:
        subject = _read_subject(request, der)
        san = _san(request)
    except _UNREADABLE as error:
        if isinstance(error, CSRRefusedError):
            raise
        raise _malformed() from None
    names, common_name = _names(subject.common_name, san, max_names)
    return CSR(
        names=names,
        subject=replace(subject, common_name=common_name) if common_name != subject.common_name else subject,
        key=facts,
        has_san=san is not None,
        signature_hash=signature_hash,
        md5=md5(der, usedforsecurity=False).hexdigest().upper(),
        sha256=sha256(der).hexdigest(),
        der=der,
        pem=to_pem(der),
    )


def match_order(csr: CSR, ordered: Iterable[str]) -> None:
    """Checks the request against the names that were bought. Raises CSRRefusedError naming what differs.

    A request without SAN asks for its common name; the certificate then gets the order's names. One with SAN must
    name exactly them.
    """
    bought = {name.lower() for name in ordered}
    common_name = csr.common_name
    if common_name and common_name not in bought:
        raise CSRRefusedError(CSRFault.CN_NOT_IN_NAMES, f"The common name {common_name} is not in the order.")
    if not csr.has_san:
        return
    asked = {name.text for name in csr.names}
    if asked != bought:
        missing, extra = sorted(bought - asked), sorted(asked - bought)
        parts = [f"missing in the request: {_some(missing)}"] if missing else []
        parts += [f"not in the order: {_some(extra)}"] if extra else []
        raise CSRRefusedError(CSRFault.NAMES_DIFFER, "The names differ from the order; " + "; ".join(parts) + ".")


def to_pem(der: bytes) -> str:
    """The usual text form of a request."""
    body = base64.b64encode(der).decode("ascii")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return _HEAD + "\n".join(lines) + "\n" + _TAIL


def _malformed() -> CSRRefusedError:
    return CSRRefusedError(CSRFault.MALFORMED, "The request is damaged: it cannot be read as PKCS#10. Make it again.")


def _check_signature(request: x509.CertificateSigningRequest) -> str:
    try:
        algorithm = request.signature_hash_algorithm
        name = algorithm.name if algorithm is not None else "none"
    except _UNREADABLE:
        name = "unknown"
    if name not in ALLOWED_HASHES:
        raise CSRRefusedError(
            CSRFault.SIGNATURE_HASH, f"The request is signed with {name}; sign it with SHA-256, SHA-384 or SHA-512."
        )
    try:
        valid = request.is_signature_valid
    except _UNREADABLE:
        valid = False
    if not valid:
        raise CSRRefusedError(
            CSRFault.BAD_SIGNATURE,
            "The request's signature does not fit its key: it was changed or cut. Make it again.",
        )
    return name


_COUNTRY = bytes.fromhex("0603550406")
_FIELDS = {
    NameOID.COMMON_NAME: "common_name",
    NameOID.ORGANIZATION_NAME: "organization",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "organizational_unit",
    NameOID.COUNTRY_NAME: "country",
    NameOID.STATE_OR_PROVINCE_NAME: "state",
    NameOID.LOCALITY_NAME: "locality",
    NameOID.EMAIL_ADDRESS: "email",
}


def _read_subject(request: x509.CertificateSigningRequest, der: bytes) -> Subject:
    if _COUNTRY not in der:
        return _subject(request.subject)
    with warnings.catch_warnings():
        # The library warns of a country that has not two letters; such a field is shown and never certified.
        warnings.simplefilter("ignore")
        return _subject(request.subject)


def _subject(name: x509.Name) -> Subject:
    found: dict[str, str] = {}
    for attribute in name:
        field = _FIELDS.get(attribute.oid)
        value = attribute.value
        if field is not None and isinstance(value, str):
            if field == "common_name" and field in found:
                raise CSRRefusedError(CSRFault.MALFORMED, "The subject has more than one common name.")
            found.setdefault(field, value)
    return Subject(**found)


def _san(request: x509.CertificateSigningRequest) -> list[str] | None:
    try:
        extension = request.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _malformed() from None
    alternative = extension.value
    if not isinstance(alternative, x509.SubjectAlternativeName):
        raise _malformed()
    names = []
    for name in alternative:
        if not isinstance(name, x509.DNSName):
            raise CSRRefusedError(
                CSRFault.OTHER_NAME_KIND,
                "The request asks for an IP address, e-mail address or other name; only DNS names are possible.",
            )
        names.append(name.value)
    return names


def _names(common_name: str, san: list[str] | None, max_names: int) -> tuple[tuple[FQDN, ...], str]:
    if san is not None and len(san) > max_names:
        raise CSRRefusedError(
            CSRFault.TOO_MANY_NAMES, f"The request names {len(san)} names; at most {max_names} are possible."
        )
    try:
        # By text: hashing and ordering strings costs a fraction of doing so with the values around them.
        names = {name.text: name for name in map(FQDN.parse, san or ())}
        first = FQDN.parse(common_name) if common_name else None
    except NameRefusedError as error:
        raise CSRRefusedError(error.fault, error.detail) from None
    if first is not None and san is not None and first.text not in names:
        raise CSRRefusedError(
            CSRFault.CN_NOT_IN_NAMES, f"The common name {first} is not among the alternative names of the request."
        )
    if first is not None:
        names[first.text] = first
    if not names:
        raise CSRRefusedError(
            CSRFault.NO_NAMES, "The request names nothing: neither a common name nor alternative names."
        )
    return tuple([names[text] for text in sorted(names)]), first.text if first else ""


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def public_key_of(pem: str) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The key of a request as `CSR.pem` holds it, that is, one that was checked; nothing is checked again.

    Raises CSRRefusedError when that is no request with a usable key.
    """
    try:
        key = x509.load_der_x509_csr(base64.b64decode(pem.removeprefix(_HEAD).removesuffix(_TAIL))).public_key()
    except _UNREADABLE:
        raise _malformed() from None
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise _malformed()
    return key
