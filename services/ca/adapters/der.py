# SPDX-License-Identifier: Apache-2.0
"""Just enough DER (ITU-T X.690) to write certificates: constant parts are encoded once, variable ones spliced in.

`x509.CertificateBuilder` writes the same bytes at three to four times the cost; the tests compare the two on every
profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha1

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
UTF8_STRING = 0x0C
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
VERSION_3 = bytes.fromhex("a003020102")
TRUE = bytes.fromhex("0101ff")
COMMON_NAME = bytes.fromhex("0603550403")
SUBJECT_KEY_IDENTIFIER = bytes.fromhex("0603551d0e")
SUBJECT_ALTERNATIVE_NAME = bytes.fromhex("0603551d11")
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_WITH_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")
SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")


def tlv(tag: int, content: bytes) -> bytes:
    """One element with a one-byte tag."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    if length < 0x100:
        return bytes((tag, 0x81, length)) + content
    if length < 0x10000:
        return bytes((tag, 0x82, length >> 8, length & 0xFF)) + content
    raise ValueError("too large for a certificate")


def positive_integer(number: int) -> bytes:
    """A positive INTEGER in the fewest bytes."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def object_identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return tlv(0x06, bytes(content))


def moment(at: datetime) -> bytes:
    """A Time of RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime afterwards. `at` is in UTC."""
    if at.year < 2050:
        text = f"{at.year % 100:02}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}{at.second:02}Z"
        return tlv(UTC_TIME, text.encode("ascii"))
    text = f"{at.year:04}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}{at.second:02}Z"
    return tlv(GENERALIZED_TIME, text.encode("ascii"))


def common_name(text: str) -> bytes:
    """A Name with a common name alone; empty without one."""
    if not text:
        return tlv(SEQUENCE, b"")
    attribute = tlv(SEQUENCE, COMMON_NAME + tlv(UTF8_STRING, text.encode()))
    return tlv(SEQUENCE, tlv(SET, attribute))


def extension(oid: bytes, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension; `oid` and `value` are encoded already."""
    return tlv(SEQUENCE, oid + (TRUE if critical else b"") + tlv(OCTET_STRING, value))


def dns_names(names: Iterable[str]) -> bytes:
    """The GeneralNames of a SAN that holds DNS names only."""
    return tlv(SEQUENCE, b"".join([tlv(0x82, name.encode("ascii")) for name in names]))


def key_identifier(spki: bytes) -> bytes:
    """The value of a subject key identifier: SHA-1 of the BIT STRING's content (RFC 5280 §4.2.1.2, method 1)."""
    return tlv(OCTET_STRING, sha1(key_bits(spki), usedforsecurity=False).digest())


def key_bits(spki: bytes) -> bytes:
    """The content of the BIT STRING of a SubjectPublicKeyInfo, without the count of unused bits."""
    start, _ = _content(spki, 0)
    start, length = _content(spki, start)
    start, length = _content(spki, start + length)
    return spki[start + 1 : start + length]


def _content(encoded: bytes, start: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins, and its length."""
    length = encoded[start + 1]
    if length < 0x80:
        return start + 2, length
    count = length & 0x7F
    return start + 2 + count, int.from_bytes(encoded[start + 2 : start + 2 + count], "big")
