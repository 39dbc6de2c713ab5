# SPDX-License-Identifier: Apache-2.0
"""Lists of orders: filtered, ordered, counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from services.orders.projections.tables import orders
from shared.contracts.paging import Ordering

SORTS: dict[str, sa.Column[Any]] = {
    "number": orders.c.number,
    "product": orders.c.product_name,
    "placed_at": orders.c.placed_at,
    "expires_at": orders.c.expires_at,
    "common_name": orders.c.common_name,
    "status": orders.c.status,
    "amount": orders.c.amount,
}


def list_orders(
    connection: sa.Connection,
    account_id: str | None,
    place: Ordering,
    *,
    statuses: Collection[str],
    search: str | None,
    kind: str | None,
    limit: int,
    before: int | None,
) -> tuple[Sequence[sa.Row[Any]], int]:
    """Up to `limit` + 1 rows from a place on, and how many there are on all pages.

    None as account means every one's; `before` is an order number that only smaller ones are shown of.
    """
    conditions = _conditions(account_id, search, kind)
    if statuses:
        conditions.append(orders.c.status.in_(statuses))
    total = connection.execute(sa.select(sa.func.count()).select_from(orders).where(*conditions)).scalar_one()
    if before is not None:
        conditions.append(orders.c.number < before)
    # The page is chosen by key and number alone, so that long rows are read for what is shown and not for all.
    chosen = (
        sa.select(orders.c.number)
        .where(*conditions)
        .order_by(*_order(place))
        .limit(limit + 1)
        .offset(place.offset)
        .subquery()
    )
    rows = connection.execute(
        sa.select(orders).join(chosen, chosen.c.number == orders.c.number).order_by(*_order(place))
    ).all()
    return rows, total


def count_orders(
    connection: sa.Connection, account_id: str | None, *, search: str | None, kind: str | None
) -> dict[str, int]:
    """How many orders there are by status; None as account means every one's."""
    counted = sa.select(orders.c.status, sa.func.count()).where(*_conditions(account_id, search, kind))
    return {row[0]: row[1] for row in connection.execute(counted.group_by(orders.c.status))}


def _conditions(account_id: str | None, search: str | None, kind: str | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if account_id is not None:
        conditions.append(orders.c.account_id == account_id)
    if kind is not None:
        conditions.append(orders.c.kind == kind)
    if search:
        conditions.append(orders.c.search.contains(search.strip().lower(), autoescape=True))
    return conditions


def _order(place: Ordering) -> list[sa.ColumnElement[Any]]:
    column, number = SORTS[place.key], orders.c.number
    if place.key == "number":
        return [number.desc() if place.descending else number.asc()]
    first: sa.ColumnElement[Any] = column.desc() if place.descending else column.asc()
    if column.nullable:
        first = first.nulls_last()
    return [first, number.desc() if place.descending else number.asc()]
