# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: how far a reader, such as the relay or the catch-up from another service, has come in a log."""

from __future__ import annotations

import sqlalchemy as sa

from shared.clock import Clock, to_text
from shared.eventsourcing.envelope import Cursor
from shared.eventstore.database import Database


class Checkpoints:
    """The checkpoints table of one service; names are `relay`, `catch-up:<service>` and the like."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._save = database.sql(
            "INSERT INTO checkpoints (name, xid, position, at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET xid = excluded.xid, position = excluded.position, at = excluded.at"
        )

    def load(self, name: str) -> Cursor:
        """Where the reader stands; the start of the log when it never saved."""
        statement = self._database.sql("SELECT xid, position FROM checkpoints WHERE name = ?")
        with self._database.read() as connection:
            row = connection.exec_driver_sql(statement, (name,)).first()
        return Cursor() if row is None else Cursor(row[0], row[1])

    def save(self, name: str, cursor: Cursor, connection: sa.Connection | None = None) -> None:
        """Remembers a place, in the caller's transaction when one is given."""
        parameters = (name, cursor.xid, cursor.position, to_text(self._clock.now()))
        if connection is not None:
            connection.exec_driver_sql(self._save, parameters)
            return
        with self._database.mark() as own:
            own.exec_driver_sql(self._save, parameters)
