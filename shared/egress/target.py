# SPDX-License-Identifier: Apache-2.0
"""Reading a URL that somebody else wrote, so that all later steps see the same host as we do."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 2048
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class TargetRefusedError(ValueError):
    """A URL or host that is not dialled. `reason` is a stable word: url, scheme, userinfo, host, port."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is a lower-case A-label name or a canonical address; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The URL in its canonical form."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """The value of the Host header: no port when it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(
    url: str, *, schemes: Collection[str] = ("http", "https"), ports: Collection[int] | None = (80, 443)
) -> Target:
    """Reads an absolute URL; `ports` None allows any. Raises TargetRefusedError."""
    if (
        len(url) > MAX_URL
        or not url.isprintable()
        or not url.isascii()
        or any(character in url for character in ' "<>\\^`{|}')
    ):
        # IDN hosts are written as A-labels in a URL (RFC 3986); what looks like a dot must not become one later.
        raise TargetRefusedError("url", "The URL is too long or holds characters that no URL has.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefusedError("url", "This is not a URL.") from None
    if parts.scheme not in schemes:
        raise TargetRefusedError("scheme", f"Only {' and '.join(sorted(schemes))} URLs are allowed.")
    if "@" in parts.netloc:
        raise TargetRefusedError("userinfo", "A user name or password in a URL is not allowed.")
    if not parts.hostname:
        raise TargetRefusedError("host", "The URL names no host.")
    host = read_host(parts.hostname)
    if port is None:
        port = DEFAULT_PORTS[parts.scheme]
    check_port(port, ports)
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def check_port(port: int, ports: Collection[int] | None) -> None:
    """Raises TargetRefusedError when `port` is not among `ports` (None allows any real port)."""
    if not 0 < port < 65536 or (ports is not None and port not in ports):
        raise TargetRefusedError("port", f"Port {port} is not allowed here.")


def read_host(host: str) -> str:
    """A DNS name in lower-case A-labels without a trailing dot, or an address in canonical form.

    Raises TargetRefusedError for the half-numeric spellings that resolvers take for addresses (`127.1`, `0x7f.1`).
    """
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if ":" in host:
        try:
            address = IPv6Address(host)
        except AddressValueError:
            raise TargetRefusedError("host", "This is not an IPv6 address.") from None
        if address.scope_id is not None:
            raise TargetRefusedError("host", "Addresses with a zone are not allowed.")
        return str(address)
    name = host.removesuffix(".").lower()
    try:
        return str(IPv4Address(name))
    except AddressValueError:
        pass
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError:
            raise TargetRefusedError("host", "This is not the name of a host.") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        raise TargetRefusedError("host", "This is not the name of a host.")
    return name
