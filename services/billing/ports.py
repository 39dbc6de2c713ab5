# SPDX-License-Identifier: Apache-2.0
"""The outside world of billing: a payment provider, and paper. Card data goes from the customer to the provider and
never comes here.
"""

from __future__ import annotations

from typing import Protocol

from services.billing.model.intent import Intent
from shared.contracts.billing import InvoiceView, Payer


class ProviderUnavailableError(Exception):
    """No answer, a time-out, an error of the provider, or the same request still in flight: ask again with the same
    key."""


class ProviderRefusedError(Exception):
    """The provider will never accept this request, such as a key that was used with other parameters."""


class BadSignatureError(Exception):
    """A notice that the provider did not sign, or signed too long ago."""


class PaymentProvider(Protocol):
    """What every provider can do. Every call is safe to repeat with the same key.

    Amounts are in minor units of an ISO 4217 currency. Calls raise ProviderUnavailableError and ProviderRefusedError.
    """

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
        """Opens a payment with a hosted page at `checkout_url`, which calls the order by `label` and names the payer.

        The same key gives the same intent.
        """
        ...

    def get(self, intent_id: str) -> Intent:
        """How a payment stands now."""
        ...

    def refund(self, *, intent_id: str, amount: int, idem_key: str) -> None:
        """Gives a captured payment back. Returns when the provider has taken it on, once per key."""
        ...

    def verify_webhook(self, *, body: str, notice_id: str, timestamp: str, signature: str) -> Intent | None:
        """The payment that a signed notice speaks of; None when it is about something else.

        Raises BadSignatureError.
        """
        ...


class Printer(Protocol):
    """Sets an invoice on paper."""

    def __call__(self, invoice: InvoiceView) -> bytes:
        """A PDF file; the same invoice gives the same bytes."""
        ...
