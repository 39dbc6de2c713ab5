# SPDX-License-Identifier: Apache-2.0
"""The guarded way out: a name is resolved once, every answer is checked, and a checked address is dialled.

Between check and use nothing is asked again, so that a name that changes its answer (DNS rebinding) gains nothing.
Redirects
are never followed. Sizes and times are capped for the whole exchange, whatever the peer trickles.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from shared.egress.addresses import AddressPolicy
from shared.egress.resolver import Answer, DNSResolver, Resolver, addresses
from shared.egress.settings import EgressSettings
from shared.egress.target import Target, TargetRefusedError, check_port, read_host, read_url

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ADDRESSES = 4
WEB_PORTS = (80, 443)
Dial = Callable[[str, int, float], socket.socket]


class EgressError(Exception):
    """Nothing was fetched. `reason` is from a closed list:

    url, scheme, userinfo, host, port (refused before anything was asked); dns_nxdomain, dns_nodata, dns_servfail,
    dns_timeout, dns_malformed; address_refused; connect_refused, connect_timeout, tls, timeout, protocol.
    `evidence` holds what was asked and answered, for people and for the record.
    """

    def __init__(self, reason: str, detail: str, evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.evidence = dict(evidence or {})


@dataclass(frozen=True, slots=True)
class Resolved:
    """Addresses that may be dialled, and the DNS answers that they came from (none for a literal address)."""

    host: str
    addresses: tuple[str, ...]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer. `body` holds at most the bytes that were allowed; `complete` tells whether that was all of it."""

    url: str
    address: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool
    answers: tuple[Answer, ...] = field(default=())

    def header(self, name: str) -> str:
        """The first header of that name, empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def location(self) -> str:
        """Where a redirect points, cut to 300 characters; empty when this is none."""
        return self.header("Location")[:300] if 300 <= self.status < 400 else ""


def _dial(address: str, port: int, timeout: float) -> socket.socket:
    # getaddrinfo is not asked again: family and address are known.
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


class Egress:
    """Dials out under a policy. Thread-safe; holds no connections."""

    def __init__(self, resolver: Resolver, policy: AddressPolicy, *, dial: Dial = _dial) -> None:
        self._resolver = resolver
        self._policy = policy
        self._dial = dial

    def by(self, resolver: Resolver) -> Egress:
        """The same way out under the same policy, by the answers of another resolver."""
        return Egress(resolver, self._policy, dial=self._dial)

    def resolve(self, host: str) -> Resolved:
        """The addresses of a name or literal, all of them allowed. Raises EgressError."""
        try:
            host = read_host(host)
        except TargetRefusedError as error:
            raise EgressError(error.reason, error.detail) from None
        answers: list[Answer] = []
        if _is_literal(host):
            found = [host]
        else:
            found, answers = addresses(self._resolver, host)
        if not found:
            status = _gravest(answers)
            raise EgressError(f"dns_{status}", f"{host} has no address ({status}).", _dns_evidence(answers))
        for address in found:
            refusal = self._policy.refusal(address)
            if refusal:
                # One bad answer spoils all: an honest public name has none.
                evidence = {**_dns_evidence(answers), "address": address, "refusal": refusal}
                raise EgressError(
                    "address_refused", f"{host} leads to {address} ({refusal}), which is not dialled.", evidence
                )
        return Resolved(host, tuple(dict.fromkeys(found)), tuple(answers))

    def connect(
        self, host: str, port: int, *, timeout_s: float = 10.0, ports: Collection[int] | None = None
    ) -> tuple[socket.socket, Resolved, str]:
        """A TCP connection, what the name resolved to, and the address that answered. Raises EgressError."""
        try:
            check_port(port, ports)
        except TargetRefusedError as error:
            raise EgressError(error.reason, error.detail) from None
        resolved = self.resolve(host)
        connection, address = self._connect(resolved, port, time.monotonic() + timeout_s)
        return connection, resolved, address

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        schemes: Collection[str] = ("http", "https"),
        ports: Collection[int] | None = WEB_PORTS,
        timeout_s: float = 10.0,
        max_bytes: int = 64 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> Response:
        """One HTTP request; a redirect is an answer like any other. `tls` None verifies against the system's roots.

        Raises EgressError. `timeout_s` bounds everything after name resolution.
        """
        try:
            target = read_url(url, schemes=schemes, ports=ports)
        except TargetRefusedError as error:
            raise EgressError(error.reason, error.detail) from None
        resolved = self.resolve(target.host)
        deadline = time.monotonic() + timeout_s
        connection, address = self._connect(resolved, target.port, deadline)
        evidence = {"address": address, "port": target.port, **_dns_evidence(list(resolved.answers))}
        try:
            if target.scheme == "https":
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                context = tls or ssl.create_default_context()
                connection = context.wrap_socket(connection, server_hostname=target.host)
            return _exchange(
                connection,
                target,
                resolved=resolved,
                address=address,
                deadline=deadline,
                method=method,
                headers=headers or {},
                body=body,
                max_bytes=max_bytes,
            )
        except TimeoutError:
            raise EgressError("timeout", f"{target.host} did not answer in {timeout_s:g} s.", evidence) from None
        except ssl.SSLError as error:
            detail = error.reason or type(error).__name__
            raise EgressError("tls", f"No TLS connection with {target.host}: {detail}.", evidence) from None
        except (http.client.HTTPException, OSError, ValueError) as error:
            detail = f"{target.host} did not speak HTTP as expected ({type(error).__name__})."
            raise EgressError("protocol", detail, evidence) from None
        finally:
            connection.close()

    def _connect(self, resolved: Resolved, port: int, deadline: float) -> tuple[socket.socket, str]:
        reason, last = "connect_timeout", ""
        for address in resolved.addresses[:MAX_ADDRESSES]:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            last = address
            try:
                return self._dial(address, port, remaining), address
            except TimeoutError:
                reason = "connect_timeout"
            except OSError:
                reason = "connect_refused"
        evidence = {"address": last, "port": port, **_dns_evidence(list(resolved.answers))}
        detail = f"{resolved.host} ({last}) takes no connection on port {port}."
        raise EgressError(reason, detail, evidence)


def open_egress(settings: EgressSettings) -> Egress:
    """The guard by the operator's settings."""
    resolver = DNSResolver(
        settings.nameservers, timeout_s=settings.dns_timeout_s, validating=settings.nameservers_validate
    )
    return Egress(resolver, AddressPolicy(settings.allow_networks))


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment; a peer that sends a byte now and then gains no time."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._connection.settimeout(remaining)
        return self._connection.recv_into(buffer)


class _Reader:
    """The part of a socket that `http.client.HTTPResponse` reads through."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._stream = _Deadline(connection, deadline)

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # always "rb"
        return io.BufferedReader(self._stream)


def _exchange(
    connection: socket.socket,
    target: Target,
    *,
    resolved: Resolved,
    address: str,
    deadline: float,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    max_bytes: int,
) -> Response:
    client = http.client.HTTPConnection(target.host, target.port)
    client.sock = connection
    connection.settimeout(max(deadline - time.monotonic(), 0.001))
    sent = {"User-Agent": "Certwright", "Accept": "*/*", **headers, "Host": target.authority, "Connection": "close"}
    client.request(method, target.path, body=body or None, headers=sent)
    response = http.client.HTTPResponse(cast("socket.socket", _Reader(connection, deadline)), method=method)
    response.begin()
    content = response.read(max_bytes + 1)
    if response.length and len(content) <= max_bytes:
        # The peer promised more: `read` with a limit says nothing of it.
        raise http.client.IncompleteRead(b"", response.length)
    return Response(
        url=target.url,
        address=address,
        status=response.status,
        headers=tuple(response.getheaders()),
        body=content[:max_bytes],
        complete=len(content) <= max_bytes,
        answers=resolved.answers,
    )


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _gravest(answers: list[Answer]) -> str:
    statuses = {answer.status for answer in answers}
    return next((status for status in ("servfail", "timeout", "malformed", "nxdomain") if status in statuses), "nodata")


def _dns_evidence(answers: list[Answer]) -> dict[str, object]:
    if not answers:
        return {}
    return {
        "dns": [each.evidence() for each in answers],
        "resolver": next((each.server for each in answers if each.server), ""),
    }
