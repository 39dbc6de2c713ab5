# SPDX-License-Identifier: Apache-2.0
"""Money: products, quotes, payments, deposit accounts and the ledger. Amounts are integers in minor units."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "billing"


class Term(View):
    """The price of one term. `extra_*` are per name beyond `included_names`; None = not to be had.

    `per_year` is the price of a year of the term, `saves_percent` how much less that is than the shortest term's, both
    rounded down.
    """

    years: int
    price: int
    per_year: int
    saves_percent: int
    included_names: int = 1
    extra_name_price: int | None = None
    extra_wildcard_price: int | None = None
    max_names: int = 1
    max_wildcards: int = 0


class Product(View):
    """A kind of certificate. `form` is single, wildcard, multi_domain or ucc; `validation_level` DV, OV or EV."""

    code: str
    name: str
    form: str
    validation_level: str
    description: str
    currency: str
    terms: list[Term]


class QuoteLine(View):
    """One line of a quote."""

    text: str
    quantity: int
    unit_price: int
    amount: int


class QuoteView(View):
    """A price that holds until `expires_at`. `tax` is 0 while no tax rule is configured.

    `discount` is what `voucher` takes off; `voucher_refused` says why the voucher can be used no more since the price
    was named, else it is empty. `deposit` says that the account pays from its deposit; then `funds_missing` is what it
    lacks.
    """

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
    created_at: str
    expires_at: str
    expired: bool = False
    used_by_order_id: str | None = None
    deposit: bool = False
    funds_missing: int = 0
    voucher: str = ""
    discount: int = 0
    voucher_refused: str = ""


class VoucherView(View):
    """A code that takes something off a price: `percent`, or `amount` in minor units of `currency`.

    `products` holds codes of the price list, none = all. `max_uses` None = without limit. `state` is active, scheduled,
    expired, used_up or ended.
    """

    code: str
    percent: int
    amount: int
    currency: str
    products: list[str]
    valid_from: str | None
    valid_until: str | None
    max_uses: int | None
    uses: int
    state: str
    note: str
    made_at: str
    ended_at: str | None


class ChargeView(View):
    """What an order owes. `status`: open, started, paid, cancelled, refused, refunded."""

    order_id: str
    status: str
    amount: int
    currency: str
    checkout_url: str = ""
    attempt: int = 0
    decline_reason: str = ""
    source: str = ""
    paid_at: str | None = None


class BalanceView(View):
    """A deposit account. `deposit` is False until the first top-up was paid."""

    deposit: bool
    balance: int
    currency: str


class StatementLine(View):
    """One movement of a deposit account, with the balance after it."""

    id: str
    at: str
    text: str
    amount: int
    balance: int
    currency: str
    order_id: str = ""


class LedgerCheck(View):
    """The sums that must be zero."""

    transactions: int
    unbalanced: list[str]
    accounts: dict[str, int]


@query(SERVICE, Permission.PUBLIC)
class ListProducts(Request[Page[Product]]):
    """The catalogue with its price list."""

    validation_level: str | None = None


@command(SERVICE, Permission.SIGNED_IN)
class CreateQuote(Request[QuoteView]):
    """Prices a product for these names. Errors: invalid (product, wildcard, too many names, voucher)."""

    product: str
    names: list[str]
    term_years: int = 1
    currency: str = "USD"
    voucher: str | None = None


@query(SERVICE, Permission.SIGNED_IN)
class GetQuote(Request[QuoteView]):
    """A quote of the own account."""

    quote_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class StartPayment(Request[ChargeView]):
    """Opens, or finds again, the payment page of an order; `checkout_url` is on the provider's origin."""

    order_id: str


@query(SERVICE, Permission.VIEW)
class GetCharge(Request[ChargeView]):
    """What an order owes and how its payment stands."""

    order_id: str


@command(SERVICE, Permission.PUBLIC)
class RecordProviderNotice(Request[Done]):
    """A webhook of the payment provider: the raw body and its headers `webhook-signature`, `webhook-id` and
    `webhook-timestamp` (Standard Webhooks 1.0). Errors: unauthenticated when the signature does not fit.
    """

    body: str
    signature: str
    notice_id: str = ""
    timestamp: str = ""


@command(SERVICE, Permission.PUBLIC)
class ConfirmReturn(Request[ChargeView]):
    """The customer came back from the payment page: asks the provider how it ended. `intent_id` is unguessable."""

    intent_id: str


@query(SERVICE, Permission.VIEW)
class GetBalance(Request[BalanceView]):
    """The deposit account of the own account."""


@query(SERVICE, Permission.VIEW)
class ListStatement(Request[Page[StatementLine]]):
    """Movements of the deposit account, newest first."""

    limit: int = 50
    cursor: str | None = None


@command(SERVICE, Permission.OPERATOR)
class MakeVoucher(Request[VoucherView]):
    """A new voucher: `percent` (1 to 100) or `amount` off, for `products` (none = all), between two moments.

    Errors: invalid with the field; conflict when there is or was a voucher with this code.
    """

    code: str
    percent: int | None = None
    amount: int | None = None
    products: list[str] = []
    valid_from: str | None = None
    valid_until: str | None = None
    max_uses: int | None = None
    note: str = ""


@command(SERVICE, Permission.OPERATOR)
class EndVoucher(Request[VoucherView]):
    """No order can use it from now on; what was ordered with it stays. Errors: not_found."""

    code: str


@query(SERVICE, Permission.OPERATOR)
class ListVouchers(Request[Page[VoucherView]]):
    """Vouchers, newest first. `offset` and `cursor` exclude each other."""

    limit: int = 50
    offset: int = 0
    cursor: str | None = None


@query(SERVICE, Permission.OPERATOR)
class CheckLedger(Request[LedgerCheck]):
    """Proves that every transaction balances."""


class LedgerLine(View):
    """One side of a transaction. Positive = debit, negative = credit; the lines of a transaction sum to zero."""

    account: str
    amount: int


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
