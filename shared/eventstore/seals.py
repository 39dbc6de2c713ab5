# SPDX-License-Identifier: Apache-2.0
"""Seals: from time to time, one digest over the whole log so far.

A hash chain per stream shows a change or a hole inside a stream, but not that a stream's last events, or all of it, are
gone. A seal does, for everything before it. Whoever keeps a seal's digest elsewhere (it is logged) can prove it against
somebody who may rewrite the whole database.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from shared.clock import Clock, to_text
from shared.eventsourcing.envelope import Cursor
from shared.eventstore.database import Database
from shared.eventstore.log import Log

MOST_EVENTS = 50_000  # per seal, so that the first seal of a long log needs no room for all of it


class Seals:
    """The seals table of one service. A timer seals once an hour or so; a seal costs one pass over what is new."""

    def __init__(self, database: Database, clock: Clock, log: Log) -> None:
        self._database = database
        self._clock = clock
        self._log = log
        self._insert = database.sql(
            "INSERT INTO seals (number, xid, position, events, digest, at) VALUES (?, ?, ?, ?, ?, ?)"
        )

    def seal(self) -> str | None:
        """Seals what came since the last seal, at most 50,000 events at a time; the digest (hex), or None when nothing
        came or another replica was first."""
        with self._database.read() as connection:
            last = connection.exec_driver_sql(
                "SELECT number, xid, position, events, digest FROM seals ORDER BY number DESC LIMIT 1"
            ).first()
            number, cursor, events, digest = (
                (0, Cursor(), 0, "") if last is None else (last[0], Cursor(last[1], last[2]), last[3], last[4])
            )
            rows, reached = self._log.hashes(connection, cursor, limit=MOST_EVENTS)
        if not rows:
            return None
        digest = _extend(digest, rows)
        moment = to_text(self._clock.now())
        parameters = (number + 1, reached.xid, reached.position, events + len(rows), digest, moment)
        try:
            with self._database.write() as connection:
                connection.exec_driver_sql(self._insert, parameters)
        except sa.exc.IntegrityError:
            return None
        return digest


def _extend(digest: str, hashes: list[str]) -> str:
    return hashlib.sha256("\n".join([digest, *hashes]).encode()).hexdigest()


def check_seals(connection: sa.Connection, database: Database) -> tuple[int, list[str]]:
    """How many seals there are, and one sentence for each that the log no longer fits."""
    log = Log(database, _NoClock())
    cursor, digest, count = Cursor(), "", 0
    broken: list[str] = []
    seals = connection.exec_driver_sql("SELECT xid, position, events, digest, at FROM seals ORDER BY number").fetchall()
    for xid, position, events, sealed, moment in seals:
        upto = Cursor(xid, position)
        rows, _ = log.hashes(connection, cursor, upto)
        count += len(rows)
        digest = _extend(digest, rows)
        if count != events:
            broken.append(f"the seal of {moment} counts {events} events, the log has {count}")
        elif digest != sealed:
            broken.append(f"the seal of {moment} does not fit the log")
        cursor, digest, count = upto, sealed, events
    return len(seals), broken


class _NoClock:
    def now(self) -> Any:
        raise AssertionError("checking seals asks for no time")
