# SPDX-License-Identifier: Apache-2.0
"""The feed's tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from services.alerts.tables import feed, feed_head, owners

HEAD = 1


def hold_head(connection: sa.Connection) -> int:
    """The newest position, held until the end of the transaction."""
    held = sa.select(feed_head.c.position).where(feed_head.c.id == HEAD).with_for_update()
    position: int | None = connection.execute(held).scalar()
    if position is None:
        # Of two that begin the feed at once, the key lets one through; the other runs again and finds the row.
        connection.execute(sa.insert(feed_head), {"id": HEAD, "position": 0})
        return 0
    return position


def known(connection: sa.Connection, event_ids: Collection[str]) -> set[str]:
    """Which of these events are in the feed."""
    chosen = sa.select(feed.c.event_id).where(feed.c.event_id.in_(event_ids))
    return set(connection.execute(chosen).scalars())


def owners_of(connection: sa.Connection, streams: Collection[str]) -> dict[str, str | None]:
    """The accounts of the streams that are known; None for those that belong to nobody."""
    chosen = sa.select(owners.c.stream, owners.c.account_id).where(owners.c.stream.in_(streams))
    return {row[0]: row[1] for row in connection.execute(chosen)}


def learn_owners(connection: sa.Connection, before: dict[str, str | None], now: dict[str, str | None]) -> None:
    """Writes what was learnt of streams."""
    new = [{"stream": each, "account_id": account} for each, account in now.items() if each not in before]
    if new:
        connection.execute(sa.insert(owners), new)
    for each, account in now.items():
        if each in before and account != before[each]:
            connection.execute(sa.update(owners).where(owners.c.stream == each).values(account_id=account))


def append(connection: sa.Connection, head: int, rows: Sequence[dict[str, Any]]) -> None:
    """Appends rows behind `head` and moves it."""
    if rows:
        connection.execute(sa.insert(feed), [{**row, "position": head + n} for n, row in enumerate(rows, 1)])
        moved = sa.update(feed_head).where(feed_head.c.id == HEAD).values(position=head + len(rows))
        connection.execute(moved)


def newest(connection: sa.Connection) -> int:
    """The newest position that can be read."""
    return connection.execute(sa.select(feed_head.c.position).where(feed_head.c.id == HEAD)).scalar() or 0


def read(
    connection: sa.Connection, after: int, limit: int, *, account_id: str | None, types: Collection[str]
) -> list[tuple[int, str]]:
    """Position and CloudEvent of up to `limit` events in order; None as account means everybody's."""
    conditions: list[sa.ColumnElement[bool]] = [feed.c.position > after]
    if account_id is not None:
        conditions.append(feed.c.account_id == account_id)
    if types:
        conditions.append(feed.c.type.in_(types))
    chosen = sa.select(feed.c.position, feed.c.cloudevent).where(*conditions)
    return [(row[0], row[1]) for row in connection.execute(chosen.order_by(feed.c.position).limit(limit))]


def prune(connection: sa.Connection, before: str) -> int:
    """Forgets events older than a moment; positions go on from where they are."""
    return connection.execute(sa.delete(feed).where(feed.c.at < before)).rowcount
