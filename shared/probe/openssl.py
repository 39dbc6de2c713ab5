# SPDX-License-Identifier: Apache-2.0
"""A whole TLS handshake by the standard library's `ssl`, as a conversation like those that write their own hello."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable

from shared.probe.chain import Chain
from shared.probe.conversation import Conversation, more
from shared.probe.hello import VERSION_NAMES
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import ALERTS

# What browsers would take first, then everything that proves who the server is.
PROVING = "DEFAULT:ALL:!aNULL:!eNULL:@SECLEVEL=0"
_VERSIONS = {name.replace("v1.0", "v1"): code for code, name in VERSION_NAMES.items()}  # as `ssl` calls them
_ALERT_REASONS = {  # OpenSSL's words: SSL errors 1000 and above are alerts that came in
    name.upper(): number for number, name in ALERTS.items()
}


@dataclass(frozen=True)
class Hands:
    """A finished handshake, by which the server proved its key. `certificates` in DER, leaf first, as they were sent
    (the leaf alone where this Python cannot tell more); `suite` a number of the registry."""

    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    certificates: tuple[bytes, ...]
    protocol: str
    suite: int


def context_of(
    ciphers: str = PROVING,
    *,
    highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    options: int = 0,
    alpn: tuple[str, ...] = (),
) -> ssl.SSLContext:
    """A client that looks at everything and trusts nothing. Raises ssl.SSLError when no cipher is left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = highest
    context.options &= ~getattr(ssl, "OP_NO_SSLv3", 0)
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4) | options
    context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def shake_hands(
    context: ssl.SSLContext, server_name: str | None, session: ssl.SSLSession | None = None
) -> Conversation[Hands]:
    """Shakes hands to the end. What is still to be sent then lies in `outgoing`. Ends by ProbeError."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name or None, session=session)
    except (ValueError, UnicodeError, ssl.SSLError) as error:
        raise ProbeError(Failure.BAD_ADDRESS, f"no name to ask for: {error}") from error
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            incoming.write(more((yield outgoing.read())))
        except (ssl.SSLError, ValueError, OSError) as error:
            raise broken(error) from error
    cipher = tls.cipher()
    code = _codes(context).get(cipher[0], 0) if cipher else 0
    return Hands(tls, incoming, outgoing, _certificates(tls), tls.version() or "", code)


def read_chain_by_ssl(server_name: str | None) -> Conversation[Chain]:
    """The chain that a finished handshake shows, with every version and suite that this OpenSSL has: slower than our
    own, and it proves the key, since OpenSSL checks the server's signature also where no chain is verified. Before
    Python 3.10 the leaf alone. Ends by ProbeError."""
    hands = yield from shake_hands(_trusting_nothing(), server_name)
    if not hands.certificates:
        raise ProbeError(Failure.NO_CERTIFICATE, "the server showed no certificate")
    return Chain(hands.certificates, _VERSIONS.get(hands.protocol, 0), hands.suite, proved=True)


def looks() -> Callable[[str | None], Conversation[Chain]]:
    """How a sweep asks servers of TLS 1.3 for their chains."""
    return read_chain_by_ssl


@lru_cache(maxsize=1)
def usual_context() -> ssl.SSLContext:
    """`context_of()`, made once: it is to be used as it is. To make one costs as much as a third of a handshake."""
    return context_of()


@lru_cache(maxsize=1)
def _trusting_nothing() -> ssl.SSLContext:
    return context_of("ALL:@SECLEVEL=0")


@lru_cache(maxsize=16)
def _codes(context: ssl.SSLContext) -> dict[str, int]:
    return {str(one["name"]): int(one["id"]) & 0xFFFF for one in context.get_ciphers()}


def write_and_read(hands: Hands, request: bytes, most: int, until: bytes) -> Conversation[bytes]:
    """Sends a request and returns what comes, to `until`, to the peer's end, or to `most` bytes. Ends by ProbeError."""
    answer = b""
    try:
        hands.tls.write(request)
        while len(answer) < most and until not in answer:
            try:
                piece = hands.tls.read(16384)
            except ssl.SSLWantReadError:
                received = yield hands.outgoing.read()
                if not received:
                    return answer
                hands.incoming.write(received)
                continue
            if not piece:
                return answer
            answer += piece
    except ssl.SSLZeroReturnError:
        return answer
    except (ssl.SSLError, ValueError, OSError) as error:
        if answer:
            return answer
        raise broken(error) from error
    return answer


def broken(error: Exception) -> ProbeError:
    """What an error of the library means."""
    reason = getattr(error, "reason", "") or ""
    for start in ("SSLV3_ALERT_", "TLSV1_ALERT_", "TLSV13_ALERT_", "TLSV1_"):
        if reason.startswith(start):
            number = _ALERT_REASONS.get(reason[len(start) :], -1)
            return ProbeError(Failure.ALERT, f"alert {reason[len(start) :].lower()}", number)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ProbeError(Failure.CLOSED, "the peer hung up in the middle")
    strange = reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
    return ProbeError(Failure.NOT_TLS if strange else Failure.MALFORMED, f"{reason or error}")


def _certificates(tls: Any) -> tuple[bytes, ...]:
    inner = getattr(tls, "_sslobj", tls)
    if hasattr(inner, "get_unverified_chain"):  # not public before Python 3.13, there since 3.10
        chain = inner.get_unverified_chain() or ()
        return tuple(one if isinstance(one, bytes) else one.public_bytes(2) for one in chain)
    leaf = tls.getpeercert(binary_form=True)
    return (leaf,) if leaf else ()
