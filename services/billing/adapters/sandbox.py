# SPDX-License-Identifier: Apache-2.0
"""The payment port over HTTP, as the sandbox provider speaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import requests

from services.billing.adapters import standard_webhooks
from services.billing.model.intent import Intent, IntentStatus
from services.billing.ports import BadSignatureError, ProviderRefusedError, ProviderUnavailableError
from shared.clock import Clock, SystemClock
from shared.contracts.billing import Payer

MAX_NOTICE = 64 * 1024


class _WireIntent(msgspec.Struct, frozen=True):
    """An intent as the provider writes it; fields that are not named here are ignored."""

    id: str
    order_id: str
    idempotency_key: str
    status: str
    amount: int
    currency: str
    checkout_url: str
    reason: str = ""


class _Notice(msgspec.Struct, frozen=True):
    """A webhook's body."""

    type: str
    data: msgspec.Raw


class SandboxProvider:
    """Talks to the provider at `base_url()`, which is asked each time because its port may be known late."""

    def __init__(
        self,
        base_url: Callable[[], str],
        *,
        api_key: str,
        webhook_secret: str,
        timeout_s: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._secret = webhook_secret
        self._timeout = timeout_s
        self._clock = clock or SystemClock()

    def create_intent(
        self,
        *,
        amount: int,
        currency: str,
        order_id: str,
        label: str,
        idem_key: str,
        return_url: str,
        webhook_url: str,
        payer: Payer | None = None,
    ) -> Intent:
        """Opens a payment, or finds the one that this key opened."""
        body = {"amount": amount, "currency": currency, "order_id": order_id, "label": label}
        urls = {"return_url": return_url, "webhook_url": webhook_url}
        who = {"payer": msgspec.to_builtins(payer)} if payer else {}
        return _intent(self._call("POST", "/v1/intents", {**body, **urls, **who}, idem_key))

    def get(self, intent_id: str) -> Intent:
        """How a payment stands now."""
        return _intent(self._call("GET", f"/v1/intents/{quote(intent_id, safe='')}"))

    def refund(self, *, intent_id: str, amount: int, idem_key: str) -> None:
        """Gives a captured payment back, once per key."""
        self._call("POST", f"/v1/intents/{quote(intent_id, safe='')}/refunds", {"amount": amount}, idem_key)

    def verify_webhook(self, *, body: str, notice_id: str, timestamp: str, signature: str) -> Intent | None:
        """The payment in a signed notice; None when the notice is about something else."""
        now = self._clock.now().timestamp()
        if len(body) > MAX_NOTICE or not standard_webhooks.verify(
            self._secret, notice_id, timestamp, body, signature, now=now
        ):
            raise BadSignatureError("the signature does not fit")
        try:
            notice = msgspec.json.decode(body, type=_Notice)
        except msgspec.DecodeError as error:
            raise BadSignatureError("signed, but no notice") from error
        return _intent(bytes(notice.data)) if notice.type.startswith("payment.") else None

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> bytes:
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        try:
            # The provider's address comes from the operator's settings, never from a customer.
            answer = requests.request(
                method,
                self._base_url() + path,
                json=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ProviderUnavailableError(type(error).__name__) from error
        if answer.status_code in {408, 409, 425, 429} or answer.status_code >= 500:
            raise ProviderUnavailableError(f"status {answer.status_code}")
        if not answer.ok:
            raise ProviderRefusedError(f"{method} {path}: status {answer.status_code}")
        return answer.content


def _intent(content: bytes) -> Intent:
    try:
        wire = msgspec.json.decode(content, type=_WireIntent)
    except msgspec.DecodeError as error:
        raise ProviderUnavailableError(f"an answer that is no payment: {error}") from error
    # A state that only the payer has to do with, such as a pending 3-D Secure step, is pending for us.
    status = IntentStatus(wire.status) if wire.status in set(IntentStatus) else IntentStatus.PENDING
    return Intent(
        wire.id, wire.order_id, wire.idempotency_key, status, wire.amount, wire.currency, wire.checkout_url, wire.reason
    )
