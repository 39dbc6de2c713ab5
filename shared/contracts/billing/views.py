# SPDX-License-Identifier: Apache-2.0
"""What requests about money are answered with."""

from __future__ import annotations

from shared.contracts.base import View


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

    def amount_for(self, names: int, wildcards: int) -> int:
        """The price with so many plain and so many wildcard names, in minor units. Wildcards of a multi-name product
        are never among the included names.
        """
        extra = max(0, names - self.included_names)
        return self.price + extra * (self.extra_name_price or 0) + wildcards * (self.extra_wildcard_price or 0)


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


class Payer(View):
    """Who pays, as the payment provider is told. `country` is ISO 3166-1."""

    name: str
    address1: str
    city: str
    country: str
    state: str = ""
    postcode: str = ""
    phone: str = ""
    email: str = ""


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


class LedgerLine(View):
    """One side of a transaction. Positive = debit, negative = credit; the lines of a transaction sum to zero."""

    account: str
    amount: int


class Party(View):
    """Who sells or buys, as an invoice names them. `address` holds the lines of the postal address."""

    name: str
    address: list[str]
    country: str = ""
    vat_number: str = ""
    email: str = ""


class InvoiceView(View):
    """The invoice of an order. It is made once: a repetition finds it again, and nothing in it ever changes.

    `number` counts without a gap in each year. `paid_by` is card, funds or free.
    """

    number: str
    order_id: str
    order_number: int
    issued_at: str
    paid_at: str
    paid_by: str
    seller: Party
    buyer: Party
    note: str
    lines: list[QuoteLine]
    tax: int
    total: int
    currency: str


class InvoiceFile(View):
    """An invoice to print, as PDF in base64."""

    number: str
    pdf_base64: str
