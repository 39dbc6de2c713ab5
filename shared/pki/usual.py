# SPDX-License-Identifier: Apache-2.0
"""Reads certificates of the usual shape at a fifth of what `cryptography` takes, for scans that bring thousands.

What comes is hostile, so this reader understands little and never guesses: whatever is not exactly the usual shape is
left to `shared.pki.certificate`, and what it does read, that module reads in the same way. It holds to that by two
rules. What is of each certificate alone (serial, dates, subject, key, SAN, key identifier, stamps) is checked here byte
by byte. What one issuer writes into all of its certificates (its name, the algorithm, all other extensions) is known by
its bytes, and only from certificates that `cryptography` has read whole: see `learn`.

Structure: RFC 5280 §4.1; encoding: X.690 DER; names as text: RFC 4514.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeVar

from shared.pki.usual_key import key_words

_V = TypeVar("_V")
MOST_BYTES = 16 * 1024
_MOST_KNOWN = 4096  # of each kind; bounds what a network full of issuers can fill
_MOST_KNOWN_BYTES = 2048
_VERSION_3 = b"\xa0\x03\x02\x01\x02"
_VALIDITY, _UTC_TIME = b"\x30\x1e\x17\x0d", b"\x17\x0d"  # two moments as RFC 5280 writes them
_ATTRIBUTES = {
    b"\x06\x03\x55\x04\x03": "CN",
    b"\x06\x03\x55\x04\x06": "C",
    b"\x06\x03\x55\x04\x07": "L",
    b"\x06\x03\x55\x04\x08": "ST",
    b"\x06\x03\x55\x04\x0a": "O",
    b"\x06\x03\x55\x04\x0b": "OU",
}
_PRINTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()-./:=?")  # X.680 §41.4
_ESCAPED = frozenset('\\"+,;<>\0')
_SAN, _KEY_IDENTIFIER = b"\x06\x03\x55\x1d\x11", b"\x06\x03\x55\x1d\x0e"
_POLICIES = b"\x06\x03\x55\x1d\x20"
_STAMPS = b"\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"


class Usual(NamedTuple):
    """What a certificate of the usual shape says, as `certificate.Certificate` and `issuance` word it; moments in the
    text of `shared.clock`, the key as `rsa 2048` or `ecdsa P-256`."""

    fingerprint: str
    serial: str
    common_name: str
    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: str
    not_after: str
    key_algorithm: str
    brand: str
    level: str
    spki: str


class _UnusualError(Exception):
    """Not the shape that is read here."""


class _Extension(NamedTuple):
    whole: bytes
    kind: bytes  # the identifier, encoded
    value: bytes  # what stands in its OCTET STRING


class _Parts(NamedTuple):
    serial: bytes
    algorithm: bytes
    issuer: bytes
    starts: bytes
    ends: bytes
    subject: bytes
    key: bytes
    extensions: list[_Extension]


class UsualReader:
    """Not thread-safe. What it has learned is bounded."""

    def __init__(self) -> None:
        self._algorithms: dict[bytes, bool] = {}
        self._issuers: dict[bytes, tuple[str, str]] = {}  # the name as text, the brand
        self._extensions: dict[bytes, tuple[bytes, str]] = {}  # its kind, the level that it tells of (mostly none)

    def read(self, der: bytes) -> Usual | None:
        """What a certificate says; None where its shape is unusual, or its issuer's habits are not known yet."""
        try:
            return self._read(der)
        except (_UnusualError, IndexError, ValueError):
            return None

    def learn(self, der: bytes, *, issuer: str, brand: str, level: str) -> None:
        """Remembers what an issuer writes into all of its certificates. Only for one that `cryptography` has read
        whole, with what it said."""
        try:
            parts = _take_apart(der, {})
        except (_UnusualError, IndexError):
            return
        _remember(self._algorithms, parts.algorithm, True)
        _remember(self._issuers, parts.issuer, (issuer, brand))
        for whole, kind, _ in parts.extensions:
            if kind not in _OF_ITS_OWN:
                _remember(self._extensions, whole, (kind, level if kind == _POLICIES else ""))

    def _read(self, der: bytes) -> Usual:
        serial, algorithm, issuer, starts, ends, subject, key, extensions = _take_apart(der, self._extensions)
        said = self._issuers.get(issuer)
        if said is None or algorithm not in self._algorithms:
            raise _UnusualError
        known, level = self._extensions, ""
        names: tuple[str, ...] | None = None
        for whole, kind, value in extensions:
            if kind == _SAN:
                names = _dns_names(value)
            elif kind in _OF_ITS_OWN:
                _OF_ITS_OWN[kind](value)
            elif (found := known.get(whole)) is None:
                raise _UnusualError
            elif found[1]:
                level = found[1]
        text, common_name = _subject(subject)
        words = key_words(key)
        if not words:
            raise _UnusualError
        if names is None:
            names = (common_name.lower(),) if common_name else ()
        return Usual(
            sha256(der).hexdigest(),
            (serial[1:] if serial[0] == 0 else serial).hex().upper(),
            common_name,
            names,
            text,
            said[0],
            _moment(starts),
            _moment(ends),
            words,
            said[1],
            level,
            sha256(key).hexdigest(),
        )


def _remember(known: dict[bytes, _V], key: bytes, value: _V) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    if len(key) <= _MOST_KNOWN_BYTES:
        known[key] = value


def _span(der: bytes, at: int) -> tuple[int, int]:
    """Where the body of the element at `at` begins and where it ends; the length is in the shortest form."""
    size = der[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    if size == 0x81 and (size := der[at + 2]) >= 0x80:
        return at + 3, at + 3 + size
    if size == 0x82 and (size := der[at + 2] << 8 | der[at + 3]) >= 0x100:
        return at + 4, at + 4 + size
    raise _UnusualError


def _inside(der: bytes, at: int, tag: int) -> tuple[int, int]:
    """The same of an element that has to have a tag."""
    if der[at] != tag:
        raise _UnusualError
    size = der[at + 1]
    return (at + 2, at + 2 + size) if size < 0x80 else _span(der, at)


def _take_apart(der: bytes, known: Mapping[bytes, tuple[bytes, str]]) -> _Parts:
    """`known` are extensions that were taken apart before, with their kinds."""
    size = len(der)
    if size > MOST_BYTES:
        raise _UnusualError
    at, end = _inside(der, 0, 0x30)
    to_be_signed, signed_end = _inside(der, at, 0x30)
    if end != size or der[to_be_signed : to_be_signed + 5] != _VERSION_3:
        raise _UnusualError
    serial, at = _inside(der, to_be_signed + 5, 0x02)
    first = der[serial]
    # Positive, in the shortest form, and no longer than RFC 5280 §4.1.2.2 lets it be.
    if not 0 < at - serial <= 20 or first > 0x7F or (first == 0 and (at - serial == 1 or der[serial + 1] < 0x80)):
        raise _UnusualError
    _, algorithm = _inside(der, at, 0x30)
    _, issuer = _inside(der, algorithm, 0x30)
    if der[issuer : issuer + 4] != _VALIDITY or der[issuer + 17 : issuer + 19] != _UTC_TIME:
        raise _UnusualError
    validity = issuer + 32
    _, subject = _inside(der, validity, 0x30)
    _, key = _inside(der, subject, 0x30)
    wrapped, wrapped_end = _inside(der, key, 0xA3)
    listed, listed_end = _inside(der, wrapped, 0x30)
    named = der[at:algorithm]
    signature = signed_end + len(named)
    bits, bits_end = _inside(der, signature, 0x03)
    if (
        not listed < listed_end == wrapped_end == signed_end
        or der[signed_end:signature] != named
        or bits_end != size
        or bits_end - bits < 2
        or der[bits]
    ):
        raise _UnusualError
    return _Parts(
        der[serial:at],
        named,
        der[algorithm:issuer],
        der[issuer + 4 : issuer + 17],
        der[issuer + 19 : validity],
        der[validity:subject],
        der[subject:key],
        _extensions(der, listed, listed_end, known),
    )


def _extensions(der: bytes, at: int, end: int, known: Mapping[bytes, tuple[bytes, str]]) -> list[_Extension]:
    found = []
    kinds = set()
    while at < end:
        body, after = _inside(der, at, 0x30)
        whole = der[at:after]
        if whole in known:
            kind = known[whole][0]
            found.append(_Extension(whole, kind, b""))
            kinds.add(kind)
            at = after
            continue
        _, value = _inside(der, body, 0x06)
        kind = der[body:value]
        if der[value] == 0x01:
            if der[value + 1 : value + 3] != b"\x01\xff":
                raise _UnusualError
            value += 3
        octets, octets_end = _inside(der, value, 0x04)
        if octets_end != after:
            raise _UnusualError
        found.append(_Extension(whole, kind, der[octets:after]))
        kinds.add(kind)
        at = after
    if at != end or len(kinds) != len(found):
        raise _UnusualError
    return found


def _dns_names(value: bytes) -> tuple[str, ...]:
    """The DNS names of a SAN, in lower case and in order. IP addresses may stand beside them."""
    at, end = _inside(value, 0, 0x30)
    if end != len(value) or at == end:
        raise _UnusualError
    found = set()
    while at < end:
        tag = value[at]
        start, at = _span(value, at)
        if tag == 0x82:
            found.add(value[start:at].decode("ascii").lower())
        elif tag != 0x87 or at - start not in (4, 16):
            raise _UnusualError
    if at != end:
        raise _UnusualError
    return tuple(sorted(found))


def _check_octets(value: bytes) -> None:
    if _inside(value, 0, 0x04)[1] != len(value):
        raise _UnusualError


def _check_stamps(value: bytes) -> None:
    """SignedCertificateTimestampList (RFC 6962 §3.3), each of version 1, with SHA-256."""
    at, end = _inside(value, 0, 0x04)
    if end != len(value) or (value[at] << 8 | value[at + 1]) != end - at - 2:
        raise _UnusualError
    at += 2
    while at < end:
        after = at + 2 + (value[at] << 8 | value[at + 1])
        more = at + 43  # behind the length, the version, the log's id and the time
        kind = more + 2 + (value[more] << 8 | value[more + 1])
        if (
            value[at + 2]
            or after > end
            or value[kind] != 4
            or value[kind + 1] not in (1, 3)
            or kind + 4 + (value[kind + 2] << 8 | value[kind + 3]) != after
        ):
            raise _UnusualError
        at = after


_OF_ITS_OWN = {_SAN: _dns_names, _KEY_IDENTIFIER: _check_octets, _STAMPS: _check_stamps}


def _subject(whole: bytes) -> tuple[str, str]:
    """The subject as text, the last part first (RFC 4514 §2.1), and its first common name."""
    at, end = _inside(whole, 0, 0x30)
    said: list[str] = []
    common_name = ""
    while at < end:
        pair, at = _inside(whole, at, 0x31)
        start, pair_end = _inside(whole, pair, 0x30)
        kind = _ATTRIBUTES.get(whole[start : start + 5])
        tag = whole[start + 5]
        text, text_end = _span(whole, start + 5)
        if kind is None or tag not in (0x0C, 0x13) or not text < text_end == pair_end == at:
            raise _UnusualError
        value = whole[text:text_end].decode()
        plain = _PRINTABLE.issuperset(value) if tag == 0x13 else _ESCAPED.isdisjoint(value)
        if not plain or value[0] in "# " or value[-1] == " ":
            raise _UnusualError
        said.append(f"{kind}={value}")
        common_name = common_name or (value if kind == "CN" else "")
    if at != len(whole):
        raise _UnusualError
    said.reverse()
    return ",".join(said), common_name


@lru_cache(maxsize=1024)
def _moment(text: bytes) -> str:
    """UTCTime, `YYMMDDHHMMSSZ`: 50 to 99 belong to the last century (RFC 5280 §4.1.2.5.1)."""
    digits = text[:12].decode("ascii")
    if text[12] != 0x5A or not digits.isdecimal():
        raise _UnusualError
    year, month, day, hour, minute, second = (int(digits[start : start + 2]) for start in range(0, 12, 2))
    year += 1900 if year >= 50 else 2000
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
