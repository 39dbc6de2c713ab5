# SPDX-License-Identifier: Apache-2.0
"""The inbox: which reaction to which event is done, which failed and when it is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, derived_id, to_text
from shared.eventsourcing.envelope import Cursor, Envelope, Metadata
from shared.eventsourcing.event import UnknownEventTypeError, decode
from shared.eventstore import driver
from shared.eventstore.database import Database
from shared.eventstore.retries import describe, next_delay

UNREADABLE = "unreadable"


class Failure(NamedTuple):
    """What became of a failed reaction: how often it was tried, and seconds until the next try (None: parked)."""

    attempts: int
    delay_s: float | None


class DueRetry(NamedTuple):
    """A reaction whose next try has come. `name` is the inbox name, such as `orders.on_payment_captured`.

    `envelope` is None for a message that could not be read when it came; `text` is then what `record_unreadable` got.
    """

    envelope: Envelope[Any] | None
    name: str
    attempts: int
    event_id: str
    text: str = ""


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
        return bool(driver.rows(connection, self._mark, parameters))

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

    def known(self, event_ids: list[str], name: str) -> set[str]:
        """Which of these events the reaction has met: done, given up, parked, or waiting for its next try."""
        if not event_ids:
            return set()
        places = ", ".join("?" * len(event_ids))
        statement = self._database.sql(f"SELECT event_id FROM inbox WHERE handler = ? AND event_id IN ({places})")
        with self._database.read() as connection:
            return {row[0] for row in connection.exec_driver_sql(statement, (name, *event_ids))}

    def record_unreadable(self, body: bytes | str, name: str, error: BaseException, event_id: str = "") -> None:
        """Parks a message that is no event this code can read, with its body; the same body is recorded once.

        `event_id` is that of a `DueRetry` when a replayed one still cannot be read.
        """
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        event_id = event_id or derived_id("unreadable", text)
        moment = to_text(self._clock.now())
        kept = msgspec.json.encode({UNREADABLE: text}).decode()
        identity = derived_id("inbox", event_id, name)
        parameters = (event_id, name, "parked", moment, identity, None, describe(error), kept, moment, moment)
        with self._database.write() as connection:
            connection.exec_driver_sql(self._fail, parameters)

    def due_retries(self, limit: int = 100) -> list[DueRetry]:
        """Reactions to try now, longest due first. The next `record_failure` or `react` settles each."""
        statement = self._database.sql(
            "SELECT envelope, handler, attempts, event_id FROM inbox WHERE status = 'retrying' "
            "AND next_attempt_at <= ? ORDER BY next_attempt_at LIMIT ?"
        )
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(statement, (to_text(self._clock.now()), limit)).fetchall()
        return [_due(*row) for row in rows]


def _due(text: str, name: str, attempts: int, event_id: str) -> DueRetry:
    try:
        return DueRetry(unpack(text), name, attempts, event_id)
    except (msgspec.MsgspecError, UnknownEventTypeError):
        kept = msgspec.json.decode(text)
        return DueRetry(None, name, attempts, event_id, kept.get(UNREADABLE, text))


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
