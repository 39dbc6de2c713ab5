# SPDX-License-Identifier: Apache-2.0
"""Mass replacements and their orders as people look at them: found, listed, counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from services.orders.projections.replacement import replacement_orders, replacements


def find_replacement(connection: sa.Connection, replacement_id: str) -> Any | None:
    """The row of a replacement."""
    query = sa.select(replacements).where(replacements.c.replacement_id == replacement_id)
    return connection.execute(query).first()


def list_replacements(
    connection: sa.Connection, account_id: str | None, after: tuple[str, str] | None, limit: int
) -> tuple[Sequence[Any], int]:
    """Up to `limit` rows, newest first, behind (started_at, id), and how many there are on all pages.

    None as account means every one's.
    """
    table = replacements.c
    mine = [] if account_id is None else [table.account_id == account_id]
    query = sa.select(replacements).where(*mine)
    if after is not None:
        at, replacement_id = after
        same = sa.and_(table.started_at == at, table.replacement_id < replacement_id)
        query = query.where(sa.or_(table.started_at < at, same))
    total = connection.execute(sa.select(sa.func.count()).select_from(replacements).where(*mine)).scalar_one()
    rows = connection.execute(query.order_by(table.started_at.desc(), table.replacement_id.desc()).limit(limit)).all()
    return rows, total


def list_orders_of(
    connection: sa.Connection, replacement_id: str, states: Collection[str] | None, after: int, limit: int
) -> tuple[Sequence[Any], int]:
    """Up to `limit` rows by number behind `after`, and how many there are on all pages; of some states or of all."""
    table = replacement_orders.c
    conditions: list[sa.ColumnElement[bool]] = [table.replacement_id == replacement_id]
    if states is not None:
        conditions.append(table.state.in_(states))
    counted = sa.select(sa.func.count()).select_from(replacement_orders).where(*conditions)
    query = sa.select(replacement_orders).where(*conditions, table.number > after).order_by(table.number).limit(limit)
    return connection.execute(query).all(), connection.execute(counted).scalar_one()


def counts_of(connection: sa.Connection, replacement_ids: Sequence[str]) -> dict[str, list[Any]]:
    """By replacement: rows of state, orders, the last `seen_at`, and old certificates revoked."""
    table = replacement_orders.c
    counted = sa.select(
        table.replacement_id,
        table.state,
        sa.func.count().label("orders"),
        sa.func.max(table.seen_at).label("last_seen_at"),
        sa.func.count(table.old_revoked_at).label("revoked"),
    ).where(table.replacement_id.in_(replacement_ids))
    found: dict[str, list[Any]] = {}
    for row in connection.execute(counted.group_by(table.replacement_id, table.state)):
        found.setdefault(row.replacement_id, []).append(row)
    return found
