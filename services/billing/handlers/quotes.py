# SPDX-License-Identifier: Apache-2.0
"""Prices and quotes."""

from __future__ import annotations

from services.billing.model import quote, voucher
from services.billing.model.prices import Priced, PriceList, price
from services.billing.projections import find_deposit, find_voucher, order_of_quote
from shared.clock import to_text
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.billing import CreateQuote, GetQuote, ListProducts, Product, QuoteGiven, QuoteLine, QuoteView
from shared.contracts.tenancy import account_of
from shared.errors import not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork


def list_products(request: ListProducts, *, prices: PriceList) -> Page[Product]:
    """The catalogue, in the order of the price list."""
    wanted = request.validation_level
    items = [each for each in prices.products.values() if wanted in (None, each.validation_level)]
    return Page(items=items, total=len(items))


def create_quote(uow: UnitOfWork, request: CreateQuote, *, prices: PriceList) -> QuoteView:
    """Names a price that holds for 30 minutes."""
    account_id = account_of(uow.context)
    priced = price(prices, request.product, request.names, request.term_years, request.currency)
    code, off = _voucher(uow, request, priced)
    lines = priced.lines
    if off:
        lines = [*lines, QuoteLine(text=f"Voucher {code}", quantity=1, unit_price=-off, amount=-off)]
    given = QuoteGiven(
        quote_id=uow.new_id(),
        account_id=account_id,
        product=priced.product.code,
        product_name=priced.product.name,
        form=priced.product.form,
        validation_level=priced.product.validation_level,
        names=priced.names,
        term_years=request.term_years,
        lines=lines,
        tax=0,
        total=priced.total - off,
        currency=prices.currency,
        expires_at=to_text(uow.now + quote.VALID_FOR),
        price_list_version=prices.version,
        voucher=code,
        discount=off,
    )
    uow.append(quote.stream(given.quote_id), given)
    deposit = find_deposit(uow.connection, account_id)
    now = to_text(uow.now)
    return quote.view(
        given,
        created_at=now,
        now=now,
        used_by=None,
        deposit=deposit is not None,
        balance=deposit.balance if deposit and deposit.currency == given.currency else 0,
    )


def get_quote(room: Room, request: GetQuote, context: Context) -> QuoteView:
    """A quote of the own account, with what its deposit lacks now."""
    account_id = account_of(context)
    found = room.events(quote.stream(request.quote_id))
    given = quote.QUOTE(envelope.data for envelope in found)
    if given is None or given.account_id != account_id:
        raise not_found("quote")
    with room.query() as connection:
        used_by = order_of_quote(connection, given.quote_id)
        deposit = find_deposit(connection, account_id)
        promised = find_voucher(connection, given.voucher) if given.voucher else None
    return quote.view(
        given,
        created_at=found[0].occurred_at,
        now=to_text(room.clock.now()),
        used_by=used_by,
        deposit=deposit is not None,
        balance=deposit.balance if deposit and deposit.currency == given.currency else 0,
        voucher_refused=promised.spent if promised and used_by is None else "",
    )


def _voucher(uow: UnitOfWork, request: CreateQuote, priced: Priced) -> tuple[str, int]:
    """The code of the voucher that was asked for, and what it takes off; nothing without one."""
    if request.voucher is None or not request.voucher.strip():
        return "", 0
    code = voucher.canonical(request.voucher)
    found = find_voucher(uow.connection, code) if code else None
    product = priced.product
    return code, voucher.discount(found, product.code, product.name, priced.total, to_text(uow.now))
