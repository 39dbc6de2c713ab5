# SPDX-License-Identifier: Apache-2.0
"""What the room itself asks of its tables: numbers, keys, quotes, and what the clock and the metrics look for."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.orders.projections.folding import KEY_OWNER
from services.orders.projections.tables import counters, orders, placed_sites
from shared.clock import to_text

FIRST_NUMBER = 2_000_001  # seven digits, as customers of the guide know them; sign-up numbers begin with 1


def next_number(connection: sa.Connection) -> int:
    """The next order number. A number is lost only when nothing else of its transaction is kept either."""
    number: int = connection.execute(_next_number(connection.dialect.name)).scalar_one()
    return number


@functools.cache
def _next_number(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = insert(counters).values(name="order_number", value=FIRST_NUMBER)
    return first.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1}).returning(
        counters.c.value
    )


def key_owner(connection: sa.Connection, spki_sha256: str) -> str | None:
    """The account that first used this key."""
    found: str | None = connection.execute(KEY_OWNER, {"spki": spki_sha256}).scalar()
    return found


def orders_on_site(connection: sa.Connection, server_id: str, site_id: str) -> list[str]:
    """Ids of the orders whose certificate a site serves, or served before another of ours came."""
    mine = (placed_sites.c.server_id == server_id, placed_sites.c.site_id == site_id)
    chosen = sa.select(placed_sites.c.order_id).where(*mine).order_by(placed_sites.c.order_id)
    return list(connection.execute(chosen).scalars())


def number_of_quote(connection: sa.Connection, quote_id: str) -> int | None:
    """The number of the order that used this quote."""
    found: int | None = connection.execute(sa.select(orders.c.number).where(orders.c.quote_id == quote_id)).scalar()
    return found


def orders_to_expire(connection: sa.Connection, now: datetime, limit: int = 200) -> list[str]:
    """Ids of orders whose term and certificate are over."""
    moment = to_text(now)
    return list(
        connection.execute(
            sa.select(orders.c.order_id)
            .where(
                orders.c.status.in_(("issued", "installed")),
                orders.c.term_ends_at <= moment,
                orders.c.expires_at <= moment,
            )
            .order_by(orders.c.number)
            .limit(limit)
        ).scalars()
    )


def orders_to_reissue(connection: sa.Connection, now: datetime, limit: int = 200) -> list[str]:
    """Ids of orders whose certificate's time to be replaced has come and whose key an agent makes, oldest first."""
    moment = to_text(now)
    return list(
        connection.execute(
            sa.select(orders.c.order_id)
            .where(
                orders.c.renew_at <= moment,
                orders.c.status.in_(("issued", "installed")),
                orders.c.term_ends_at > moment,
                orders.c.key_server_id != "",
            )
            .order_by(orders.c.renew_at, orders.c.number)
            .limit(limit)
        ).scalars()
    )


def count_by_status(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """(kind, status, how many)."""
    rows = connection.execute(
        sa.select(orders.c.kind, orders.c.status, sa.func.count()).group_by(orders.c.kind, orders.c.status)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def managed_certificates(connection: sa.Connection) -> list[tuple[int, str]]:
    """(order number, end of the newest certificate) of every order that has one in use."""
    rows = connection.execute(
        sa.select(orders.c.number, orders.c.expires_at).where(orders.c.status.in_(("issued", "installed")))
    )
    return [(row[0], row[1]) for row in rows]
