# SPDX-License-Identifier: Apache-2.0
"""One TLS handshake with one address, to see which certificate is served there.

Nothing is verified on purpose: the question is what is served, not whether to trust it. Failures are values, because
a refused connection is an observation like any other. The address must be a literal: whoever resolves a name must
check the answers first (`shared.egress`), and dials through `connect`.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from shared.probe.leaf import Leaf, read_leaf
from shared.probe.outcome import Failed, Failure

Connect = Callable[["tuple[str, int]", float], socket.socket]


@dataclass(frozen=True)
class Served:
    """What was served: the leaf (`der`, and read), the chain behind it where this Python can tell, the protocol."""

    der: bytes
    leaf: Leaf
    chain: tuple[bytes, ...]
    protocol: str
    cipher: str


Observation = Union[Served, Failed]


def handshake(
    address: str,
    port: int,
    server_name: str | None,
    *,
    timeout: float = 5.0,
    connect: Connect = socket.create_connection,
) -> Observation:
    """Shakes hands with `address:port`, asking for `server_name` (SNI, an A-label name, or None for no SNI).

    `timeout` is in seconds and holds for each step. Never raises for anything the network or the peer does.
    """
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return _failed(Failure.BAD_ADDRESS, f"{address!r} is not an IP address")
    if not 0 < port < 65536:
        return _failed(Failure.BAD_ADDRESS, f"{port} is not a port")
    try:
        with connect((address, port), timeout) as raw:
            raw.settimeout(timeout)
            with _context().wrap_socket(raw, server_hostname=server_name) as tls:
                return _served(tls)
    except (ssl.SSLError, OSError, ValueError) as error:
        return _failed(_classify(error), str(error))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # An old server is to be seen too, and with the certificate that it serves.
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _served(tls: ssl.SSLSocket) -> Observation:
    der = tls.getpeercert(binary_form=True)
    if not der:
        return _failed(Failure.NO_CERTIFICATE, "the server showed no certificate")
    try:
        leaf = read_leaf(der)
    except ValueError as error:
        return _failed(Failure.BAD_CERTIFICATE, str(error))
    cipher = tls.cipher()
    return Served(
        der=der, leaf=leaf, chain=_chain(tls), protocol=tls.version() or "", cipher=cipher[0] if cipher else ""
    )


def _chain(tls: Any) -> tuple[bytes, ...]:
    """The certificates behind the leaf as the server sent them. Python 3.13 and later can tell; before, nothing."""
    if not hasattr(tls, "get_unverified_chain"):
        return ()
    return tuple(bytes(certificate) for certificate in tls.get_unverified_chain()[1:])


def _classify(error: Exception) -> Failure:
    if isinstance(error, (socket.timeout, TimeoutError)):
        return Failure.TIMEOUT
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if reason.startswith(("SSLV3_ALERT", "TLSV1_", "TLSV13_")):  # OpenSSL's names of alerts that came in
            return Failure.ALERT
        return Failure.CLOSED if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) else Failure.NOT_TLS
    if isinstance(error, ConnectionRefusedError):
        return Failure.REFUSED
    if isinstance(error, ConnectionError):
        return Failure.CLOSED
    return Failure.BAD_ADDRESS if isinstance(error, ValueError) else Failure.UNREACHABLE


def _failed(failure: Failure, detail: str) -> Failed:
    return Failed(failure, detail[:200])
