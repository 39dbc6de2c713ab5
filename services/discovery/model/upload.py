# SPDX-License-Identifier: Apache-2.0
"""What somebody uploads: certificates in PEM, DER or PKCS#7, each with the issuers that came along. Never a key: what
holds one is refused whole, and no refusal repeats what was sent."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, pkcs7, pkcs12

from services.discovery.model.sighting import MOST_CHAIN, Sighting, of_certificate
from shared.pki.certificate import Certificate, CertificateUnreadableError, issued_by, parse_certificate, pem_blocks
from shared.pki.issuance import issuer_and_level

MOST_CHARACTERS = 512 * 1024
MOST_CERTIFICATES = 200
# Begun is enough: a key whose end was cut off is a key. PuTTY and OpenSSH have frames of their own.
_KEY = re.compile(r"PRIVATE\s+KEY|PuTTY-User-Key-File", re.IGNORECASE)
_PKCS7 = re.compile(r"-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS)-----(?P<body>[^-]*)-----END [A-Z0-9# ]+-----")
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm, binascii.Error)


class UploadFault(StrEnum):
    """Why an upload was refused."""

    TOO_LARGE = "upload_too_large"
    TOO_MANY = "upload_too_many"
    PRIVATE_KEY = "upload_private_key"
    EMPTY = "upload_empty"
    UNREADABLE = "upload_unreadable"


class UploadRefusedError(ValueError):
    """Nothing of it was taken over. `fault` is a stable word, `detail` for people."""

    def __init__(self, fault: UploadFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class Uploaded(NamedTuple):
    """A certificate, and the PEM of the issuers that came with it, the nearest first."""

    sighting: Sighting
    chain_pem: str


def read_upload(content: str) -> list[Uploaded]:
    """The certificates of PEM text (certificates or PKCS#7), or of base64 without a frame (DER of either). Issuers that
    came along are the chain of what they issued. Raises UploadRefusedError, and nothing else whatever the text is."""
    if len(content) > MOST_CHARACTERS:
        raise UploadRefusedError(
            UploadFault.TOO_LARGE, f"This is larger than {MOST_CHARACTERS // 1024} KiB. Upload it in parts."
        )
    if _KEY.search(content):
        raise _holds_key()
    found = _framed(content) if "-----BEGIN" in content else _bare(content)
    if len(found) > MOST_CERTIFICATES:
        raise UploadRefusedError(
            UploadFault.TOO_MANY, f"These are more than {MOST_CERTIFICATES} certificates. Upload them in parts."
        )
    if not found:
        raise UploadRefusedError(
            UploadFault.EMPTY, "There is no certificate in it. Give PEM, or base64 of DER or of PKCS#7."
        )
    return _grouped(_once(found))


def _framed(content: str) -> list[Certificate]:
    try:
        blocks = pem_blocks(content)
    except CertificateUnreadableError as error:
        raise UploadRefusedError(UploadFault.UNREADABLE, str(error)) from None
    found = _read(blocks[: MOST_CERTIFICATES + 1])
    for body in _PKCS7.findall(content):
        found += _of_pkcs7(_decoded(body))
    return found


def _bare(content: str) -> list[Certificate]:
    if not content.strip():
        return []
    der = _decoded(content)
    if _is_key(der):
        raise _holds_key()
    try:
        return [parse_certificate(der)]
    except CertificateUnreadableError:
        return _of_pkcs7(der)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError):
        raise UploadRefusedError(UploadFault.UNREADABLE, "This is neither PEM nor base64.") from None


def _of_pkcs7(der: bytes) -> list[Certificate]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # certificates that break rules are shown all the same
            loaded = pkcs7.load_der_pkcs7_certificates(der)
    except _UNREADABLE:
        detail = "This is neither a certificate nor a PKCS#7 file with certificates."
        raise UploadRefusedError(UploadFault.UNREADABLE, detail) from None
    return _read([one.public_bytes(Encoding.DER) for one in loaded])


def _read(ders: Sequence[bytes]) -> list[Certificate]:
    found = []
    for number, der in enumerate(ders, 1):
        if _is_key(der):
            raise _holds_key()
        try:
            found.append(parse_certificate(der))
        except CertificateUnreadableError:
            detail = f"Certificate {number} of {len(ders)} cannot be read. Nothing was taken over."
            raise UploadRefusedError(UploadFault.UNREADABLE, detail) from None
    return found


def _is_key(der: bytes) -> bool:
    """A private key without a frame, encrypted or not, or a PKCS#12 file, which is made to hold one."""
    try:
        load_der_private_key(der, None)
    except TypeError:  # it wants a password
        return True
    except _UNREADABLE:
        return _is_pkcs12(der)
    return True


def _is_pkcs12(der: bytes) -> bool:
    # PFX ::= SEQUENCE { version INTEGER {v3(3)}, … } (RFC 7292 §4): with a password it cannot be opened to look.
    if der[:1] == b"\x30" and b"\x02\x01\x03" in der[2:7]:
        return True
    try:
        pkcs12.load_pkcs12(der, None)
    except _UNREADABLE:
        return False
    return True


def _holds_key() -> UploadRefusedError:
    return UploadRefusedError(
        UploadFault.PRIVATE_KEY,
        "This holds a private key. It was neither stored nor logged, but do not send it anywhere: upload the"
        " certificate alone, and make a new key if this one was seen by anybody.",
    )


def _once(found: Sequence[Certificate]) -> list[Certificate]:
    return list({one.sha256: one for one in found}.values())


def _grouped(found: Sequence[Certificate]) -> list[Uploaded]:
    """Those that issued none of the others, in the order in which they came, each with its issuers. A lone CA, or one
    that signed itself, is a certificate like any other."""
    by_subject: dict[str, list[Certificate]] = {}
    for one in found:
        by_subject.setdefault(one.subject, []).append(one)
    chains = {one.sha256: _chain(one, by_subject) for one in found}
    issuers = {parent.sha256 for chain in chains.values() for parent in chain}
    heads = [one for one in found if one.sha256 not in issuers]
    return [
        Uploaded(of_certificate(one, issuer_and_level(one.der)), "".join(parent.pem for parent in chains[one.sha256]))
        for one in heads
    ]


def _chain(leaf: Certificate, by_subject: dict[str, list[Certificate]]) -> list[Certificate]:
    chain: list[Certificate] = []
    seen = {leaf.sha256}
    child = leaf
    while len(chain) < MOST_CHAIN - 1:
        fitting = [one for one in by_subject.get(child.issuer, ()) if one.sha256 not in seen and issued_by(child, one)]
        if not fitting:
            break
        child = fitting[0]
        seen.add(child.sha256)
        chain.append(child)
    return chain
