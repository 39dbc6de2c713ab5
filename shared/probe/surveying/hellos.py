# SPDX-License-Identifier: Apache-2.0
"""What the inquiries ask by one hello: the ServerHello alone, or the whole flight of a server up to TLS 1.2."""

from __future__ import annotations

import functools
import ssl
from dataclasses import replace
from typing import Any, Callable

from shared.probe.chain import Flight, read_flight
from shared.probe.conversation import Conversation, Outcome
from shared.probe.hello import SSL3, TLS10, TLS12, TLS13, ClientHello, ServerHello, read_server_hello
from shared.probe.outcome import Failed, Failure, ProbeError
from shared.probe.records import SERVER_HELLO, Records, read_message
from shared.probe.suites import LEGACY_SUITES, SUITES
from shared.probe.surveying.inquiry import Inquiry, ask

_USUAL_EXCHANGES = ("RSA", "DHE", "ECDHE")
_USUAL_CIPHERS = ("AES", "CHACHA20", "3DES", "RC4", "CAMELLIA")


def _usual(code: int) -> bool:
    one = SUITES[code]
    return (
        one.key_exchange in _USUAL_EXCHANGES
        and one.authentication in ("RSA", "ECDSA")
        and one.cipher in _USUAL_CIPHERS
        and not one.export
    )


# Some servers answer no hello with more than 128 suites, so that not all can be offered at once.
USUAL = tuple(code for code in LEGACY_SUITES if _usual(code))
UNUSUAL = tuple(code for code in LEGACY_SUITES if not _usual(code))


def suites_of(key_exchanges: tuple[str, ...], authentications: tuple[str, ...]) -> tuple[int, ...]:
    """Those suites up to TLS 1.2 that are not weakened by export rules."""
    return tuple(
        code
        for code in LEGACY_SUITES
        if SUITES[code].key_exchange in key_exchanges
        and SUITES[code].authentication in authentications
        and not SUITES[code].export
    )


def hello_of(version: int, suites: tuple[int, ...], server_name: str | None, **further: Any) -> ClientHello:
    """A hello that offers one version; `further` are fields of ClientHello."""
    if version == TLS13:
        # RFC 8446 §4.2.8: no key share asks for a HelloRetryRequest, which names suite and group.
        plain = ClientHello(suites, version=TLS12, server_name=server_name, versions13=(TLS13,))
    elif version == SSL3:
        plain = ClientHello(suites, version=SSL3, plain=True)
    else:
        plain = ClientHello(suites, version=max(version, TLS10), server_name=server_name)
    return replace(plain, **further)


def say_hello(hello: ClientHello) -> Conversation[ServerHello]:
    """Sends it and returns the ServerHello, or the HelloRetryRequest. Ends by ProbeError."""
    records = Records()
    records.feed((yield hello.pack()))
    message = yield from read_message(records)
    if message.kind != SERVER_HELLO:
        raise ProbeError(Failure.MALFORMED, f"handshake message {message.kind} before the ServerHello")
    return read_server_hello(message.body)


def hear(what: str, hello: ClientHello) -> Inquiry[Outcome[ServerHello]]:
    """What a server answers to this hello."""
    return ask(what, lambda: say_hello(hello))


def hear_flight(what: str, hello: ClientHello) -> Inquiry[Outcome[Flight]]:
    """All that a server up to TLS 1.2 answers to this hello."""
    return ask(what, lambda: read_flight(hello))


def only(outcome: Outcome[ServerHello], version: int) -> Outcome[ServerHello]:
    """The outcome, unless another version was chosen: that refuses the one that was offered."""
    if isinstance(outcome, Failed) or outcome.version == version:
        return outcome
    return Failed(Failure.ALERT, f"the server chose version {outcome.version:#06x}", connected=True)


@functools.lru_cache(maxsize=1)
def usual_order() -> Callable[[int], int]:
    """Where a suite stands in the order of this machine's OpenSSL: a good guess at that of any server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    place = {int(one["id"]) & 0xFFFF: number for number, one in enumerate(context.get_ciphers())}
    return lambda code: place.get(code, len(place) + code)
