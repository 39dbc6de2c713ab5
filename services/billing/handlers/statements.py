# SPDX-License-Identifier: Apache-2.0
"""What customers and operators may read of the ledger."""

from __future__ import annotations

from services.billing.model.prices import PriceList
from services.billing.projections import count_statement, find_charge, find_deposit, statement
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.billing import BalanceView, ChargeView, GetBalance, GetCharge, ListStatement, StatementLine
from shared.contracts.paging import cursor_at, number_after
from shared.contracts.tenancy import account_of
from shared.errors import invalid, not_found
from shared.eventstore.room import Room

MAX_PAGE = 200


def get_balance(room: Room, _request: GetBalance, context: Context, *, prices: PriceList) -> BalanceView:
    """The deposit account of the own account."""
    with room.query() as connection:
        deposit = find_deposit(connection, account_of(context))
    if deposit is None:
        return BalanceView(deposit=False, balance=0, currency=prices.currency)
    return BalanceView(deposit=True, balance=deposit.balance, currency=deposit.currency)


def list_statement(room: Room, request: ListStatement, context: Context) -> Page[StatementLine]:
    """Movements of the deposit account, newest first. Errors: invalid (cursor, limit)."""
    account_id = account_of(context)
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} lines.", "/limit")
    before = number_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        lines = statement(connection, account_id, limit=request.limit + 1, before=before)
        total = count_statement(connection, account_id)
    more = len(lines) > request.limit
    lines = lines[: request.limit]
    return Page(items=[line for _, line in lines], next_cursor=cursor_at(lines[-1][0]) if more else None, total=total)


def get_charge(room: Room, request: GetCharge, context: Context) -> ChargeView:
    """What an order of the own account owes; operators see every order's."""
    with room.query() as connection:
        found = find_charge(connection, request.order_id)
    if found is None or not (context.operator or found[0] == account_of(context)):
        raise not_found("charge")
    return found[1]
