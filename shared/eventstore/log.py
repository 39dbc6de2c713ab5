# SPDX-License-Identifier: Apache-2.0
"""The log of a service: every event in one order that no reader can lose anything by.

On PostgreSQL a position is taken at the insert and seen at the commit, so that `position > last` skips whoever commits
late, and `xid < xmin` alone skips whoever took the transaction id early and inserts late. Only the pair works: order by
(xid, position), and read no further than the oldest transaction that still runs (docs/adr/0003, models.md §4.11).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, from_text
from shared.contracts.operations import LogEntry
from shared.eventsourcing.envelope import Cursor, Envelope, Metadata
from shared.eventsourcing.event import decode
from shared.eventstore.database import Database
from shared.eventstore.streams import COLUMNS, envelope_of

START = Cursor()
_metadata = msgspec.json.Decoder(Metadata)
_json = msgspec.json.Decoder()


class Batch(NamedTuple):
    """Some of the log: entries in log order, and where to go on, which moves also when nothing matched."""

    entries: list[LogEntry]
    cursor: Cursor


class Backlog(NamedTuple):
    """How far a reader is behind: events not read, and the age in seconds of the oldest of them."""

    events: int
    seconds: float


class Log:
    """Reads the log; needs no lock and never waits for writers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        if database.dialect == "postgresql":
            settled = "xid < pg_snapshot_xmin(pg_current_snapshot())"
            self._after = "(xid, position) > (?::text::xid8, ?)"
            self._upto = "(xid, position) <= (?::text::xid8, ?)"
            self._order = "xid, position"
            # Under another name: ORDER BY would take an output column called xid, and sort 1000 before 999.
            xid = "xid::text AS xid_text"
            self._head = f"SELECT {xid}, position FROM events WHERE {settled} ORDER BY xid DESC, position DESC LIMIT 1"
        else:
            self._after = "? = '0' AND position > ?"
            self._upto = "? = '0' AND position <= ?"
            self._order = "position"
            xid = "xid"
            self._head = "SELECT xid, position FROM events ORDER BY position DESC LIMIT 1"
        self._place = f"{xid}, position"
        self._select = f"SELECT {COLUMNS}, {self._place} FROM events"

    def read(self, cursor: Cursor = START, limit: int = 500, types: Collection[str] = ()) -> Batch:
        """At most `limit` entries after `cursor`, of `types` only when any are given."""
        rows, reached = self._rows(cursor, limit, types)
        return Batch([_entry(row) for row in rows], reached)

    def envelopes(
        self, cursor: Cursor = START, limit: int = 500, types: Collection[str] = ()
    ) -> tuple[list[Envelope[Any]], Cursor]:
        """The same, decoded. Raises UnknownEventTypeError."""
        rows, reached = self._rows(cursor, limit, types)
        return [envelope_of(row[:10], _cursor(row)) for row in rows], reached

    def head(self) -> Cursor:
        """The last place that can be read now; (0, 0) when the log is empty."""
        with self._database.read() as connection:
            return self._head_of(connection)

    def backlog(self, cursor: Cursor) -> Backlog:
        """What lies after `cursor`, late committers included. The count is bounded by 10,000."""
        statement = self._database.sql(
            f"SELECT count(*), min(recorded_at) FROM (SELECT recorded_at FROM events WHERE {self._after} LIMIT 10000) b"
        )
        with self._database.read() as connection:
            count, oldest = connection.exec_driver_sql(statement, _parameters(cursor)).one()
        if not count:
            return Backlog(0, 0.0)
        return Backlog(count, max(0.0, (self._clock.now() - from_text(oldest)).total_seconds()))

    def hashes(
        self, connection: sa.Connection, cursor: Cursor, upto: Cursor | None = None, limit: int = 1 << 62
    ) -> tuple[list[str], Cursor]:
        """The hashes of at most `limit` events after `cursor` up to `upto` (or the head) in log order, and where they
        end."""
        end = self._head_of(connection) if upto is None else upto
        between = f"{self._after} AND {self._upto}"
        statement = f"SELECT hash, {self._place} FROM events WHERE {between} ORDER BY {self._order} LIMIT ?"
        parameters = (*_parameters(cursor), *_parameters(end), limit)
        rows = connection.exec_driver_sql(self._database.sql(statement), parameters).fetchall()
        if len(rows) == limit:
            end = Cursor(int(rows[-1][1]), rows[-1][2])
        return [row[0] for row in rows], end

    def _rows(self, cursor: Cursor, limit: int, types: Collection[str]) -> tuple[Sequence[sa.Row[Any]], Cursor]:
        with self._database.read() as connection:
            # Up to the head nothing can appear any more, so a filtered page that is not full has seen all of it.
            head = self._head_of(connection)
            if head <= cursor:
                return [], cursor
            conditions = [self._after, self._upto]
            parameters: tuple[Any, ...] = (*_parameters(cursor), *_parameters(head))
            if types:
                conditions.append(f"type IN ({', '.join('?' * len(types))})")
                parameters += tuple(types)
            statement = f"{self._select} WHERE {' AND '.join(conditions)} ORDER BY {self._order} LIMIT ?"
            rows = connection.exec_driver_sql(self._database.sql(statement), (*parameters, limit)).fetchall()
        return rows, _cursor(rows[-1]) if len(rows) == limit else head

    def _head_of(self, connection: sa.Connection) -> Cursor:
        row = connection.exec_driver_sql(self._head).first()
        return START if row is None else Cursor(int(row[0]), row[1])


def to_envelope(entry: LogEntry) -> Envelope[Any]:
    """The typed envelope of an entry that crossed the wire, older schemas lifted. Raises UnknownEventTypeError."""
    return Envelope(
        event_id=entry.event_id,
        stream=entry.stream,
        version=entry.version,
        type=entry.type,
        schema_version=entry.schema_version,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        data=decode(entry.type, entry.schema_version, msgspec.json.encode(entry.data)),
        metadata=msgspec.convert(entry.metadata, Metadata),
        hash=entry.hash,
        cursor=Cursor.parse(entry.cursor),
    )


def _parameters(cursor: Cursor) -> tuple[str, int]:
    return str(cursor.xid), cursor.position


def _cursor(row: Sequence[Any]) -> Cursor:
    return Cursor(int(row[10]), row[11])


def _entry(row: Sequence[Any]) -> LogEntry:
    stream, version, type_, schema, event_id, occurred_at, recorded_at, payload, metadata, digest, *_ = row
    return LogEntry(
        event_id=event_id,
        stream=stream,
        version=version,
        type=type_,
        schema_version=schema,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        data=_json.decode(payload),
        metadata=_json.decode(metadata),
        hash=digest,
        cursor=str(_cursor(row)),
    )
