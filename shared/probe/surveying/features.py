# SPDX-License-Identifier: Apache-2.0
"""What a server can do beside its suites, as far as hellos tell: extensions, fallback, compression, odd versions."""

from __future__ import annotations

from typing import Any, Callable

from shared.probe.chain import Flight, Proof
from shared.probe.conversation import Outcome
from shared.probe.hello import (
    ALPN,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SESSION_TICKET,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    Reader,
    ServerHello,
)
from shared.probe.openssl import Hands, context_of, shake_hands
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.suites import FALLBACK_SCSV, LEGACY_SUITES, SUITES, TLS13_SUITES
from shared.probe.survey import Fact
from shared.probe.surveying.elimination import Found, eliminate, refused
from shared.probe.surveying.hellos import USUAL, hear, hello_of
from shared.probe.surveying.inquiry import Inquiry, ask, together
from shared.probe.surveying.served import Seen

_CBC = tuple(code for code in LEGACY_SUITES if SUITES[code].mode == "CBC" and code in USUAL)
_INAPPROPRIATE_FALLBACK, _NO_APPLICATION_PROTOCOL = 86, 120
_UNBORN = 0x0305  # a version that no server knows
_DEFLATE_OR_NOTHING = b"\x01\x00"  # RFC 3749 §2
# IANA "TLS Application-Layer Protocol Negotiation (ALPN) Protocol IDs": what servers on TCP take.
PROTOCOL_IDS = (
    "h2",
    "http/1.1",
    "http/1.0",
    "http/0.9",
    "spdy/3.1",
    "spdy/3",
    "acme-tls/1",
    "dot",
    "ftp",
    "imap",
    "pop3",
    "managesieve",
    "xmpp-client",
    "xmpp-server",
    "mqtt",
    "postgresql",
    "tds/8.0",
    "smb",
    "irc",
    "nntp",
    "sip/2",
    "stun.turn",
)


def unknown(outcome: Failed) -> Fact:
    """Not checked, since the question got no answer."""
    return Fact(None, f"{outcome.failure.value}: {outcome.detail}")


def survey_extensions(server_name: str | None) -> Inquiry[dict[str, Fact]]:
    """What the ServerHello of TLS 1.2 and below says about extensions and compression."""
    empty = ((EXTENDED_MASTER_SECRET, b""), (SESSION_TICKET, b""))
    general, blocks, packed = yield from together(
        hear("extensions", hello_of(TLS12, USUAL, server_name, extensions=empty)),
        hear("encrypt-then-MAC", hello_of(TLS12, _CBC, server_name, extensions=((ENCRYPT_THEN_MAC, b""),))),
        hear("compression", hello_of(TLS12, USUAL, server_name, compression=_DEFLATE_OR_NOTHING)),
    )
    return {
        "extended_master_secret": _extension(general, EXTENDED_MASTER_SECRET),
        "secure_renegotiation": _extension(general, RENEGOTIATION_INFO),
        "session_tickets": _extension(general, SESSION_TICKET),
        "encrypt_then_mac": _extension(blocks, ENCRYPT_THEN_MAC, "the server takes no suite in CBC mode"),
        "compression": _told(packed, lambda hello: hello.compression != 0),
    }


def _extension(outcome: Outcome[ServerHello], kind: int, why: str = "") -> Fact:
    return _told(outcome, lambda hello: kind in hello.extensions, why)


def _told(outcome: Outcome[ServerHello], test: Callable[[ServerHello], bool], why: str = "") -> Fact:
    if isinstance(outcome, Failed):
        if refused(outcome):
            return Fact(None, why or "the server takes no usual suite of TLS 1.2 or below", outcome.detail)
        return unknown(outcome)
    if outcome.version > TLS12:
        return Fact(None, "the server answered in a version that was not offered")
    return Fact(test(outcome))


def survey_versions(server_name: str | None) -> Inquiry[Fact]:
    """Whether a hello of a version that does not exist is refused instead of answered with one that does.

    RFC 5246 §E.1 for the version field; RFC 8446 §4.2.1 for the list of versions.
    """
    listed = hello_of(TLS13, USUAL + TLS13_SUITES, server_name, versions13=(_UNBORN, TLS13, TLS12, TLS11, TLS10))
    old, young, control = yield from together(
        hear("version intolerance", hello_of(_UNBORN, USUAL, server_name)),
        hear("version intolerance", listed),
        hear("version intolerance", hello_of(TLS12, USUAL, server_name)),
    )
    answers = [one for one in (old, young) if not isinstance(one, Failed)]
    if isinstance(control, Failed) and isinstance(young, Failed):
        return unknown(young)
    if isinstance(control, Failed):  # TLS 1.3 alone: the old field says nothing
        return Fact(False)
    lacking = [one for one in (old, young) if isinstance(one, Failed) and not refused(one)]
    if lacking:
        return unknown(lacking[0])
    return Fact(len(answers) < 2, detail="" if len(answers) == 2 else "a hello of an unknown version was refused")


def survey_fallback(offered: dict[int, bool | None], server_name: str | None) -> Inquiry[Fact]:
    """RFC 7507: does a server that knows better refuse a client that says that it fell back? `offered` by version."""
    spoken = sorted(version for version, is_offered in offered.items() if is_offered)
    if len(spoken) < 2:
        if None in offered.values():
            return Fact(None, "not every protocol could be asked for")
        return Fact(None, "the server speaks one protocol, nobody can fall back")
    lower = spoken[-2]
    answer: Outcome[ServerHello] = yield from hear("fallback", hello_of(lower, (*USUAL, FALLBACK_SCSV), server_name))
    if not isinstance(answer, Failed):
        return Fact(False)
    if answer.alert == _INAPPROPRIATE_FALLBACK:
        return Fact(True)
    return Fact(None, f"another answer than was asked for: {answer.detail}")


def survey_alpn(server_name: str | None) -> Inquiry[Found[str]]:
    """The application protocols that a server takes (RFC 7301)."""

    def by_hello(offer: tuple[str, ...]) -> Inquiry[Outcome[str]]:
        hello: Outcome[ServerHello] = yield from hear("ALPN", hello_of(TLS12, USUAL, server_name, alpn=offer))
        return hello if isinstance(hello, Failed) else _protocol_id(hello)

    def by_handshake(offer: tuple[str, ...]) -> Inquiry[Outcome[str]]:
        context = context_of(alpn=offer)
        hands: Outcome[Hands] = yield from ask("ALPN", lambda: shake_hands(context, server_name))
        if isinstance(hands, Failed):
            return hands
        return hands.tls.selected_alpn_protocol() or Failed(Failure.ALERT, "no protocol chosen", connected=True)

    first = yield from by_hello(PROTOCOL_IDS)
    speaks12 = not isinstance(first, Failed) or first.alert in (-1, _NO_APPLICATION_PROTOCOL)
    return (yield from eliminate(by_hello if speaks12 else by_handshake, PROTOCOL_IDS))


def _protocol_id(hello: ServerHello) -> Outcome[str]:
    body = hello.extensions.get(ALPN)
    if body is None:
        return Failed(Failure.ALERT, "no protocol chosen", connected=True)
    try:
        chosen = Reader(Reader(body).vector(2)).vector(1)
    except ProbeError as error:
        return error.failed()
    return chosen.decode("ascii", "replace")


def from_handshakes(seen: Seen, server_name: str | None) -> dict[str, Fact]:
    """What the chains' own handshakes tell: server names, client certificates, stapling, used-up chance."""
    flight = seen.flight
    young = list(seen.young_flights.values())
    if isinstance(flight, Flight) or young:
        staples = Fact(any(one.stapled for one in seen.attached))
        shown = [flight] if isinstance(flight, Flight) else young
        asks = Fact(any(one.client_certificate for one in shown))
    else:
        why = "the server takes no usual suite of TLS 1.2 or below" if refused(flight) else unknown(flight).reason
        staples = asks = Fact(None, why)
    required, matters = _server_name(seen, server_name)
    return {
        "sni_required": required,
        "sni_matters": matters,
        "stapling": staples,
        "client_certificate": asks,
        "server_side_random_reuse": _reuse(seen.flights),
    }


def _server_name(seen: Seen, server_name: str | None) -> tuple[Fact, Fact]:
    if not server_name:
        return (Fact(None, "no server name was given"),) * 2
    named = _leaves(seen.usual, seen.flight)
    nameless = _leaves(seen.nameless_usual, seen.nameless)
    if not named:
        return (Fact(None, "no certificate was seen"),) * 2
    if nameless:
        return Fact(False), Fact(not named & nameless)
    if all(isinstance(one, Failed) and refused(one) for one in (seen.nameless, seen.nameless_usual)):
        return Fact(True), Fact(True)
    return (Fact(None, "the question without a name got no answer"),) * 2


def _leaves(usual: Outcome[Hands | Proof], flight: Outcome[Flight]) -> set[bytes]:
    chains: list[Any] = [one.certificates for one in (usual, flight) if not isinstance(one, Failed)]
    return {chain[0] for chain in chains if chain}


def _reuse(flights: list[Flight]) -> Fact:
    randoms = [flight.hello.random for flight in flights]
    keys = [flight.key_exchange.public for flight in flights if flight.key_exchange is not None]
    if len(flights) < 2:
        return Fact(None, "there are no two hellos of TLS 1.2 or below to compare")
    if len(set(randoms)) < len(randoms):
        return Fact(True, detail="two hellos had the same random")
    if len(set(keys)) < len(keys):
        return Fact(True, detail="two handshakes had the same ephemeral key")
    return Fact(False)
