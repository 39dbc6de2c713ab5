# SPDX-License-Identifier: Apache-2.0
"""Read models are nothing but folded events: fold them again, and compare or replace the live ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import decode
from shared.eventsourcing.fold import Fold
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.eventstore.streams import COLUMNS, envelope_of
from shared.eventstore.verify import scan

S = TypeVar("S")
MOST_DIFFERENCES = 200


class Difference(msgspec.Struct, frozen=True):
    """A row that only the live table has (`extra`) or only the folded one (`missing`)."""

    table: str
    kind: str
    row: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `check`; `equal` when every row of every folded table is the same, byte for byte."""

    service: str
    events: int
    rows: int
    tables: list[str]
    differences: list[Difference]

    @property
    def equal(self) -> bool:
        """Whether the live read model is exactly what the events say."""
        return not self.differences


def check(room: Room) -> Comparison:
    """Folds all events into a database in memory and compares every row with the live tables. Changes nothing.

    Both are read in one snapshot, so that the service may go on working. At most 200 differences are listed.
    """
    scratch = Database.memory(room.service)
    metadata = room.projections.metadata
    differences: list[Difference] = []
    rows = 0
    try:
        with scratch.write() as folded, room.database.snapshot() as live:
            metadata.create_all(folded)
            events = _fold_into(room, live, folded)
            for table in metadata.sorted_tables:
                theirs, ours = _rows_of(live, table), _rows_of(folded, table)
                rows += theirs.total()
                differences += [Difference(table.name, "extra", row) for row in sorted((theirs - ours).elements())]
                differences += [Difference(table.name, "missing", row) for row in sorted((ours - theirs).elements())]
    finally:
        scratch.close()
    return Comparison(
        service=room.service,
        events=events,
        rows=rows,
        tables=sorted(metadata.tables),
        differences=differences[:MOST_DIFFERENCES],
    )


def rebuild(room: Room) -> int:
    """Empties the live read model and folds it anew in one transaction; returns how many events were folded.

    Writers wait meanwhile. On PostgreSQL it runs as the owner, since the service's role may not lock the log.
    """
    database = room.database.owner()
    try:
        with database.write() as connection:
            if database.dialect == "postgresql":
                connection.exec_driver_sql("LOCK TABLE events IN EXCLUSIVE MODE")
            for table in reversed(room.projections.metadata.sorted_tables):
                connection.execute(table.delete())
            return _fold_into(room, connection, connection)
    finally:
        if database is not room.database:
            database.close()


def fold_all(database: Database, fold: Fold[S], prefix: str = "") -> dict[str, S]:
    """The state of every stream whose name begins with `prefix`, by one pass over the log."""
    states: dict[str, S] = {}
    with database.snapshot() as connection:
        for stream, kind, schema, payload, _ in scan(connection, "stream, type, schema_version, data"):
            if stream.startswith(prefix):
                state = states[stream] if stream in states else fold.initial()
                states[stream] = fold.step(state, decode(kind, schema, payload))
    return states


def _fold_into(room: Room, source: sa.Connection, target: sa.Connection) -> int:
    count = 0
    for envelope in _envelopes(source):
        room.projections.apply(target, (envelope,))
        count += 1
    return count


def _envelopes(connection: sa.Connection) -> Iterator[Envelope[Any]]:
    return (envelope_of(row[:10]) for row in scan(connection, COLUMNS))


def _rows_of(connection: sa.Connection, table: sa.Table) -> Counter[str]:
    return Counter(msgspec.json.encode(list(row)).decode() for row in connection.execute(sa.select(table)))
