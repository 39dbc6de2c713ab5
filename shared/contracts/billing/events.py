# SPDX-License-Identifier: Apache-2.0
"""What is said about money: facts, past tense."""

from __future__ import annotations

from shared.contracts.billing.views import LedgerLine, Party, Payer, QuoteLine
from shared.eventsourcing.event import Event, event


@event("billing.QuoteGiven")
class QuoteGiven(Event):
    """A price was named and holds until `expires_at`."""

    quote_id: str
    account_id: str
    product: str
    product_name: str
    form: str
    validation_level: str
    names: list[str]
    term_years: int
    lines: list[QuoteLine]
    tax: int
    total: int
    currency: str
    expires_at: str
    price_list_version: str
    voucher: str = ""
    discount: int = 0  # already taken off the total


@event("billing.InvoiceIssued")
class InvoiceIssued(Event):
    """A paid order has its invoice. One per order, ever; `sequence` counts without a gap in each year."""

    number: str
    year: int
    sequence: int
    order_id: str
    order_number: int
    account_id: str
    paid_at: str
    paid_by: str
    seller: Party
    buyer: Party
    note: str
    lines: list[QuoteLine]
    tax: int
    total: int
    currency: str


@event("billing.VoucherMade")
class VoucherMade(Event):
    """An operator made a voucher. `percent` or `amount` is 0; empty moments do not limit it."""

    code: str
    percent: int
    amount: int
    currency: str
    products: list[str]
    valid_from: str
    valid_until: str
    max_uses: int  # 0 = without limit
    note: str


@event("billing.VoucherEnded")
class VoucherEnded(Event):
    """An operator ended a voucher."""

    code: str


@event("billing.VoucherUsed")
class VoucherUsed(Event):
    """An order used a voucher, once."""

    code: str
    order_id: str
    account_id: str
    discount: int
    currency: str


@event("billing.VoucherReleased")
class VoucherReleased(Event):
    """The order was given up before anything was paid: the voucher may be used once more."""

    code: str
    order_id: str
    account_id: str


@event("billing.ChargeOpened")
class ChargeOpened(Event):
    """An order owes this. `purpose` is order or topup."""

    order_id: str
    number: int
    account_id: str
    purpose: str
    amount: int
    currency: str
    quote_id: str = ""
    tax: int = 0  # part of the amount


@event("billing.ChargeRefused")
class ChargeRefused(Event):
    """The order's price is not the quote's, or the quote was used or had expired."""

    order_id: str
    account_id: str
    reason: str


@event("billing.PaymentStarted")
class PaymentStarted(Event):
    """The intention to ask the provider for money, before it is asked."""

    order_id: str
    attempt: int
    idempotency_key: str
    payer: Payer | None = None


@event("billing.PaymentIntentCreated")
class PaymentIntentCreated(Event):
    """The provider knows the payment."""

    order_id: str
    attempt: int
    intent_id: str
    checkout_url: str


@event("billing.PaymentDeclined")
class PaymentDeclined(Event):
    """The provider said no; the customer may try again."""

    order_id: str
    attempt: int
    intent_id: str
    reason: str


@event("billing.PaymentCaptured")
class PaymentCaptured(Event):
    """The money is ours. `source` is card, funds or free. One per order, ever."""

    order_id: str
    account_id: str
    purpose: str
    amount: int
    currency: str
    source: str
    intent_id: str = ""


@event("billing.ChargeCancelled")
class ChargeCancelled(Event):
    """Nothing is owed any more; nothing was paid."""

    order_id: str


@event("billing.RefundStarted")
class RefundStarted(Event):
    """The intention to give money back. `target` is funds or card."""

    order_id: str
    amount: int
    currency: str
    target: str
    idempotency_key: str


@event("billing.RefundIssued")
class RefundIssued(Event):
    """The money went back. One per order, ever."""

    order_id: str
    account_id: str
    amount: int
    currency: str
    target: str


@event("billing.SurplusReceived")
class SurplusReceived(Event):
    """Money came that nothing was owed for, such as a payment that crossed a cancellation. It goes back."""

    order_id: str
    account_id: str
    intent_id: str
    amount: int
    currency: str
    idempotency_key: str


@event("billing.SurplusReturned")
class SurplusReturned(Event):
    """The surplus is back where it came from. One per intent, ever."""

    order_id: str
    account_id: str
    intent_id: str
    amount: int
    currency: str


@event("billing.DepositOpened")
class DepositOpened(Event):
    """The account pays from a deposit from now on."""

    account_id: str
    currency: str


@event("billing.TransactionPosted")
class TransactionPosted(Event):
    """A double entry. `lines` sum to zero; corrections are further transactions."""

    transaction_id: str
    account_id: str
    currency: str
    text: str
    lines: list[LedgerLine]
    order_id: str = ""
