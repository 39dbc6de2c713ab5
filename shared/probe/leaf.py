# SPDX-License-Identifier: Apache-2.0
"""Reads the few fields of an X.509 certificate that tell which one is served, with the standard library alone.

Not a validator: the agent has no third-party packages, and `shared.pki` (services only) does the real checks.
Structure: RFC 5280 §4.1; encoding: X.690 DER.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone

# Attribute types of RFC 4514 §3 and the ones that public certificates carry.
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "0.9.2342.19200300.100.1.25": "DC",
}
_SUBJECT_ALT_NAME = "2.5.29.17"
_CHARSETS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}


@dataclass(frozen=True)
class Leaf:
    """A certificate in plain values.

    `serial` is upper-case hexadecimal without leading zeros; fingerprints are lower-case hexadecimal SHA-256, of the
    whole certificate and of its SubjectPublicKeyInfo; moments are aware and in UTC; `dns_names` holds the dNSName
    entries as written; `subject` and `issuer` read like RFC 4514 text.
    """

    serial: str
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    fingerprint: str
    spki_sha256: str


@dataclass(frozen=True)
class _Item:
    tag: int
    whole: bytes
    body: bytes


def read_leaf(der: bytes) -> Leaf:
    """Reads one DER certificate. Raises ValueError for anything that is not one."""
    try:
        return _read(der)
    except (IndexError, UnicodeDecodeError, OverflowError, KeyError) as error:
        raise ValueError(f"not a certificate: {error}") from error


def _read(der: bytes) -> Leaf:
    certificate, rest = _take(der)
    if rest or certificate.tag != 0x30:
        raise ValueError("not a certificate: no single SEQUENCE")
    to_be_signed = _items(_items(certificate.body)[0].body)
    if to_be_signed[0].tag == 0xA0:  # version, absent in version 1
        to_be_signed = to_be_signed[1:]
    serial, _algorithm, issuer, validity, subject, spki = to_be_signed[:6]
    if serial.tag != 0x02 or spki.tag != 0x30:
        raise ValueError("not a certificate: fields are not where RFC 5280 puts them")
    not_before, not_after = (_moment(item) for item in _items(validity.body))
    return Leaf(
        serial=f"{int.from_bytes(serial.body, 'big'):X}",
        subject=_name(subject),
        issuer=_name(issuer),
        not_before=not_before,
        not_after=not_after,
        dns_names=_dns_names(to_be_signed[6:]),
        fingerprint=hashlib.sha256(der).hexdigest(),
        spki_sha256=hashlib.sha256(spki.whole).hexdigest(),
    )


def _take(data: bytes) -> tuple[_Item, bytes]:
    """The first element of `data` and what follows it."""
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("not DER: impossible length")
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    end = start + length
    if end > len(data):
        raise ValueError("not DER: cut short")
    return _Item(data[0], data[:end], data[start:end]), data[end:]


def _items(body: bytes) -> list[_Item]:
    found = []
    while body:
        item, body = _take(body)
        found.append(item)
    return found


def _moment(item: _Item) -> datetime:
    text = item.body.decode("ascii")
    if item.tag == 0x17:  # UTCTime: RFC 5280 §4.1.2.5.1 puts 50..99 into the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _identifier(body: bytes) -> str:
    numbers: list[int] = []
    value = 0
    for octet in body:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in [first, numbers[0] - 40 * first, *numbers[1:]])


def _name(item: _Item) -> str:
    parts = []
    for relative in _items(item.body):
        for pair in _items(relative.body):
            kind, value = _items(pair.body)
            identifier = _identifier(kind.body)
            text = value.body.decode(_CHARSETS.get(value.tag, "latin-1"), "replace")
            text = "".join("\\" + char if char in ',+"\\<>;' else char for char in text if char.isprintable())
            parts.append(f"{_ATTRIBUTES.get(identifier, identifier)}={text}")
    return ", ".join(reversed(parts))  # RFC 4514 §2.1: the last one first


def _dns_names(tail: list[_Item]) -> tuple[str, ...]:
    for field in tail:
        if field.tag != 0xA3:
            continue
        for extension in _items(_items(field.body)[0].body):
            parts = _items(extension.body)
            if _identifier(parts[0].body) == _SUBJECT_ALT_NAME:
                names = _items(_take(parts[-1].body)[0].body)
                return tuple(name.body.decode("ascii") for name in names if name.tag == 0x82)
    return ()
