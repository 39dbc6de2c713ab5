# SPDX-License-Identifier: Apache-2.0
"""Proves that history is whole: no event was changed, cut out, put in or moved since it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from shared.eventsourcing.event import decode
from shared.eventstore.database import Database
from shared.eventstore.seals import check_seals
from shared.eventstore.streams import COLUMNS, Tip, chain_hash

Check = Callable[[sa.Connection], Iterable[str]]
"""A service's own check, such as the sums of its ledger: yields one sentence per fault."""

SCAN_ROWS = 2000
MOST_FAULTS = 1000


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong; `stream` is empty for faults of the log as a whole or of a service's own check."""

    problem: str
    stream: str = ""
    version: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at and what was found; `ok` when nothing is wrong. At most 1,000 faults are listed."""

    service: str
    streams: int
    events: int
    seals: int
    faults: list[Fault]

    @property
    def ok(self) -> bool:
        """Whether history is whole."""
        return not self.faults


def verify(database: Database, checks: Sequence[Check] = ()) -> Report:
    """Walks the whole log once in one consistent snapshot, then its seals, then runs the service's own checks."""
    tips: dict[str, Tip] = {}
    faults: list[Fault] = []
    events = 0
    with database.snapshot() as connection:
        expected = 1
        for row in scan(connection, COLUMNS):
            events += 1
            faults += _faults_of(row, tips.get(row[0], Tip()))
            # SQLite gives positions without a gap; PostgreSQL's sequence loses those of transactions rolled back.
            if database.dialect == "sqlite" and row[10] != expected:
                faults.append(Fault(f"the log jumps from position {expected - 1} to {row[10]}"))
            expected = row[10] + 1
            tips[row[0]] = Tip(row[1], row[9])
            if len(faults) >= MOST_FAULTS:
                break
        seals, broken = check_seals(connection, database)
        faults += [Fault(problem) for problem in broken]
        for check in checks:
            faults += [Fault(problem) for problem in check(connection)]
    return Report(service=database.service, streams=len(tips), events=events, seals=seals, faults=faults[:MOST_FAULTS])


def _faults_of(row: Sequence[Any], tip: Tip) -> Iterator[Fault]:
    stream, version = row[0], row[1]
    if version != tip.version + 1:
        yield Fault(f"version {version} follows {tip.version}", stream, version)
    if chain_hash(tip.hash, tuple(row[:9])) != row[9]:
        yield Fault("the hash does not fit what is stored and what came before", stream, version)
    try:
        decode(row[2], row[3], row[7])
    except (LookupError, ValueError, msgspec.MsgspecError) as error:
        yield Fault(f"cannot be read: {type(error).__name__}", stream, version)


def scan(connection: sa.Connection, columns: str) -> Iterator[Sequence[Any]]:
    """The named columns, and the position as the last one, of every event in the order of insertion.

    That order is causal: whoever had read an event inserted after it. Log order (xid, position) is not, since a
    transaction may take its id early and insert late.
    """
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    statement = f"SELECT {columns}, position FROM events WHERE position > {mark} ORDER BY position LIMIT {SCAN_ROWS}"
    last = 0
    while rows := connection.exec_driver_sql(statement, (last,)).fetchall():
        yield from rows
        last = rows[-1][-1]
