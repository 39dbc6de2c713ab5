# SPDX-License-Identifier: Apache-2.0
"""Timers that fire once per period, however many replicas of a service look at the clock."""

from __future__ import annotations

from shared.clock import Clock, to_text
from shared.eventstore.database import Database


class Timers:
    """The timers table of one service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fire = database.sql(
            "INSERT INTO timers (name, slot, fired_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET slot = excluded.slot, fired_at = excluded.fired_at WHERE timers.slot < excluded.slot RETURNING name"
        )
        self._slot = database.sql("SELECT slot FROM timers WHERE name = ?")

    def fire(self, name: str, every: float) -> bool:
        """Whether the caller is the one to act in the present period of `every` seconds; asking again gives False.

        Periods are counted from the Unix epoch, so that replicas agree on them; nothing is made up for after a
        standstill.
        """
        now = self._clock.now()
        slot = int(now.timestamp() // every)
        with self._database.read() as connection:  # mostly the answer is no, and needs no write
            last = connection.exec_driver_sql(self._slot, (name,)).scalar()
        if last is not None and last >= slot:
            return False
        with self._database.mark() as connection:
            return connection.exec_driver_sql(self._fire, (name, slot, to_text(now))).first() is not None
