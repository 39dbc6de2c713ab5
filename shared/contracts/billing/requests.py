# SPDX-License-Identifier: Apache-2.0
"""What may be asked of billing."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, command, query
from shared.contracts.billing.views import (
    BalanceView,
    ChargeView,
    InvoiceFile,
    InvoiceView,
    LedgerCheck,
    Payer,
    Product,
    QuoteView,
    StatementLine,
    VoucherView,
)

SERVICE = "billing"


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
    """Opens, or finds again, the payment page of an order; `checkout_url` is on the provider's origin.

    `payer` goes to the provider with the payment; one that was begun before keeps its own.
    """

    order_id: str
    payer: Payer | None = None


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


@command(SERVICE, Permission.CREATE_ORDER)
class RequestInvoice(Request[InvoiceView]):
    """Makes the invoice of a paid order, or finds it again, and mails it to `email` and up to five more addresses.

    The buyer is the account's company as it is now. `vat_number` and `note` count for the first request only. Errors:
    not_found, action_not_allowed (not paid), invalid with the field.
    """

    order_id: str
    email: str
    additional_emails: list[str] = []
    vat_number: str = ""
    note: str = ""


@query(SERVICE, Permission.VIEW)
class GetInvoice(Request[InvoiceView]):
    """The invoice of an order. Errors: not_found, also while none was requested."""

    order_id: str


@query(SERVICE, Permission.VIEW)
class GetInvoiceFile(Request[InvoiceFile]):
    """The same, to print."""

    order_id: str


@query(SERVICE, Permission.OPERATOR)
class CheckLedger(Request[LedgerCheck]):
    """Proves that every transaction balances."""
