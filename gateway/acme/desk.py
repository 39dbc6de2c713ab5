# SPDX-License-Identifier: Apache-2.0
"""Where every signed request arrives: for which URL, by which account, with a nonce that is good once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from gateway.acme import jws as messages
from gateway.acme.jws import JWS
from gateway.acme.nonces import Nonces
from gateway.acme.refusal import ACMERefusedError
from gateway.exchange import Exchange
from gateway.operation import Ground, read_body
from gateway.problems import RefusedError
from gateway.traffic import ACTOR
from shared.clock import Clock, SystemClock, to_text
from shared.context import Context, system
from shared.contracts.accounts import ACMEAccountView, FindACMEAccount, GetACMENonceKey, UseACMENonce
from shared.errors import Code, ServiceError

REMEMBERED = timedelta(seconds=2)  # as long as other credentials: a revoked one is dead everywhere after this
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Signed:
    """A request whose signature was verified. `account` is None when it was signed by a key alone, which is `jwk`."""

    message: JWS
    exchange: Exchange
    jwk: dict[str, Any]
    account: ACMEAccountView | None

    def by_account(self) -> ACMEAccountView:
        """The account. Raises ACMERefusedError malformed when a key alone signed."""
        if self.account is None:
            raise ACMERefusedError("malformed", "Sign this request with the kid of your account.")
        return self.account


class Desk:
    """What the ACME resources stand on."""

    def __init__(self, ground: Ground, *, clock: Clock | None = None) -> None:
        self.ground = ground
        self.clock = clock or SystemClock()
        self.nonces = Nonces(self._nonce_key, clock=self.clock)
        self._known: dict[str, tuple[datetime, ACMEAccountView]] = {}

    def url(self, *parts: str) -> str:
        """The URL of a resource."""
        return "/".join((f"{self.ground.url}/acme", *parts))

    def internal(self, environ: Mapping[str, Any]) -> Exchange:
        """An exchange in the gateway's own name."""
        exchange = self.ground.exchange(environ)
        exchange.context = msgspec.structs.replace(
            system("gateway"), trace_id=exchange.trace_id, command_id=self.ground.ids.new()
        )
        return exchange

    def receive(self, environ: dict[str, Any]) -> Signed:
        """Reads and verifies a request. Raises ACMERefusedError, ServiceError.

        Nothing is written for a request that is not signed right: the nonce is marked last.
        """
        message = messages.read(_body(environ))
        if message.url != self.ground.url + environ["PATH_INFO"] or environ.get("QUERY_STRING"):
            raise ACMERefusedError("unauthorized", "The request was signed for another URL.")
        until = self.nonces.check(message.nonce)
        internal = self.internal(environ)
        account = None
        if message.jwk is None:
            account = self._account(internal, message.kid)
            jwk: dict[str, Any] = msgspec.json.decode(account.jwk)
        else:
            jwk = message.jwk
        message.verify(jwk)
        self._use(environ, message.nonce, until, account.credential_id if account else "")
        if account is None:
            return Signed(message, internal, jwk, None)
        exchange = self.ground.exchange(environ)
        environ[ACTOR] = f"acme:{account.acme_account_id}"
        exchange.context = Context(
            actor=environ[ACTOR],
            account_id=account.account_id,
            permissions=frozenset({"acme"}),
            command_id=self.ground.ids.new(),
            trace_id=exchange.trace_id,
        )
        return Signed(message, exchange, jwk, account)

    def forget(self, acme_account_id: str) -> None:
        """Its next request is looked up anew."""
        self._known.pop(acme_account_id, None)

    def _account(self, exchange: Exchange, kid: str) -> ACMEAccountView:
        prefix = self.url("account", "")
        identifier = kid.removeprefix(prefix) if kid.startswith(prefix) else ""
        if not identifier or "/" in identifier:
            raise ACMERefusedError("accountDoesNotExist", "The kid is no account URL of this server.")
        now = self.clock.now()
        known = self._known.get(identifier)
        if known is not None and known[0] > now:
            return known[1]
        try:
            found = exchange.send(FindACMEAccount(acme_account_id=identifier))
        except ServiceError as error:
            if error.code is Code.NOT_FOUND:
                raise ACMERefusedError("accountDoesNotExist", "There is no such account.") from None
            raise
        refuse_ended(found)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[identifier] = (now + REMEMBERED, found)
        return found

    def _use(self, environ: Mapping[str, Any], nonce: str, until: float, credential_id: str) -> None:
        digest = hashlib.sha256(nonce.encode()).hexdigest()
        expires = to_text(datetime.fromtimestamp(until, UTC))
        try:
            used = UseACMENonce(nonce_hash=digest, expires_at=expires, credential_id=credential_id)
            self.internal(environ).send(used)  # a command of its own
        except ServiceError as error:
            if error.code is Code.CONFLICT:
                raise ACMERefusedError("badNonce", "This nonce was used before.") from None
            raise

    def _nonce_key(self) -> bytes:
        context = system("gateway")
        return bytes.fromhex(self.ground.rpc.send(GetACMENonceKey(), context).key)


def refuse_ended(account: ACMEAccountView) -> None:
    """Raises ACMERefusedError for an account that ended, or whose credential was revoked (RFC 8555 §7.3.6)."""
    if account.status != "valid":
        raise ACMERefusedError("unauthorized", f"The account is {account.status}.", status=401)


def _body(environ: Mapping[str, Any]) -> bytes:
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != messages.MEDIA_TYPE:
        raise ACMERefusedError("malformed", f"Send `Content-Type: {messages.MEDIA_TYPE}`.", status=415)
    try:
        return read_body(environ, messages.MAX_BODY)
    except RefusedError as error:
        raise ACMERefusedError("malformed", error.detail, status=413 if error.code == Code.TOO_LARGE else 400) from None
