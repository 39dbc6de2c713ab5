# SPDX-License-Identifier: Apache-2.0
"""Parked work, events and jobs alike: list it, read why, put it back to work or give it up."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, to_text
from shared.contracts.base import Page
from shared.contracts.operations import DeadLetter
from shared.errors import not_found
from shared.eventstore.database import Database

_EVENTS = (
    "SELECT id, 'event' AS source, handler AS name, event_id AS subject, attempts, error, first_failed_at, "
    "last_failed_at, envelope AS payload FROM inbox WHERE status = 'parked'"
)
_JOBS = (
    "SELECT id, 'job' AS source, kind AS name, key AS subject, attempts, error, first_failed_at, "
    "last_failed_at, payload FROM jobs WHERE status = 'parked'"
)
_ALL = f"SELECT * FROM ({_EVENTS} UNION ALL {_JOBS}) AS parked"
_PARKED = "WHERE id = ? AND status = 'parked'"


class DeadLetters:
    """The parked rows of the inbox and jobs tables of one service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, limit: int = 50, cursor: str | None = None) -> Page[DeadLetter]:
        """One page, latest failure first; `total` counts all."""
        sql = self._database.sql
        where, parameters = "", ()  # type: str, tuple[str, ...]
        if cursor:
            failed_at, _, identity = cursor.partition("_")
            where = "WHERE last_failed_at < ? OR (last_failed_at = ? AND id < ?)"
            parameters = (failed_at, failed_at, identity)
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(
                sql(f"{_ALL} {where} ORDER BY last_failed_at DESC, id DESC LIMIT ?"), (*parameters, limit + 1)
            ).fetchall()
            total = connection.exec_driver_sql(f"SELECT count(*) FROM ({_ALL}) AS counted").scalar()
        more = len(rows) > limit
        items = [self._letter(row) for row in rows[:limit]]
        following = f"{items[-1].last_failed_at}_{items[-1].id}" if more else None
        return Page(items=items, next_cursor=following, total=total)

    def count(self) -> int:
        """How many there are."""
        with self._database.read() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM ({_ALL}) AS counted").scalar() or 0)

    def get(self, identity: str) -> DeadLetter:
        """One of them. Raises ServiceError `not_found`."""
        with self._database.read() as connection:
            row = connection.exec_driver_sql(self._database.sql(f"{_ALL} WHERE id = ?"), (identity,)).first()
        if row is None:
            raise not_found("parked event or job")
        return self._letter(row)

    def replay(self, identity: str) -> None:
        """Makes it due at once, with no attempts counted. Raises ServiceError `not_found`."""
        now = to_text(self._clock.now())
        self._settle(
            identity,
            f"UPDATE inbox SET status = 'retrying', attempts = 0, next_attempt_at = ? {_PARKED}",
            f"UPDATE jobs SET status = 'waiting', attempts = 0, run_at = ? {_PARKED}",
            now,
        )

    def discard(self, identity: str) -> None:
        """Gives it up; the row stays as the record of that. Raises ServiceError `not_found`."""
        now = to_text(self._clock.now())
        self._settle(
            identity,
            f"UPDATE inbox SET status = 'discarded', at = ? {_PARKED}",
            f"UPDATE jobs SET status = 'discarded', last_failed_at = ? {_PARKED}",
            now,
        )

    def _settle(self, identity: str, event: str, job: str, moment: str) -> None:
        with self._database.write() as connection:
            for statement in (event, job):
                changed = connection.exec_driver_sql(self._database.sql(statement), (moment, identity)).rowcount
                if changed:
                    return
        raise not_found("parked event or job")

    def _letter(self, row: sa.Row[Any]) -> DeadLetter:
        fields = row._asdict()
        fields["payload"] = msgspec.json.decode(fields["payload"])
        return DeadLetter(service=self._database.service, **fields)
