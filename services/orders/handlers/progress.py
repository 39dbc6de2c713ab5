# SPDX-License-Identifier: Apache-2.0
"""How far mass replacements are, and what each order that is not done waits for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.orders.model import mass_replacement as model
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import fold, stream_of
from services.orders.projections import watching as tables
from shared.context import Context
from shared.contracts import orders as c
from shared.contracts.base import Page
from shared.contracts.paging import cursor_at, number_after, pair_after
from shared.contracts.tenancy import account_of
from shared.errors import invalid, not_found
from shared.eventstore.room import Room

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

MAX_LIMIT = 200


def scope_for(context: Context) -> str | None:
    """Whose orders: those of the own account, and None, which is every one's, for an operator without one."""
    return None if context.operator and context.account_id is None else account_of(context)


def find(connection: sa.Connection, replacement_id: str, context: Context) -> Any:
    """The row of a replacement of whoever asks; an operator sees all. Raises not_found."""
    row = tables.find_replacement(connection, replacement_id)
    scope = scope_for(context)
    if row is None or (scope is not None and row.account_id != scope):
        raise not_found("replacement")
    return row


def get(room: Room, request: c.GetReplacement, context: Context) -> c.ReplacementView:
    """One. Raises not_found."""
    with room.query() as connection:
        return _views(connection, [find(connection, request.replacement_id, context)])[0]


def show(connection: sa.Connection, replacement_id: str) -> c.ReplacementView:
    """One that is known to be there."""
    return _views(connection, [tables.find_replacement(connection, replacement_id)])[0]


def list_page(room: Room, request: c.ListReplacements, context: Context) -> Page[c.ReplacementView]:
    """Newest first. Raises invalid."""
    limit = _limit(request.limit)
    after = pair_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        rows, total = tables.list_replacements(connection, scope_for(context), after, limit + 1)
        items = _views(connection, rows[:limit])
    more = len(rows) > limit
    last = cursor_at(items[-1].started_at, items[-1].replacement_id) if more else None
    return Page(items=items, next_cursor=last, total=total)


def list_orders(room: Room, request: c.ListReplacementOrders, context: Context) -> Page[c.ReplacementOrder]:
    """By number. Raises not_found, invalid."""
    limit = _limit(request.limit)
    state = request.state
    if state not in {None, "open", *model.STATES}:
        raise invalid(f"The state is open or one of {', '.join(model.STATES)}.", "/state")
    after = number_after(request.cursor) if request.cursor is not None else 0
    states = None if state is None else model.OPEN if state == "open" else (state,)
    now = room.clock.now()
    with room.query() as connection:
        find(connection, request.replacement_id, context)
        rows, total = tables.list_orders_of(connection, request.replacement_id, states, after, limit + 1)
        items = []
        for row in rows[:limit]:
            waits: list[c.BlockedOn] = []
            if row.state in (*model.OPEN, "unseen"):
                waits = blocked_on(room.streams.load(connection, stream_of(row.order_id), fold).state, now)
            items.append(_order(row, waits))
    more = len(rows) > limit
    return Page(items=items, next_cursor=cursor_at(items[-1].number) if more else None, total=total)


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"The limit is between 1 and {MAX_LIMIT}.", "/limit")
    return limit


def _order(row: Any, waits: list[c.BlockedOn]) -> c.ReplacementOrder:
    left = json.loads(row.open_sites)
    return c.ReplacementOrder(
        order_id=row.order_id,
        number=row.number,
        account_id=row.account_id,
        common_name=row.common_name,
        way=row.way,
        state=row.state,
        old_serial=row.old_serial,
        new_serial=row.new_serial,
        server_id=row.server_id,
        sites=row.sites,
        open_sites=[c.PlacedSite(server_id=server_id, site_id=site_id) for server_id, site_id in left],
        begun_at=row.begun_at,
        issued_at=row.issued_at,
        seen_at=row.seen_at,
        old_revoked_at=row.old_revoked_at,
        reason=row.reason,
        code=row.code,
        blocked_on=waits,
    )


def _views(connection: sa.Connection, rows: Sequence[Any]) -> list[c.ReplacementView]:
    counts = tables.counts_of(connection, [row.replacement_id for row in rows])
    return [_view(row, counts.get(row.replacement_id, [])) for row in rows]


def _view(row: Any, counts: list[Any]) -> c.ReplacementView:
    by_state = {count.state: count.orders for count in counts}
    state = model.MassReplacement(
        replacement_id=row.replacement_id,
        account_id=row.account_id,
        status=row.status,
        exercise=row.exercise,
        revocation_reason=row.revocation_reason,
    )
    first, second = model.clocks(row.started_at)
    return c.ReplacementView(
        replacement_id=row.replacement_id,
        account_id=row.account_id,
        status=row.status,
        exercise=row.exercise,
        reason=row.reason,
        selection=c.ReplacementSelection(**json.loads(row.selection)),
        started_at=row.started_at,
        started_by=row.started_by,
        due_24h=first,
        due_5d=second,
        ended_at=row.ended_at,
        last_seen_at=max((count.last_seen_at for count in counts if count.last_seen_at), default=None),
        orders=row.orders,
        sites=row.sites,
        by_state={each: by_state.get(each, 0) for each in model.STATES},
        open=sum(by_state.get(each, 0) for each in model.OPEN),
        revocation_reason=row.revocation_reason,
        revoked=sum(count.revoked for count in counts),
        actions=model.actions_of(state, by_state.get("seen", 0)),
    )
