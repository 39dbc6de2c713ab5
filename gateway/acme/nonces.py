# SPDX-License-Identifier: Apache-2.0
"""Nonces that any gateway can make and check: time and chance under a MAC. That each is good once, `accounts` sees."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from gateway.acme.jwk import decode, encode
from gateway.acme.refusal import ACMERefusedError
from shared.clock import Clock

LIFETIME_S = 3600
SKEW_S = 60  # between the clocks of two gateways
_CHANCE, _MAC = 16, 16
_LENGTH = 6 + _CHANCE + _MAC


class Nonces:
    """`key` gives the 32 bytes that all gateways share; it is asked for when the first nonce is made."""

    def __init__(self, key: Callable[[], bytes], *, clock: Clock) -> None:
        self._ask = key
        self._clock = clock
        self._known: bytes | None = None

    def make(self) -> str:
        """A fresh nonce, base64url (RFC 8555 §6.5.1)."""
        body = int(self._now()).to_bytes(6) + secrets.token_bytes(_CHANCE)
        return encode(body + self._mac(body))

    def check(self, nonce: str) -> float:
        """Until when the nonce is good, in Unix seconds. Raises ACMERefusedError badNonce."""
        raw = _raw(nonce)
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(raw) != _LENGTH or not hmac.compare_digest(mac, self._mac(body)):
            raise ACMERefusedError("badNonce", "This nonce is not one of ours.")
        made, now = int.from_bytes(body[:6]), self._now()
        if not now - LIFETIME_S < made <= now + SKEW_S:
            raise ACMERefusedError("badNonce", "This nonce is too old.")
        return made + LIFETIME_S

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _mac(self, body: bytes) -> bytes:
        if self._known is None:
            self._known = self._ask()
        return hmac.digest(self._known, body, hashlib.sha256)[:_MAC]


def _raw(nonce: str) -> bytes:
    try:
        return decode(nonce)
    except ACMERefusedError:
        raise ACMERefusedError("badNonce", "This nonce is not one of ours.") from None
