# SPDX-License-Identifier: Apache-2.0
"""A whole handshake by the standard library's `ssl`, as a conversation: slower than our own, and it proves the key.

OpenSSL checks the server's signature over the handshake also where no chain is verified, so `Chain.proved` is True.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any

from shared.probe.chain import Chain
from shared.probe.conversation import Conversation
from shared.probe.hello import VERSION_NAMES
from shared.probe.outcome import Failure, ProbeError
from shared.probe.records import ALERT, ALERTS, raise_for_alert
from shared.probe.suites import named

_DER = 2  # _ssl.ENCODING_DER, of Python 3.10 to 3.12
_VERSIONS = {name.replace("v1.0", "v1"): code for code, name in VERSION_NAMES.items()}


def read_chain_by_ssl(server_name: str | None) -> Conversation[Chain]:
    """Shakes hands by `ssl`, with every version and suite that this OpenSSL has, and returns the chain: before Python
    3.10 the leaf alone. Ends by ProbeError."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = _context().wrap_bio(incoming, outgoing, server_hostname=server_name or None)
    except ValueError as error:  # a server name that `ssl` does not take
        raise ProbeError(Failure.BAD_ADDRESS, str(error)) from error
    last = b""
    while not _advance(tls, last):
        received = yield outgoing.read()
        if received:
            last = received
            incoming.write(received)
        else:
            incoming.write_eof()
    certificates = _chain(tls)
    if not certificates:
        raise ProbeError(Failure.NO_CERTIFICATE, "the server showed no certificate")
    version = _VERSIONS.get(tls.version() or "", 0)
    return Chain(certificates, version, _suite(tls.cipher()), proved=True)


def _advance(tls: ssl.SSLObject, last: bytes) -> bool:
    """True when the handshake is done, False when it waits for bytes; `last` came last. Raises ProbeError."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError as error:
        raise _why(error, last) from error
    return True


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@lru_cache(maxsize=1)
def _codes() -> dict[str, int]:
    return {str(one["name"]): int(one["id"]) & 0xFFFF for one in _context().get_ciphers()}


def _suite(cipher: tuple[str, str, int] | None) -> int:
    name = cipher[0] if cipher else ""
    known = named(name)  # OpenSSL calls the suites of TLS 1.3 as IANA does
    return known.code if known else _codes().get(name, 0)


def _chain(tls: Any) -> tuple[bytes, ...]:
    """The chain as it was sent."""
    if hasattr(tls, "get_unverified_chain"):  # Python 3.13
        return tuple(bytes(one) for one in tls.get_unverified_chain() or ())
    if hasattr(tls._sslobj, "get_unverified_chain"):  # no public way before
        found = tls._sslobj.get_unverified_chain() or ()
        return tuple(bytes(one.public_bytes(_DER)) for one in found)
    leaf = tls.getpeercert(binary_form=True)
    return (leaf,) if leaf else ()


def _why(error: ssl.SSLError, last: bytes) -> ProbeError:
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ProbeError(Failure.CLOSED, "the peer hung up in the middle")
    if len(last) >= 7 and last[0] == ALERT:
        try:
            raise_for_alert(last[5:7])
        except ProbeError as alert:
            return alert
    reason = (error.reason or str(error)).lower()
    for description, name in ALERTS.items():
        if reason.endswith(f"alert_{name}"):
            return ProbeError(Failure.ALERT, f"alert {name}", description)
    return ProbeError(Failure.MALFORMED, f"OpenSSL says: {reason}")
