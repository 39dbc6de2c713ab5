# SPDX-License-Identifier: Apache-2.0
"""Open connections kept for their next transaction, which is begun and ended on the driver's own connection.

SQLAlchemy's pool and transaction objects cost as much per transaction as three inserted events (bench: append). So a
`Connection` stays checked out, with one SQLAlchemy transaction that never ends, and only the driver begins, commits and
rolls back under it. Statements still run through SQLAlchemy.
"""

from __future__ import annotations

import threading
import time
from collections import deque

import sqlalchemy as sa

from shared.errors import Code, ServiceError

WAIT_S = 30.0
CHECK_AFTER_S = 5.0  # a connection that was idle for longer is asked whether its server is still there


class Connections:
    """At most `limit` connections of one engine. `begin` is what starts a transaction; empty when the driver does it by
    itself at the first statement. `autocommit` has none at all: each statement stands alone."""

    def __init__(self, engine: sa.Engine, limit: int, begin: str, *, autocommit: bool = False) -> None:
        self._engine = engine
        self._limit = limit
        self._begin = begin
        self._autocommit = autocommit
        self._remote = engine.dialect.name == "postgresql"
        self._error = engine.dialect.loaded_dbapi.Error
        self._idle: deque[tuple[sa.Connection, float]] = deque()  # taken from and put back without the lock
        self._changed = threading.Condition()
        self._opened = 0
        self._waiting = 0
        self.family = [self]  # pools to the same server: a connection lost in one is a warning to all

    def begin(self) -> sa.Connection:
        """A connection with a transaction begun. Raises ServiceError `unavailable` when none gets free in time, and
        OperationalError when the database does not answer."""
        connection = self._take()
        if self._begin:
            try:
                connection.connection.dbapi_connection.execute(self._begin)  # type: ignore[union-attr]
            except self._error as error:
                self._drop(connection)
                raise sa.exc.OperationalError(self._begin, None, error) from error
            except BaseException:
                self._drop(connection)
                raise
        return connection

    def commit(self, connection: sa.Connection) -> None:
        """Commits and keeps the connection. Raises OperationalError; whether it was committed is then unknown."""
        try:
            connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
        except self._error as error:
            self._drop(connection)
            raise sa.exc.OperationalError("COMMIT", None, error) from error
        except BaseException:
            self._drop(connection)
            raise
        self._keep(connection)

    def rollback(self, connection: sa.Connection) -> None:
        """Rolls back and keeps the connection, or closes it when it is broken. Never raises for a database's error."""
        if connection.invalidated or connection.closed:
            self._drop(connection)
            return
        try:
            connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr]
        except self._error:
            self._drop(connection)
        except BaseException:
            self._drop(connection)
            raise
        else:
            self._keep(connection)

    def close(self) -> None:
        """Closes what is idle."""
        while (connection := self._pop()) is not None:
            self._forget(connection)

    def _take(self) -> sa.Connection:
        while (connection := self._pop(check=True) or self._wait()) is None:
            pass
        return connection

    def _pop(self, *, check: bool = False) -> sa.Connection | None:
        try:
            connection, since = self._idle.pop()
        except IndexError:
            return None
        if check and self._remote and time.monotonic() - since > CHECK_AFTER_S and not _answers(connection):
            self._drop(connection)
            return None
        return connection

    def _wait(self) -> sa.Connection | None:
        """A new connection where the limit allows one; otherwise None, as soon as another try may succeed."""
        with self._changed:
            if self._opened >= self._limit:
                self._waiting += 1
                try:
                    if not self._idle and not self._changed.wait(WAIT_S):
                        raise ServiceError(Code.UNAVAILABLE, "Too much waits for the database. Try again.")
                finally:
                    self._waiting -= 1
                return None
            self._opened += 1
        try:
            connection = self._engine.connect()
        except BaseException:
            self._count_down()
            raise
        if self._autocommit:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.begin()
        return connection

    def _keep(self, connection: sa.Connection) -> None:
        self._idle.append((connection, time.monotonic()))
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def _drop(self, connection: sa.Connection) -> None:
        self._forget(connection)
        if self._remote:
            for pool in self.family:
                pool.close()  # idle connections may have lost their server too, and opening one costs little

    def _forget(self, connection: sa.Connection) -> None:
        try:
            connection.invalidate()
            connection.close()
        except sa.exc.SQLAlchemyError:
            pass  # it is thrown away because it is broken
        finally:
            self._count_down()

    def _count_down(self) -> None:
        with self._changed:
            self._opened -= 1
            self._changed.notify()


def _answers(connection: sa.Connection) -> bool:
    try:
        connection.exec_driver_sql("SELECT 1")
    except sa.exc.DBAPIError:
        return False
    return True
