# SPDX-License-Identifier: Apache-2.0
"""Sessions that go on: by id, by ticket, and whether a ticket makes a server bleed (CVE-2016-9244)."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

from shared.probe.conversation import Conversation, Outcome, more
from shared.probe.hello import EXTENDED_MASTER_SECRET, SESSION_TICKET, TLS12, ServerHello
from shared.probe.openssl import Hands, context_of, shake_hands
from shared.probe.outcome import Failed
from shared.probe.records import HANDSHAKE, NEW_SESSION_TICKET, Records
from shared.probe.survey import Fact
from shared.probe.surveying.elimination import refused
from shared.probe.surveying.hellos import hear, hello_of
from shared.probe.surveying.inquiry import Inquiry, ask

_SHORT_ID = 16


@dataclass(frozen=True)
class Issued:
    """A ticket of TLS 1.2 or below (RFC 5077 §3.3), empty where none came, and the suite of its session."""

    ticket: bytes
    suite: int
    version: str


def survey_session_ids(server_name: str | None) -> Inquiry[Fact]:
    """Shakes hands twice without tickets; the second time with the session of the first (RFC 5246 §7.3)."""
    context = context_of(highest=ssl.TLSVersion.TLSv1_2, options=ssl.OP_NO_TICKET)
    first: Outcome[Hands] = yield from ask("session id", lambda: shake_hands(context, server_name))
    if isinstance(first, Failed):
        return _unknown(first)
    session = first.tls.session
    if session is None or not session.id:
        return Fact(False, detail="the server gives no session id")
    second: Outcome[Hands] = yield from ask("session id", lambda: shake_hands(context, server_name, session))
    if isinstance(second, Failed):
        return _unknown(second)
    return Fact(bool(second.tls.session_reused))


def survey_ticketbleed(server_name: str | None) -> Inquiry[Fact]:
    """Goes on with a ticket and a session id of 16 bytes: a sound server gives back those 16 and nothing more."""
    context = context_of(highest=ssl.TLSVersion.TLSv1_2)
    issued: Outcome[Issued] = yield from ask("ticket", lambda: _take_ticket(context, server_name))
    if isinstance(issued, Failed):
        return _unknown(issued)
    if not issued.ticket:
        return Fact(False, detail="the server gives no ticket")
    # RFC 7627 §5.3: a session that had the extension goes on only with it.
    short = os.urandom(_SHORT_ID)
    hello = hello_of(
        TLS12,
        (issued.suite,),
        server_name,
        session_id=short,
        extensions=((EXTENDED_MASTER_SECRET, b""), (SESSION_TICKET, issued.ticket)),
    )
    answer: Outcome[ServerHello] = yield from hear("Ticketbleed", hello)
    if isinstance(answer, Failed):
        return Fact(False, detail="the server does not go on with it") if refused(answer) else _unknown(answer)
    bled = len(answer.session_id) > _SHORT_ID and answer.session_id.startswith(short)
    return Fact(bled, detail=f"{len(answer.session_id) - _SHORT_ID} bytes more than were sent" if bled else "")


def _take_ticket(context: ssl.SSLContext, server_name: str | None) -> Conversation[Issued]:
    """Shakes hands, and looks at what came for a ticket: up to TLS 1.2 it comes in the clear."""
    talk = shake_hands(context, server_name)
    heard = b""
    request = next(talk)
    while True:
        received = more((yield request))
        heard += received
        try:
            request = talk.send(received)
        except StopIteration as end:
            hands: Hands = end.value
            return Issued(_ticket_in(heard), hands.suite, hands.protocol)


def _ticket_in(heard: bytes) -> bytes:
    records = Records()
    records.feed(heard)
    while True:
        one = records.next()
        if one is None or one.kind != HANDSHAKE:
            return b""  # what follows a change of the cipher cannot be read
        records.take(one.body)
        message = records.taken()
        while message is not None:
            if message.kind == NEW_SESSION_TICKET:
                return message.body[6 : 6 + int.from_bytes(message.body[4:6], "big")]
            message = records.taken()


def _unknown(failed: Failed) -> Fact:
    if refused(failed):
        return Fact(None, "no handshake of TLS 1.2 or below came to its end", failed.detail)
    return Fact(None, f"{failed.failure.value}: {failed.detail}")
