# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect provider, asked through the guarded way out. What it says of itself is kept for an hour."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from services.accounts.adapters.id_tokens import Key, UnknownKeyError, claims_of, read_keys
from services.accounts.model import openid as rules
from services.accounts.model.openid import Asking, Endpoints, ProviderError
from services.accounts.ports import Identified
from services.accounts.settings import AccountsSettings
from shared.clock import Clock
from shared.egress.guard import Egress, EgressError, Response

KEPT = timedelta(hours=1)
TIMEOUT_S = 2.5  # of one question; a sign-in has three at most, and the gateway waits for ten seconds
MOST_BYTES = 256 * 1024


class _Tokens(msgspec.Struct):
    id_token: str


class OpenIDProvider:
    """See `ports.Provider`. `plain` allows http to loopback: for operators who let that be dialled."""

    def __init__(self, egress: Egress, own: AccountsSettings, clock: Clock, *, plain: bool) -> None:
        if not rules.allowed_url(own.oidc_issuer, plain=plain):
            raise ValueError("CERTWRIGHT_ACCOUNTS_OIDC_ISSUER must be an https:// URL")
        self._egress = egress
        self._own = own
        self._clock = clock
        self._plain = plain
        self._endpoints: tuple[datetime, Endpoints] | None = None
        self._keys: tuple[datetime, list[Key]] | None = None

    @property
    def issuer(self) -> str:
        """As it names itself."""
        return self._own.oidc_issuer

    @property
    def name(self) -> str:
        """As people know it."""
        return self._own.oidc_label

    def authorization_url(self, asking: Asking) -> str:
        """Where the browser goes."""
        return rules.authorization_url(self._described(), self._own.oidc_client_id, asking)

    def check_answer(self, issuer: str) -> None:
        """That the browser's answer names this provider."""
        rules.check_answer(issuer, self.issuer, required=self._described().says_issuer)

    def identify(self, code: str, asking: Asking) -> Identified:
        """Exchanges the code, checks the ID token."""
        if not code:
            raise ProviderError("invalid", "the answer holds no code")
        token = self._exchange(code, asking)
        try:
            try:
                claims = claims_of(token, self._signing_keys(fresh=False))
            except UnknownKeyError:  # the provider has a new key (OpenID Connect Core §10.1.1)
                claims = claims_of(token, self._signing_keys(fresh=True))
            subject = rules.subject_of(
                claims,
                issuer=self.issuer,
                client_id=self._own.oidc_client_id,
                nonce=asking.nonce,
                now=self._clock.now(),
            )
        except ValueError as error:
            raise ProviderError("invalid", f"the ID token does not hold: {error}") from error
        return Identified(self.issuer, subject)

    def _exchange(self, code: str, asking: Asking) -> str:
        # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        secret = self._own.oidc_client_secret.get_secret_value()
        both = f"{quote_plus(self._own.oidc_client_id)}:{quote_plus(secret)}"
        body = urlencode(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": asking.redirect_uri,
                "code_verifier": asking.verifier,
            }
        )
        headers = {
            "Authorization": f"Basic {base64.b64encode(both.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        answer = self._ask(self._described().token, method="POST", headers=headers, body=body.encode())
        if 400 <= answer.status < 500:
            raise ProviderError("refused", f"the token endpoint answered HTTP {answer.status}")
        try:
            return msgspec.json.decode(self._content(answer), type=_Tokens).id_token
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProviderError("invalid", "the token endpoint sent no ID token") from error

    def _described(self) -> Endpoints:
        now = self._clock.now()
        if self._endpoints is None or now - self._endpoints[0] >= KEPT:
            content = self._content(self._ask(rules.discovery_url(self.issuer)))
            try:
                self._endpoints = (now, rules.read_discovery(content, self.issuer, plain=self._plain))
            except ValueError as error:
                raise ProviderError("unavailable", str(error)) from error
        return self._endpoints[1]

    def _signing_keys(self, *, fresh: bool) -> list[Key]:
        now = self._clock.now()
        if fresh or self._keys is None or now - self._keys[0] >= KEPT:
            content = self._content(self._ask(self._described().jwks))
            try:
                self._keys = (now, read_keys(content))
            except ValueError as error:
                raise ProviderError("unavailable", str(error)) from error
        return self._keys[1]

    def _ask(self, url: str, **more: Any) -> Response:
        schemes = ("https", "http") if self._plain else ("https",)
        try:
            return self._egress.fetch(
                url, schemes=schemes, ports=None, timeout_s=TIMEOUT_S, max_bytes=MOST_BYTES, **more
            )
        except EgressError as error:
            raise ProviderError("unavailable", error.detail) from error

    def _content(self, answer: Response) -> bytes:
        if answer.status != 200 or not answer.complete:
            raise ProviderError("unavailable", f"the provider answered HTTP {answer.status}")
        return answer.body
