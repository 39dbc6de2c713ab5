# SPDX-License-Identifier: Apache-2.0
"""The inbox: which reaction to which event is done, which failed and when it is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, derived_id, to_text
from shared.eventsourcing.envelope import Cursor, Envelope, Metadata
from shared.eventsourcing.event import decode
from shared.eventstore.database import Database
from shared.eventstore.retries import describe, next_delay


class Failure(NamedTuple):
    """What became of a failed reaction: how often it was tried, and seconds until the next try (None: parked)."""

    attempts: int
    delay_s: float | None


class DueRetry(NamedTuple):
    """A reaction whose next try has come. `name` is the inbox name, such as `orders.on_payment_captured`."""

    envelope: Envelope[Any]
    name: str
    attempts: int


class Inbox:
    """The inbox table of one service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        sql = database.sql
        # The row lock also makes a second delivery of the same event wait for the first one's transaction.
        self._mark = sql(
            "INSERT INTO inbox (event_id, handler, status, attempts, at) VALUES (?, ?, 'done', 1, ?) "
            "ON CONFLICT (event_id, handler) DO UPDATE SET status = 'done', at = excluded.at, next_attempt_at = NULL "
            "WHERE inbox.status IN ('retrying', 'parked') RETURNING event_id"
        )
        self._fail = sql(
            "INSERT INTO inbox (event_id, handler, status, attempts, at, id, next_attempt_at, error, envelope, "
            "first_failed_at, last_failed_at) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (event_id, handler) DO UPDATE SET status = excluded.status, attempts = inbox.attempts + 1, "
            "at = excluded.at, next_attempt_at = excluded.next_attempt_at, error = excluded.error, "
            "last_failed_at = excluded.last_failed_at WHERE inbox.status = 'retrying'"
        )

    def mark_done(self, connection: sa.Connection, event_id: str, name: str) -> bool:
        """Marks a reaction as done in the caller's transaction; False when it was done or discarded before."""
        parameters = (event_id, name, to_text(self._clock.now()))
        return connection.exec_driver_sql(self._mark, parameters).first() is not None

    def is_done(self, event_id: str, name: str) -> bool:
        """Whether a reaction needs no more work."""
        statement = self._database.sql("SELECT status FROM inbox WHERE event_id = ? AND handler = ?")
        with self._database.read() as connection:
            return connection.exec_driver_sql(statement, (event_id, name)).scalar() in {"done", "discarded"}

    def record_failure(self, envelope: Envelope[Any], name: str, error: BaseException) -> Failure:
        """Records a failed reaction: to be tried after a growing delay, or parked. See `retries` for the rules."""
        now = self._clock.now()
        moment = to_text(now)
        select = self._database.sql("SELECT attempts FROM inbox WHERE event_id = ? AND handler = ?")
        with self._database.write() as connection:
            before = connection.exec_driver_sql(select, (envelope.event_id, name)).scalar() or 0
            delay = next_delay(before + 1, error)
            due = None if delay is None else to_text(now + timedelta(seconds=delay))
            status = "parked" if delay is None else "retrying"
            identity = derived_id("inbox", envelope.event_id, name)
            text = pack(envelope)
            connection.exec_driver_sql(
                self._fail,
                (envelope.event_id, name, status, moment, identity, due, describe(error), text, moment, moment),
            )
        return Failure(before + 1, delay)

    def due_retries(self, limit: int = 100) -> list[DueRetry]:
        """Reactions to try now, longest due first. The next `record_failure` or `react` settles each."""
        statement = self._database.sql(
            "SELECT envelope, handler, attempts FROM inbox WHERE status = 'retrying' AND next_attempt_at <= ? "
            "ORDER BY next_attempt_at LIMIT ?"
        )
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(statement, (to_text(self._clock.now()), limit)).fetchall()
        return [DueRetry(unpack(row[0]), row[1], row[2]) for row in rows]


def pack(envelope: Envelope[Any]) -> str:
    """An envelope as JSON text."""
    return msgspec.json.encode(envelope, order="deterministic").decode()


class _Packed(msgspec.Struct):
    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    occurred_at: str
    recorded_at: str
    data: msgspec.Raw
    metadata: Metadata
    hash: str
    cursor: Cursor = Cursor()


_packed = msgspec.json.Decoder(_Packed)


def unpack(text: str | bytes) -> Envelope[Any]:
    """Reads what `pack` wrote, lifting older schemas. Raises UnknownEventTypeError."""
    packed = _packed.decode(text)
    return Envelope(
        event_id=packed.event_id,
        stream=packed.stream,
        version=packed.version,
        type=packed.type,
        schema_version=packed.schema_version,
        occurred_at=packed.occurred_at,
        recorded_at=packed.recorded_at,
        data=decode(packed.type, packed.schema_version, bytes(packed.data)),
        metadata=packed.metadata,
        hash=packed.hash,
        cursor=packed.cursor,
    )
