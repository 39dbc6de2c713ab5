# SPDX-License-Identifier: Apache-2.0
"""A handshake of the standard library whose secrets and bytes we keep, to see and say what `ssl` has no call for.

The secrets come by OpenSSL's key log, of a connection that carries nothing and ends at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.probe.conversation import Conversation, more
from shared.probe.openssl import Hands, shake_hands
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Message, Record, Records
from shared.probe.suites import suite
from shared.probe.surveying.aes import AES

_TAG = 16


@dataclass(frozen=True)
class Overheard:
    """`sent` and `heard` are the bytes up to the end of the handshake; `secrets` by the key log's labels."""

    hands: Hands
    sent: bytes
    heard: bytes
    secrets: dict[str, bytes]

    def secret(self, label: str) -> bytes:
        """One of the secrets. Raises ProbeError where OpenSSL logged none."""
        if label not in self.secrets:
            raise ProbeError(Failure.MALFORMED, "a handshake that left no secrets")
        return self.secrets[label]

    @property
    def digest(self) -> str:
        """The hash of the key schedule (RFC 5246 §5, RFC 8446 §7.1)."""
        return "sha384" if suite(self.hands.suite).name.endswith("SHA384") else "sha256"


def overhear(context: ssl.SSLContext, server_name: str | None) -> Conversation[Overheard]:
    """Shakes hands and keeps what was said. Ends by ProbeError."""
    with _key_log(context) as path:
        talk = shake_hands(context, server_name)
        sent, heard = next(talk), b""
        request = sent
        while True:
            received = more((yield request))
            heard += received
            try:
                request = talk.send(received)
            except StopIteration as end:
                return Overheard(end.value, sent, heard, _secrets(path))
            sent += request


@contextlib.contextmanager
def _key_log(context: ssl.SSLContext) -> Iterator[str]:
    try:
        handle, path = tempfile.mkstemp(prefix="certwright-probe-")
        os.close(handle)
        context.keylog_filename = path
    except OSError as error:
        raise ProbeError(Failure.STOPPED, f"no place for a key log: {error}") from error
    try:
        yield path
    finally:
        Path(path).unlink()


def _secrets(path: str) -> dict[str, bytes]:
    with Path(path).open(encoding="ascii") as log:
        lines = [line.split() for line in log if not line.startswith("#")]
    return {words[0]: bytes.fromhex(words[2]) for words in lines if len(words) == 3}


def clear_messages(stream: bytes) -> list[Message]:
    """The handshake messages in front of the change of the cipher. Raises ProbeError."""
    records = Records()
    records.feed(stream)
    found: list[Message] = []
    while True:
        one = records.next()
        if one is None or one.kind == CHANGE_CIPHER_SPEC:
            return found
        if one.kind == HANDSHAKE:
            records.take(one.body)
            message = records.taken()
            while message is not None:
                found.append(message)
                message = records.taken()


def sealed_records(stream: bytes) -> list[Record]:
    """The records of TLS 1.3 that are encrypted; what is no whole record at the end is left out."""
    records = Records()
    records.feed(stream)
    found: list[Record] = []
    with contextlib.suppress(ProbeError):
        one = records.next()
        while one is not None:
            if one.kind == APPLICATION_DATA:
                found.append(one)
            one = records.next()
    return found


def opened(secret: bytes, digest: str, sealed: list[Record]) -> list[Message]:
    """The handshake messages in records of TLS 1.3 that AES-GCM sealed with this traffic secret (RFC 8446 §5.2).

    The tags are not checked: who changed a record made nonsense of it, and gets no answer to it. Raises ProbeError.
    """
    size = 32 if digest == "sha384" else 16
    cipher = AES(expand_label(secret, "key", size, digest))
    iv = expand_label(secret, "iv", 12, digest)
    records = Records()
    found = []
    for number, one in enumerate(sealed):
        nonce = bytes(a ^ b for a, b in zip(iv, number.to_bytes(12, "big")))
        inner = cipher.counted(nonce, one.body[:-_TAG]).rstrip(b"\x00")
        if not inner or inner[-1] != HANDSHAKE:
            break
        records.take(inner[:-1])
        message = records.taken()
        while message is not None:
            found.append(message)
            message = records.taken()
    return found


def expand_label(secret: bytes, label: str, size: int, digest: str) -> bytes:
    """HKDF-Expand-Label without context (RFC 8446 §7.1), for sizes up to that of the digest."""
    name = b"tls13 " + label.encode("ascii")
    information = size.to_bytes(2, "big") + bytes((len(name),)) + name + b"\x00\x01"
    return hmac.new(secret, information, digest).digest()[:size]


def pseudo_random(secret: bytes, label: bytes, seed: bytes, size: int, digest: str) -> bytes:
    """The PRF of TLS 1.2 (RFC 5246 §5)."""
    seed = label + seed
    made, link = b"", seed
    while len(made) < size:
        link = hmac.new(secret, link, digest).digest()
        made += hmac.new(secret, link + seed, digest).digest()
    return made[:size]


def hashed(messages: bytes, digest: str) -> bytes:
    """The hash of a transcript."""
    return hashlib.new(digest, messages).digest()
