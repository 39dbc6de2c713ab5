# SPDX-License-Identifier: Apache-2.0
"""What shows only after a handshake: renegotiation by the client, and in TLS 1.3 early data and client certificates."""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass

from shared.probe.conversation import Conversation, Outcome
from shared.probe.hello import EARLY_DATA, RENEGOTIATION_INFO, Reader
from shared.probe.openssl import context_of
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import (
    ALERT,
    CERTIFICATE_REQUEST,
    HANDSHAKE,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    Message,
    Records,
    handshake,
    record,
)
from shared.probe.survey import Fact
from shared.probe.surveying.aes import AES
from shared.probe.surveying.elimination import refused
from shared.probe.surveying.hellos import USUAL, hello_of
from shared.probe.surveying.inquiry import Inquiry, ask
from shared.probe.surveying.overheard import (
    Overheard,
    clear_messages,
    hashed,
    opened,
    overhear,
    pseudo_random,
    sealed_records,
)

_TLS12 = 0x0303
_GCM = "AESGCM:!aNULL:!PSK:@SECLEVEL=0"
_SECOND = 1  # sequence number of the record behind Finished


@dataclass(frozen=True)
class Young:
    """What TLS 1.3 shows: `early_data` in bytes (0 for none), None where no ticket came; whether the server asks for a
    client certificate."""

    early_data: int | None
    client_certificate: bool


def survey_renegotiation(server_name: str | None) -> Inquiry[Fact]:
    """Whether a server of TLS 1.2 begins anew when the client says hello a second time (RFC 5746 §3.5)."""
    context = context_of(_GCM, highest=ssl.TLSVersion.TLSv1_2)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    outcome: Outcome[bool] = yield from ask("renegotiation", lambda: _renegotiate(context, server_name))
    if not isinstance(outcome, Failed):
        return Fact(outcome)
    if refused(outcome):
        return Fact(None, "no handshake of TLS 1.2 with AES-GCM came to its end", outcome.detail)
    return Fact(None, f"{outcome.failure.value}: {outcome.detail}")


def survey_young(server_name: str | None) -> Inquiry[Outcome[Young]]:
    """What tickets and the server's encrypted flight say in TLS 1.3."""
    context = context_of()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return (yield from ask("TLSv1.3 tickets", lambda: _look_young(context, server_name)))


def early_data_fact(young: Outcome[Young]) -> Fact:
    """Survey.features' `early_data` of it."""
    if isinstance(young, Failed):
        if refused(young):
            return Fact(False, detail="the server does not speak TLS 1.3")
        return Fact(None, f"{young.failure.value}: {young.detail}")
    if young.early_data is None:
        return Fact(False, detail="no ticket came that would allow it")
    return Fact(young.early_data > 0, detail=f"up to {young.early_data} bytes" if young.early_data else "")


def _renegotiate(context: ssl.SSLContext, server_name: str | None) -> Conversation[bool]:
    over = yield from overhear(context, server_name)
    # Finished lies in the handshake's last bytes; what the server sends behind its own does not matter here.
    request = over.hands.outgoing.read() + _second_hello(over, server_name)
    records = Records()
    received = yield request
    while received:
        records.feed(received)
        one = records.next()
        while one is not None:
            if one.kind == HANDSHAKE:
                return True  # an encrypted ServerHello: it goes along
            if one.kind == ALERT:
                return False
            one = records.next()
        received = yield b""
    return False


def _second_hello(over: Overheard, server_name: str | None) -> bytes:
    """The record of a ClientHello inside the connection, sealed by AES-GCM (RFC 5288 §3)."""
    master = over.secret("CLIENT_RANDOM")
    sent, heard = clear_messages(over.sent), clear_messages(over.heard)
    if not sent or not heard or heard[0].kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, "a handshake that cannot be followed")
    transcript = b"".join(
        _packed(message) for message in (sent[0], *(one for one in heard if one.kind != NEW_SESSION_TICKET), *sent[1:])
    )
    digest = over.digest
    finished = pseudo_random(master, b"client finished", hashed(transcript, digest), 12, digest)
    size = 32 if digest == "sha384" else 16
    randoms = heard[0].body[2:34] + sent[0].body[2:34]
    block = pseudo_random(master, b"key expansion", randoms, 2 * size + 8, digest)
    cipher, salt = AES(block[:size]), block[2 * size : 2 * size + 4]
    info = (RENEGOTIATION_INFO, bytes((len(finished),)) + finished)
    hello = hello_of(_TLS12, USUAL, server_name, renegotiation_scsv=False, extensions=(info, (23, b""))).message()
    explicit = os.urandom(8)
    covered = _SECOND.to_bytes(8, "big") + bytes((HANDSHAKE, 3, 3)) + len(hello).to_bytes(2, "big")
    sealed = cipher.counted(salt + explicit, hello)
    return record(HANDSHAKE, explicit + sealed + cipher.tag(salt + explicit, covered, sealed), _TLS12)


def _packed(message: Message) -> bytes:
    return handshake(message.kind, message.body)


def _look_young(context: ssl.SSLContext, server_name: str | None) -> Conversation[Young]:
    over = yield from overhear(context, server_name)
    cipher = over.hands.tls.cipher()
    if cipher is None or "AES" not in cipher[0] or "CCM" in cipher[0]:
        raise ProbeError(Failure.MALFORMED, "the server chose no AES-GCM, and its tickets cannot be read")
    flight = opened(over.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET"), over.digest, sealed_records(over.heard))
    asks = any(message.kind == CERTIFICATE_REQUEST for message in flight)
    # Tickets come after our Finished; our farewell behind it makes a server that has none hang up.
    with contextlib.suppress(ssl.SSLError):
        over.hands.tls.unwrap()
    received = yield over.hands.outgoing.read()
    heard = received
    while received:
        received = yield b""
        heard += received
    return Young(_early_data(over, heard), asks)


def _early_data(over: Overheard, heard: bytes) -> int | None:
    if not heard:
        return None
    allowed = None
    for message in opened(over.secret("SERVER_TRAFFIC_SECRET_0"), over.digest, sealed_records(heard)):
        if message.kind != NEW_SESSION_TICKET:
            continue
        reader = Reader(message.body)
        reader.take(8)
        reader.vector(1)
        reader.vector(2)
        extensions = Reader(reader.vector(2))
        allowed = allowed or 0
        while extensions.left:
            kind, body = extensions.number(2), extensions.vector(2)
            if kind == EARLY_DATA and len(body) == 4:  # RFC 8446 §4.2.10
                allowed = max(allowed, int.from_bytes(body, "big"))
    return allowed
