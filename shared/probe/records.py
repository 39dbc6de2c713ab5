# SPDX-License-Identifier: Apache-2.0
"""TLS records and handshake messages, out of the pieces in which they come (RFC 8446 §4, §5; RFC 5246 §6.2, §7.4)."""

from __future__ import annotations

from typing import NamedTuple

from shared.probe.conversation import Conversation, more
from shared.probe.outcome import Failure, ProbeError

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
_CONTENT_TYPES = frozenset((CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT))
HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, ENCRYPTED_EXTENSIONS = 0, 1, 2, 4, 8
CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 11, 12, 13, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, CERTIFICATE_STATUS = 15, 16, 20, 22

MAX_RECORD = 2**14 + 2048  # RFC 5246 §6.2.3; TLS 1.3 allows less
MAX_MESSAGE = 2**17  # a chain of ten post-quantum certificates fits; an endless one does not
WARNING = 1
UNRECOGNIZED_NAME = 112


class Record(NamedTuple):
    """One record as it came; `version` is that of its header."""

    kind: int
    version: int
    body: bytes


class Message(NamedTuple):
    """One handshake message without its header."""

    kind: int
    body: bytes


class Records:
    """Cuts a byte stream into records, and their handshake records into messages."""

    def __init__(self) -> None:
        self._bytes = b""
        self._handshake = b""
        self._messages: list[Message] = []

    def feed(self, received: bytes) -> None:
        """Takes what came. Raises ProbeError when the peer closed."""
        self._bytes += more(received)

    def next(self) -> Record | None:
        """The next whole record, None while there is none. Raises ProbeError for what is no TLS."""
        waiting = self._bytes
        if len(waiting) < 5:
            if waiting and waiting[0] not in _CONTENT_TYPES:
                raise _not_tls(waiting)
            return None
        kind, version, length = waiting[0], waiting[1] << 8 | waiting[2], waiting[3] << 8 | waiting[4]
        if kind not in _CONTENT_TYPES or waiting[1] != 3:
            raise _not_tls(waiting)
        if length > MAX_RECORD:
            raise ProbeError(Failure.MALFORMED, f"a record of {length} bytes")
        if len(waiting) < 5 + length:
            return None
        self._bytes = waiting[5 + length :]
        return Record(kind, version, waiting[5 : 5 + length])

    def message(self) -> Message | None:
        """The next whole handshake message, None while there is none.

        Raises ProbeError: for an alert that ends the talk, for a record of another kind (`unexpected`), for nonsense.
        """
        while not self._messages:
            record = self.next()
            if record is None:
                return None
            if record.kind == ALERT:
                raise_for_alert(record.body)
            elif record.kind == HANDSHAKE:
                self.take(record.body)
            else:
                raise ProbeError(Failure.MALFORMED, f"a record of type {record.kind} where the handshake goes on")
        return self._messages.pop(0)

    def take(self, fragment: bytes) -> None:
        """Takes the body of a handshake record, also of one that was decrypted. Raises ProbeError."""
        waiting = self._handshake + fragment
        if not fragment:
            raise ProbeError(Failure.MALFORMED, "an empty handshake record")  # RFC 8446 §5.1
        start, end = 0, len(waiting)
        while end - start >= 4:
            length = int.from_bytes(waiting[start + 1 : start + 4], "big")
            if length > MAX_MESSAGE:
                raise ProbeError(Failure.TOO_LONG, f"a handshake message of {length} bytes")
            if end - start - 4 < length:
                break
            self._messages.append(Message(waiting[start], waiting[start + 4 : start + 4 + length]))
            start += 4 + length
        self._handshake = waiting[start:]

    def taken(self) -> Message | None:
        """A message that `take` completed."""
        return self._messages.pop(0) if self._messages else None


def read_message(records: Records) -> Conversation[Message]:
    """Waits for the next handshake message."""
    while True:
        message = records.message()
        if message is not None:
            return message
        records.feed((yield b""))


def read_record(records: Records) -> Conversation[Record]:
    """Waits for the next record of any kind."""
    while True:
        record = records.next()
        if record is not None:
            return record
        records.feed((yield b""))


def raise_for_alert(body: bytes) -> None:
    """Raises ProbeError for an alert that ends the talk; returns for a warning that does not (RFC 6066 §3)."""
    if len(body) != 2:
        raise ProbeError(Failure.MALFORMED, "an alert that is not two bytes long")
    level, description = body
    if level == WARNING and description == UNRECOGNIZED_NAME:
        return
    raise ProbeError(Failure.ALERT, f"alert {ALERTS.get(description, description)}", description)


def record(kind: int, body: bytes, version: int = 0x0301) -> bytes:
    """Packs a record."""
    return bytes((kind, version >> 8, version & 0xFF)) + len(body).to_bytes(2, "big") + body


def handshake(kind: int, body: bytes) -> bytes:
    """Packs a handshake message, without a record around it."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _not_tls(start: bytes) -> ProbeError:
    if start[:5] == b"HTTP/":
        return ProbeError(Failure.NOT_TLS, "the peer answers in HTTP without TLS")
    text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in start[:40])
    return ProbeError(Failure.NOT_TLS, f"the peer does not speak TLS: {text}")


ALERTS = {  # RFC 8446 §6, with those of earlier versions
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
