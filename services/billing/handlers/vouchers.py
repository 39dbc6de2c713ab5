# SPDX-License-Identifier: Apache-2.0
"""Vouchers: made and ended by operators, used by orders."""

from __future__ import annotations

from services.billing.model import voucher
from services.billing.model.prices import PriceList
from services.billing.projections import count_vouchers, find_voucher, list_vouchers
from shared.clock import to_text
from shared.contracts.base import Page
from shared.contracts.billing import (
    EndVoucher,
    ListVouchers,
    MakeVoucher,
    QuoteGiven,
    VoucherEnded,
    VoucherUsed,
    VoucherView,
)
from shared.contracts.paging import cursor_at, pair_after
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

MAX_PAGE = 200


def make_voucher(uow: UnitOfWork, request: MakeVoucher, *, prices: PriceList) -> VoucherView:
    """A new voucher. Errors: invalid, conflict."""
    made = voucher.make(request, prices, uow.now)
    if find_voucher(uow.connection, made.code) is not None:
        detail = "There is, or was, a voucher with this code. Choose another one."
        raise ServiceError(Code.CONFLICT, detail, pointer="/code")
    uow.append(voucher.stream(made.code), made)
    return voucher.view(_found(uow, made.code), to_text(uow.now))


def end_voucher(uow: UnitOfWork, request: EndVoucher) -> VoucherView:
    """No order can use it from now on; once is enough. Errors: not_found."""
    code = voucher.canonical(request.code)
    uow.lock(voucher.stream(code))
    if _found(uow, code).ended_at is None:
        uow.append_anywhere(voucher.stream(code), VoucherEnded(code=code))
    return voucher.view(_found(uow, code), to_text(uow.now))


def list_page(room: Room, request: ListVouchers) -> Page[VoucherView]:
    """Newest first. Errors: invalid (limit, cursor)."""
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} vouchers.", "/limit")
    if request.offset and request.cursor is not None:
        raise invalid("Give an offset or a cursor, not both.", "/offset")
    after = pair_after(request.cursor) if request.cursor is not None else None
    now = to_text(room.clock.now())
    with room.query() as connection:
        found = list_vouchers(connection, limit=request.limit + 1, offset=request.offset, after=after)
        total = count_vouchers(connection)
    shown = found[: request.limit]
    cursor = cursor_at(shown[-1].made_at, shown[-1].code) if len(found) > request.limit else None
    return Page(items=[voucher.view(each, now) for each in shown], next_cursor=cursor, total=total)


def use(uow: UnitOfWork, given: QuoteGiven, order_id: str) -> tuple[VoucherUsed | None, str]:
    """The use of a quote's voucher by an order, or why it cannot be used any more.

    The price was promised with the quote, so that only the number of uses and an operator's end count now. The voucher
    is held until the end of the transaction: of two orders that want its last use, one gets it.
    """
    if not given.voucher:
        return None, ""
    uow.lock(voucher.stream(given.voucher))
    found = find_voucher(uow.connection, given.voucher)
    reason = found.spent if found is not None else voucher.UNKNOWN
    if reason:
        return None, reason
    used = VoucherUsed(
        code=given.voucher,
        order_id=order_id,
        account_id=given.account_id,
        discount=given.discount,
        currency=given.currency,
    )
    return used, ""


def _found(uow: UnitOfWork, code: str) -> voucher.Voucher:
    found = find_voucher(uow.connection, code)
    if found is None:
        raise not_found("voucher")
    return found
