# SPDX-License-Identifier: Apache-2.0
"""Leases: of all replicas of a service, one does a thing, such as relaying, until its lease runs out."""

from __future__ import annotations

from datetime import timedelta

from shared.clock import Clock, to_text
from shared.eventstore.database import Database


class Leases:
    """The leases table of one service. Clocks of replicas may differ by less than a lease's length."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._take = database.sql(
            "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET holder = excluded.holder, until = excluded.until "
            "WHERE leases.holder = excluded.holder OR leases.until <= ? RETURNING holder"
        )

    def take(self, name: str, holder: str, seconds: float) -> bool:
        """Takes a lease that is free, has run out or is the holder's own (then it is renewed); False otherwise."""
        now = self._clock.now()
        until = to_text(now + timedelta(seconds=seconds))
        with self._database.mark() as connection:
            return connection.exec_driver_sql(self._take, (name, holder, until, to_text(now))).first() is not None

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        """Prolongs the holder's lease; False when it was lost to somebody else."""
        now = self._clock.now()
        statement = self._database.sql("UPDATE leases SET until = ? WHERE name = ? AND holder = ?")
        with self._database.mark() as connection:
            until = to_text(now + timedelta(seconds=seconds))
            return connection.exec_driver_sql(statement, (until, name, holder)).rowcount == 1

    def release(self, name: str, holder: str) -> None:
        """Gives a lease back at once; nothing happens when it is not the holder's."""
        statement = self._database.sql("DELETE FROM leases WHERE name = ? AND holder = ?")
        with self._database.mark() as connection:
            connection.exec_driver_sql(statement, (name, holder))

    def holder(self, name: str) -> str | None:
        """Who holds a lease now; None when nobody does."""
        statement = self._database.sql("SELECT holder FROM leases WHERE name = ? AND until > ?")
        with self._database.read() as connection:
            found: str | None = connection.exec_driver_sql(statement, (name, to_text(self._clock.now()))).scalar()
        return found
