# SPDX-License-Identifier: Apache-2.0
"""Certificate transparency stamps (SCTs): read, and verified against the keys of known logs (RFC 6962 §3)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.checker.ct_logs import Log
from shared.checker.ocsp_answer import stamps_of
from shared.checker.signatures import is_signed

EMBEDDED, TLS, OCSP = "embedded", "tls", "ocsp"
VALID, INVALID, UNKNOWN_LOG, RETIRED_LOG, UNCHECKED = "valid", "invalid", "unknown_log", "retired_log", "unchecked"
MOST = 40  # of one source; certificates carry two to five
_SHA256 = 4  # RFC 5246 §7.4.1.4.1: the only hash that logs use (RFC 6962 §2.1.4)
_KINDS = {1: "RSA", 3: "ECDSA"}
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999


class StampsUnreadableError(ValueError):
    """A list of stamps with wrong lengths, or of another shape."""


@dataclass(frozen=True)
class Stamp:
    """One stamp as it came. `at` is when the log made it; `signed_by` the kind of the log's key."""

    log_id: bytes
    at_ms: int
    extensions: bytes
    signed_by: str
    signature: bytes
    source: str

    @property
    def at(self) -> datetime:
        """When the log made it, in UTC."""
        return datetime.fromtimestamp(self.at_ms // 1000, UTC)


@dataclass(frozen=True)
class CheckedStamp:
    """A stamp with what it is worth. `log` is the log's name, or its ID in hexadecimal where it is not known."""

    stamp: Stamp
    state: str
    log: str


def read_stamps(packed: bytes, source: str) -> tuple[Stamp, ...]:
    """The stamps of a SignedCertificateTimestampList (RFC 6962 §3.3); versions that are not known are left out.

    Raises StampsUnreadableError.
    """
    whole = _vector(packed, 0)
    if len(whole) + 2 != len(packed):
        raise StampsUnreadableError("bytes behind the list of stamps")
    found: list[Stamp] = []
    at = 0
    while at < len(whole):
        one = _vector(whole, at)
        at += 2 + len(one)
        if not one:
            raise StampsUnreadableError("a stamp without bytes")
        if len(found) < MOST and one[0] == 0:
            found.append(_stamp(one, source))
    return tuple(found)


def read_wrapped(der: bytes, source: str) -> tuple[Stamp, ...]:
    """The same from an extension's value: the list in an OCTET STRING of DER. Raises StampsUnreadableError."""
    if len(der) < 2 or der[0] != 4:
        raise StampsUnreadableError("no OCTET STRING around the stamps")
    size, start = der[1], 2
    if size >= 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if start > 6 or len(der) != start + size:
        raise StampsUnreadableError("an OCTET STRING of another length")
    return read_stamps(der[start:], source)


def stamps_for(leaf: x509.Certificate, *, tls: bytes = b"", stapled: bytes = b"") -> tuple[list[Stamp], list[str]]:
    """All stamps of a certificate, in it, in the TLS extension, and in a stapled OCSP answer; and which of these could
    not be read."""
    found: list[Stamp] = []
    broken: list[str] = []
    for source, packed, read in (
        (EMBEDDED, _embedded(leaf), read_wrapped),
        (TLS, tls, read_stamps),
        (OCSP, stamps_of(stapled) if stapled else b"", read_wrapped),
    ):
        if packed:
            try:
                found += read(packed, source)
            except StampsUnreadableError:
                broken.append(source)
    return found, broken


def check_stamps(
    stamps: list[Stamp], leaf: x509.Certificate, issuer: x509.Certificate | None, logs: Mapping[bytes, Log] | None
) -> list[CheckedStamp]:
    """Each stamp with its worth; unchecked where no logs are loaded, or an embedded one lacks the issuer's key."""
    checked = []
    for stamp in stamps:
        log = logs.get(stamp.log_id) if logs is not None else None
        checked.append(
            CheckedStamp(stamp, _state(stamp, leaf, issuer, logs, log), log.name if log else stamp.log_id.hex())
        )
    return checked


def _state(
    stamp: Stamp,
    leaf: x509.Certificate,
    issuer: x509.Certificate | None,
    logs: Mapping[bytes, Log] | None,
    log: Log | None,
) -> str:
    if logs is None:
        return UNCHECKED
    if log is None:
        return UNKNOWN_LOG
    entry = _entry(stamp.source, leaf, issuer)
    if entry is None:
        return UNCHECKED
    if log.kind != stamp.signed_by or not is_signed(log.key, stamp.signature, _signed(stamp, entry), hashes.SHA256()):
        return INVALID
    return RETIRED_LOG if log.refuses(stamp.at) else VALID


def _entry(source: str, leaf: x509.Certificate, issuer: x509.Certificate | None) -> bytes | None:
    """The LogEntry that was signed (RFC 6962 §3.1, §3.2): the certificate, or for a stamp inside of it what the
    precertificate was: the issuer's key, and the body without the stamps."""
    if source != EMBEDDED:
        der = leaf.public_bytes(Encoding.DER)
        return b"\x00\x00" + len(der).to_bytes(3, "big") + der
    if issuer is None:
        return None
    try:
        body = leaf.tbs_precertificate_bytes
    except ValueError:
        return None
    key = hashlib.sha256(issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return b"\x00\x01" + key + len(body).to_bytes(3, "big") + body


def _signed(stamp: Stamp, entry: bytes) -> bytes:
    """RFC 6962 §3.2: version 1, certificate_timestamp."""
    return (
        b"\x00\x00"
        + stamp.at_ms.to_bytes(8, "big")
        + entry
        + len(stamp.extensions).to_bytes(2, "big")
        + stamp.extensions
    )


def _embedded(leaf: x509.Certificate) -> bytes:
    try:
        value = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
        return value.public_bytes()
    except (x509.ExtensionNotFound, ValueError):
        return b""


def _stamp(one: bytes, source: str) -> Stamp:
    if len(one) < 43:
        raise StampsUnreadableError("a stamp that is too short")
    (at_ms,) = struct.unpack(">Q", one[33:41])
    extensions = _vector(one, 41)
    rest = one[43 + len(extensions) :]
    if len(rest) < 4 or at_ms > _LATEST_MS:
        raise StampsUnreadableError("a stamp without a signature")
    signature = _vector(rest, 2)
    if len(rest) != 4 + len(signature):
        raise StampsUnreadableError("bytes behind a stamp's signature")
    kind = _KINDS.get(rest[1], "") if rest[0] == _SHA256 else ""
    return Stamp(one[1:33], at_ms, extensions, kind, signature, source)


def _vector(packed: bytes, at: int) -> bytes:
    if len(packed) < at + 2:
        raise StampsUnreadableError("a length that is missing")
    size = int.from_bytes(packed[at : at + 2], "big")
    if len(packed) < at + 2 + size:
        raise StampsUnreadableError("a length that goes beyond the end")
    return packed[at + 2 : at + 2 + size]


def sources_of(stamps: list[CheckedStamp]) -> Iterator[str]:
    """Where stamps came from, once each, in the order of the kinds."""
    return (source for source in (EMBEDDED, TLS, OCSP) if any(one.stamp.source == source for one in stamps))
