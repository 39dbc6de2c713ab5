# SPDX-License-Identifier: Apache-2.0
"""SSL 2.0: its hello and what answers it (draft-hickman-netscape-ssl-00 §5.2, §5.5). No TLS library speaks it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from shared.probe.conversation import Conversation, more
from shared.probe.hello import Reader
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import ALERT, raise_for_alert
from shared.probe.suites import SSL2_KINDS

_CLIENT_HELLO, _SERVER_HELLO, _VERSION = 1, 4, 2
_LONGEST = 0x7FFF


@dataclass(frozen=True)
class ServerHello2:
    """What a server of SSL 2.0 says: its certificate (DER, may be empty) and the kinds of cipher it knows."""

    certificate: bytes
    kinds: tuple[int, ...]


def say_hello2(kinds: tuple[int, ...] = tuple(SSL2_KINDS)) -> Conversation[ServerHello2]:
    """Offers these kinds. Ends by ProbeError: also for a server that answers in TLS."""
    specs = b"".join(kind.to_bytes(3, "big") for kind in kinds)
    challenge = os.urandom(16)
    hello = bytes((_CLIENT_HELLO,)) + _VERSION.to_bytes(2, "big")
    hello += len(specs).to_bytes(2, "big") + b"\x00\x00" + len(challenge).to_bytes(2, "big") + specs + challenge
    received = more((yield (0x8000 | len(hello)).to_bytes(2, "big") + hello))
    while len(received) < 5:
        received += more((yield b""))
    if received[0] == ALERT and received[1] == 3:
        while len(received) < 7:
            received += more((yield b""))
        raise_for_alert(received[5:7])
    padded = not received[0] & 0x80
    length = (received[0] & (0x3F if padded else 0x7F)) << 8 | received[1]
    head = 3 if padded else 2
    if received[head] != _SERVER_HELLO or length > _LONGEST:
        raise ProbeError(Failure.NOT_TLS, "the answer is no hello of SSL 2.0")
    while len(received) < head + length:
        received += more((yield b""))
    return _read(received[head : head + length - (received[2] if padded else 0)])


def _read(body: bytes) -> ServerHello2:
    reader = Reader(body)
    reader.take(3)  # the message's type, session-id-hit, the certificate's type
    if reader.number(2) != _VERSION:
        raise ProbeError(Failure.MALFORMED, "the answer is of another version than SSL 2.0")
    certificate, specs, connection = reader.number(2), reader.number(2), reader.number(2)
    der = reader.take(certificate)
    listed = Reader(reader.take(specs))
    reader.take(connection)
    kinds = []
    while listed.left:
        kinds.append(listed.number(3))
    return ServerHello2(der, tuple(kinds))
