# SPDX-License-Identifier: Apache-2.0
"""Around every request: its trace (W3C Trace Context), the headers that browsers need, the access log, the metrics."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote

from shared import log, metrics

access = logging.getLogger("certwright.access")

TRACE = "certwright.trace"
ROUTE = "certwright.route"
REMOTE = "certwright.remote"
ACTOR = "certwright.actor"
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
# A whole segment that looks like a random token: longer than a UUID, no fingerprint, and without the dots of an FQDN.
_SECRET = re.compile(r"/(?![0-9A-Fa-f]{64}(?:/|$))[A-Za-z0-9_-]{40,}(?=/|$)")

# Only what an answer does not set itself. Pages set their own, wider Content-Security-Policy.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
HSTS = ("Strict-Transport-Security", "max-age=31536000")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


def trace_of(traceparent: str | None) -> str:
    """The caller's trace id, or a new one."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match[1] if match else secrets.token_hex(16)


def remote_address(environ: Environ, trusted: Iterable[IPv4Network | IPv6Network]) -> str:
    """The client's address: the peer's, or what a trusted proxy says it is, nearest first."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    proxies = tuple(trusted)
    if not proxies:
        return peer
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    for hop in (peer, *reversed(hops)):
        try:
            address = ip_address(hop)
        except ValueError:
            return peer
        peer = str(address)
        if not any(address.version == proxy.version and address in proxy for proxy in proxies):
            return peer
    return peer


def shown_path(path: str) -> str:
    """A path as it may stand in a log: in one line, and without what may be a secret, such as the token of a mail."""
    safe = _SECRET.sub("/[hidden]", path)[:200]
    return safe if safe.isprintable() else quote(safe, encoding="latin-1")


class Traffic:
    """WSGI middleware. The application puts the operation's name under `ROUTE` and the actor under `ACTOR`."""

    def __init__(
        self,
        application: Callable[[Environ, StartResponse], Iterable[bytes]],
        *,
        secure: bool,
        trusted: Iterable[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._application = application
        self._headers = [*HEADERS.items(), *([HSTS] if secure else [])]
        self._names = {name.lower() for name, _ in self._headers}
        self._trusted = tuple(trusted)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        started = time.perf_counter()
        trace = environ[TRACE] = trace_of(environ.get("HTTP_TRACEPARENT"))
        environ[REMOTE] = remote_address(environ, self._trusted)
        log.bind(trace=trace)
        status = "500"

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = line[:3]
            own = {name.lower() for name, _ in headers} & self._names
            headers.extend(header for header in self._headers if header[0].lower() not in own)
            headers.append(("traceparent", f"00-{trace}-{secrets.token_hex(8)}-01"))
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        try:
            return self._application(environ, start)
        finally:
            self._record(environ, status, time.perf_counter() - started)

    def _record(self, environ: Environ, status: str, seconds: float) -> None:
        route, method = environ.get(ROUTE, "none"), environ["REQUEST_METHOD"]
        known = method if method in _METHODS else "other"
        _child(route, known, status).observe(seconds)
        if access.isEnabledFor(logging.INFO):
            shown = shown_path(environ.get("PATH_INFO", ""))
            actor = environ.get(ACTOR, "-")
            access.info("%s %s %s %.1f ms %s %s", known, shown, status, seconds * 1000, route, actor)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_children: dict[tuple[str, str, str], Any] = {}


def _child(route: str, method: str, status: str) -> Any:
    key = (route, method, status)
    child = _children.get(key)
    if child is None:
        child = _children[key] = metrics.HTTP_SECONDS.labels(route, method, status)
    return child
