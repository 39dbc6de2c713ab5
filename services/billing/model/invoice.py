# SPDX-License-Identifier: Apache-2.0
"""Invoices: one for each paid order, numbered without a gap in each year, and never changed."""

from __future__ import annotations

import re

from services.billing.model import vat
from services.billing.model.charge import Charge
from shared.contracts.accounts import AccountView
from shared.contracts.billing import InvoiceIssued, InvoiceView, Party, QuoteGiven, QuoteLine, RequestInvoice
from shared.errors import Code, ServiceError, invalid

MAX_NOTE = 500
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def stream(year: int) -> str:
    """The stream of a year's invoices: each is one event, so that the numbers have no gap."""
    return f"invoices-{year}"


def buyer(request: RequestInvoice, account: AccountView) -> Party:
    """The account's company as it is now. Raises ServiceError `invalid` at `/vat_number`."""
    company = account.company
    try:
        number = vat.canonical(request.vat_number, company.country)
    except vat.NotAVATNumberError as error:
        raise invalid(str(error), "/vat_number") from None
    lines = [
        company.department,
        company.address1,
        company.address2,
        company.address3,
        company.po_box,
        f"{company.postcode} {company.city}".strip(),
        company.state,
    ]
    return Party(
        name=company.name,
        address=[line for line in lines if line],
        country=company.country,
        vat_number=number,
        email=request.email.strip(),
    )


def note(request: RequestInvoice) -> str:
    """The buyer's own words on the invoice. Raises ServiceError `invalid`."""
    text = request.note.replace("\r\n", "\n").strip()
    if len(text) > MAX_NOTE or _CONTROL.search(text):
        raise invalid(f"A note has at most {MAX_NOTE} characters, without control characters.", "/note")
    return text


def require_paid(paid: Charge) -> None:
    """Raises ServiceError `action_not_allowed` for what was not paid, or is no sale."""
    if paid.purpose == "topup":
        detail = "A deposit is no sale: each order that is drawn from it has its own invoice."
        raise ServiceError(Code.ACTION_NOT_ALLOWED, detail)
    if paid.status in {"refunding", "refunded"}:
        raise ServiceError(
            Code.ACTION_NOT_ALLOWED, "What was paid for this order was given back: nothing is to invoice."
        )
    if paid.status != "paid":
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "There is an invoice as soon as the order is paid.")


def issue(
    paid: Charge,
    quote: QuoteGiven | None,
    *,
    paid_at: str,
    year: int,
    sequence: int,
    seller: Party,
    to: Party,
    note: str,
) -> InvoiceIssued:
    """The fact of an invoice, with the lines of the price that was paid."""
    plain = QuoteLine(text=f"Order {paid.number}", quantity=1, unit_price=paid.amount, amount=paid.amount)
    lines = quote.lines if quote is not None and quote.total == paid.amount else [plain]
    return InvoiceIssued(
        number=f"{year}-{sequence:06}",
        year=year,
        sequence=sequence,
        order_id=paid.order_id,
        order_number=paid.number,
        account_id=paid.account_id,
        paid_at=paid_at,
        paid_by=paid.source,
        seller=seller,
        buyer=to,
        note=note,
        lines=lines,
        tax=paid.tax,
        total=paid.amount,
        currency=paid.currency,
    )


def view(issued: InvoiceIssued, issued_at: str) -> InvoiceView:
    """The invoice as it is read."""
    return InvoiceView(
        number=issued.number,
        order_id=issued.order_id,
        order_number=issued.order_number,
        issued_at=issued_at,
        paid_at=issued.paid_at,
        paid_by=issued.paid_by,
        seller=issued.seller,
        buyer=issued.buyer,
        note=issued.note,
        lines=issued.lines,
        tax=issued.tax,
        total=issued.total,
        currency=issued.currency,
    )
