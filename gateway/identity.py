# SPDX-License-Identifier: Apache-2.0
"""Who asks: a session cookie, an API token or an agent token, and where a browser's write comes from.

The answer of the accounts service is remembered for at most two seconds, and forgotten at once when this process ends
a credential; so a revoked token is dead everywhere within two seconds (quality bar S8).
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from gateway.exchange import NOBODY, Caller, Rpc
from gateway.problems import RefusedError
from shared.context import system
from shared.contracts.accounts import Authenticate
from shared.contracts.installer import AuthenticateAgent
from shared.errors import Code, ServiceError

TTL_S = 2.0
MOST = 10_000
AGENT_PREFIX = "/api/agent/"
COOKIE = "certwright"
HOST_COOKIE = "__Host-certwright"  # a browser takes it from this very host over TLS only
BINDING = "certwright-oidc"  # of a browser that is at the sign-in provider
BINDING_S = 600
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Credential(NamedTuple):
    """A secret as it came. `kind` is session, token or agent."""

    kind: str
    secret: str


def session_cookie(token: str, *, secure: bool) -> str:
    """Set-Cookie for a new session; it ends with the browser, the server knows when the session ends."""
    name, flag = (HOST_COOKIE, "; Secure") if secure else (COOKIE, "")
    return f"{name}={token}; Path=/; HttpOnly; SameSite=Lax{flag}"


def cleared_cookie(*, secure: bool) -> str:
    """Set-Cookie that takes the session cookie away."""
    return f"{session_cookie('', secure=secure)}; Max-Age=0"


def binding_cookie(secret: str, *, secure: bool) -> str:
    """Set-Cookie that binds a sign-in by a provider to the browser that began it. Lax: it comes back from there."""
    name, flag = (f"__Host-{BINDING}", "; Secure") if secure else (BINDING, "")
    age = BINDING_S if secret else 0
    return f"{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{flag}"


def binding_of(environ: Mapping[str, Any], *, secure: bool) -> str:
    """The secret of that cookie; empty without one."""
    return _cookie(environ, f"__Host-{BINDING}" if secure else BINDING)


def _cookie(environ: Mapping[str, Any], wanted: str) -> str:
    for part in environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted and _plausible(value):
            return value
    return ""


def credential_of(environ: Mapping[str, Any], *, secure: bool) -> Credential | None:
    """The credential of a request: `Authorization: Bearer` before the cookie. Raises RefusedError `unauthenticated`."""
    header = environ.get("HTTP_AUTHORIZATION")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not _plausible(secret):
            raise RefusedError(Code.UNAUTHENTICATED, "Send `Authorization: Bearer` with a token.")
        agent = environ.get("PATH_INFO", "").startswith(AGENT_PREFIX)
        return Credential("agent" if agent else "token", secret)
    secret = _cookie(environ, HOST_COOKIE if secure else COOKIE)
    return Credential("session", secret) if secret else None


def _plausible(secret: str) -> bool:
    return 1 <= len(secret) <= 512 and secret.isascii() and secret.isprintable() and " " not in secret


def refuse_foreign_write(environ: Mapping[str, Any], own_origin: str) -> None:
    """Refuses a browser's write that another site has begun (quality bar S19). Raises RefusedError `forbidden`.

    Browsers name the origin of every write; programs without a browser send none, and hold no cookie that a foreign
    page could use. A token in the header cannot be sent by a foreign page at all.
    """
    if environ["REQUEST_METHOD"] in SAFE or "HTTP_AUTHORIZATION" in environ:
        return
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        if environ.get("HTTP_SEC_FETCH_SITE", "none") in {"none", "same-origin"}:
            return
    elif origin == own_origin or urlsplit(origin).netloc == environ.get("HTTP_HOST") != "":
        return
    raise RefusedError(Code.FORBIDDEN, "This request was started by another web site.")


class Identities:
    """Asks accounts and installer who stands behind a credential."""

    def __init__(self, rpc: Rpc, *, ttl: float = TTL_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rpc = rpc
        self._ttl = ttl
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._asking: dict[bytes, threading.Lock] = {}
        self._generation = 0

    def caller(self, credential: Credential, *, trace_id: str | None = None) -> Caller:
        """Who it is. Raises ServiceError `unauthenticated`, or `unavailable` when nobody can tell."""
        key = hashlib.blake2b(f"{credential.kind}:{credential.secret}".encode(), digest_size=16).digest()
        found = self._remembered(key)
        if found is not None:
            return found
        with self._asking.setdefault(key, threading.Lock()):  # one question, however many requests wait for it
            try:
                return self._remembered(key) or self._ask(credential, key, trace_id)
            finally:
                self._asking.pop(key, None)

    def forget(self) -> None:
        """Forgets everybody, also answers that are on their way."""
        self._generation += 1
        self._known.clear()

    def _remembered(self, key: bytes) -> Caller | None:
        found = self._known.get(key)
        return found[1] if found is not None and found[0] > self._monotonic() else None

    def _ask(self, credential: Credential, key: bytes, trace_id: str | None) -> Caller:
        generation, until = self._generation, self._monotonic() + self._ttl
        caller = self._answer(credential, trace_id)
        if generation == self._generation:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (until, caller)
        return caller

    def _answer(self, credential: Credential, trace_id: str | None) -> Caller:
        context = msgspec.structs.replace(system("gateway"), trace_id=trace_id)
        if credential.kind == "agent":
            agent = self._rpc.send(AuthenticateAgent(token=credential.secret), context)
            return Caller(
                actor=f"agent:{agent.agent_id}",
                account_id=agent.account_id,
                permissions=frozenset({"agent"}),
                credential_id=agent.agent_id,
                kind="agent",
            )
        session = credential.kind == "session"
        found = self._rpc.send(
            Authenticate(session_token=credential.secret) if session else Authenticate(api_token=credential.secret),
            context,
        )
        return Caller(
            actor=found.actor,
            account_id=found.account_id,
            permissions=frozenset(found.permissions) - {"internal", "agent", "acme"},
            user_id=found.user_id,
            credential_id=found.credential_id,
            kind=found.kind,
        )


def caller_of(identities: Identities, environ: Mapping[str, Any], *, secure: bool, trace_id: str) -> Caller:
    """Who sends this request; NOBODY without a credential. Raises RefusedError and ServiceError."""
    credential = credential_of(environ, secure=secure)
    if credential is None:
        return NOBODY
    try:
        return identities.caller(credential, trace_id=trace_id)
    except ServiceError as error:
        if error.code in {Code.NOT_FOUND, Code.INVALID, Code.FORBIDDEN}:
            raise RefusedError(Code.UNAUTHENTICATED, "Sign in again, or use a valid token.") from None
        raise
