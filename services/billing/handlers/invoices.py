# SPDX-License-Identifier: Apache-2.0
"""Invoices of paid orders: made once, found again, mailed."""

from __future__ import annotations

from services.billing.model import charge, invoice, quote
from services.billing.projections import find_charge, find_invoice, last_invoice
from shared.clock import to_text
from shared.context import Context
from shared.contracts.accounts import AccountView
from shared.contracts.billing import GetInvoice, GetInvoiceFile, InvoiceView, Party, QuoteGiven, RequestInvoice
from shared.contracts.tenancy import account_of
from shared.errors import invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.mail.message import MailRefusedError, check_address

MAX_ADDITIONAL = 5


def request_invoice(uow: UnitOfWork, request: RequestInvoice, *, account: AccountView, seller: Party) -> InvoiceView:
    """Makes the invoice of a paid order, or finds it again, and has it mailed. `account` was asked for before.

    Errors: not_found, action_not_allowed, invalid.
    """
    paid = uow.load(charge.stream(request.order_id), charge.CHARGE).state
    if not paid.account_id or paid.account_id != account_of(uow.context):
        raise not_found("order")
    to, note = invoice.buyer(request, account), invoice.note(request)
    mailed_to = _addresses(request)
    # Whoever makes an invoice of this year waits in turn: the number after the last one is free until the commit.
    uow.lock(invoice.stream(uow.now.year))
    if find_invoice(uow.connection, request.order_id) is None:
        invoice.require_paid(paid)
        _issue(uow, paid, seller, to, note)
    found = _found(find_invoice(uow.connection, request.order_id))
    for address in mailed_to:
        key = uow.new_id()
        payload = {"order_id": paid.order_id, "to": address, "at": to_text(uow.now), "key": key}
        uow.schedule("invoice_mail", key, payload)
    return found


def _addresses(request: RequestInvoice) -> list[str]:
    """Where the invoice is mailed, each address once. Raises ServiceError `invalid` with the field."""
    if len(request.additional_emails) > MAX_ADDITIONAL:
        raise invalid(f"At most {MAX_ADDITIONAL} additional addresses.", "/additional_emails")
    fields = [("/email", request.email)]
    fields += [(f"/additional_emails/{index}", text) for index, text in enumerate(request.additional_emails)]
    found = []
    for pointer, text in fields:
        try:
            found.append(check_address(text.strip()))
        except MailRefusedError:
            raise invalid(f"This is no e-mail address: {text[:60]!r}.", pointer) from None
    return list(dict.fromkeys(found))


def _issue(uow: UnitOfWork, paid: charge.Charge, seller: Party, to: Party, note: str) -> None:
    year = uow.now.year
    known = find_charge(uow.connection, paid.order_id)
    issued = invoice.issue(
        paid,
        _quote_of(uow, paid),
        paid_at=(known[1].paid_at if known else None) or to_text(uow.now),
        year=year,
        sequence=last_invoice(uow.connection, year) + 1,
        seller=seller,
        to=to,
        note=note,
    )
    uow.append_anywhere(invoice.stream(year), issued)


def _quote_of(uow: UnitOfWork, paid: charge.Charge) -> QuoteGiven | None:
    return uow.load(quote.stream(paid.quote_id), quote.QUOTE).state if paid.quote_id else None


def get_invoice(room: Room, request: GetInvoice | GetInvoiceFile, context: Context) -> InvoiceView:
    """The invoice of an order of the own account; operators read every account's."""
    with room.query() as connection:
        found = find_invoice(connection, request.order_id)
    if found is None or not (context.operator or found[0] == account_of(context)):
        raise not_found("invoice")
    return found[1]


def _found(found: tuple[str, InvoiceView] | None) -> InvoiceView:
    if found is None:
        raise not_found("invoice")
    return found[1]
