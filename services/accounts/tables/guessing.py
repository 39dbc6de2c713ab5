# SPDX-License-Identifier: Apache-2.0
"""Failed sign-ins, and the one-time link of the first run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.accounts.tables.schema import failures, first_run
from shared.clock import from_text, to_text


def failure(connection: sa.Connection, key: str) -> tuple[int, datetime, datetime | None] | None:
    """(how often, when last, blocked until)."""
    row = connection.execute(sa.select(failures).where(failures.c.key == key)).first()
    if row is None:
        return None
    return row.failed, from_text(row.last_failed_at), from_text(row.blocked_until) if row.blocked_until else None


def record_failure(connection: sa.Connection, key: str, count: int, now: datetime, until: datetime | None) -> None:
    """Counts a failure."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"failed": count, "last_failed_at": to_text(now), "blocked_until": to_text(until) if until else None}
    connection.execute(
        insert(failures).values(key=key, **values).on_conflict_do_update(index_elements=["key"], set_=values)
    )


def forget_failures(connection: sa.Connection, keys: Iterable[str]) -> None:
    """After a sign-in."""
    connection.execute(failures.delete().where(failures.c.key.in_(list(keys))))


def set_first_run(connection: sa.Connection, token_hash: str, expires_at: str) -> None:
    """A new one-time link in place of the old one."""
    connection.execute(first_run.delete())
    connection.execute(first_run.insert(), {"id": 1, "token_hash": token_hash, "expires_at": expires_at})


def first_run_of(connection: sa.Connection) -> tuple[str, str] | None:
    """(token hash, expiry) of the one-time link."""
    row = connection.execute(sa.select(first_run.c.token_hash, first_run.c.expires_at)).first()
    return None if row is None else (row[0], row[1])


def end_first_run(connection: sa.Connection) -> None:
    """The link was used."""
    connection.execute(first_run.delete())
