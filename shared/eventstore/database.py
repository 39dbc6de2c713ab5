# SPDX-License-Identifier: Apache-2.0
"""One service's database: a SQLite file of its own, or a schema of its own on PostgreSQL."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.eventstore import tables
from shared.eventstore.connections import Connections
from shared.settings import Settings

BUSY_TIMEOUT_MS = 10_000
CACHE_KB = 16_000  # at most, of each connection: what thousands of rows change, indexes too, is not written out midway
IDLE_IN_TRANSACTION_MS = 30_000  # a forgotten transaction would stall every reader of the log (models.md §4.11)


def is_outage(error: BaseException) -> bool:
    """Whether the database did not answer, or not in time, rather than refused what it was asked."""
    return isinstance(error, OperationalError | InterfaceError | PoolTimeoutError)


class Database:
    """Opens transactions. Never yield, sleep, publish or call out inside one: SQLite has one writer."""

    def __init__(
        self,
        service: str,
        writing: sa.Engine,
        reading: sa.Engine | None = None,
        marking: sa.Engine | None = None,
        *,
        connections: int = 8,
        owner_url: sa.URL | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", service):
            raise ValueError(f"not a service name: {service!r}")
        self.service = service
        self.engine = writing
        self.dialect: Literal["sqlite", "postgresql"] = cast("Any", writing.dialect.name)
        self._owner_url = owner_url
        self._reading = reading
        sqlite = self.dialect == "sqlite"
        # BEGIN IMMEDIATE, since a read that turns into a write fails with "locked" whatever the timeout.
        self._writers = Connections(writing, max(1, connections // 2), "BEGIN IMMEDIATE" if sqlite else "")
        self._readers = (
            None
            if reading is None
            else Connections(reading, max(1, connections // 2), "BEGIN" if sqlite else "", autocommit=not sqlite)
        )
        self._markers = (
            self._writers if marking is None else Connections(marking, 2, "BEGIN IMMEDIATE" if sqlite else "")
        )
        self._marking = marking
        if self._readers is not None:
            family = [self._writers, self._readers, self._markers]
            self._readers.family = self._writers.family = self._markers.family = family
        self._open: sa.Connection | None = None

    @classmethod
    def open(cls, service: str, settings: Settings) -> Database:
        """The service's database by the settings; nothing is created in it before `upgrade` or `create_all`."""
        connections = settings.database_connections
        if not settings.database_url:
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls.file(service, settings.data_dir / f"{service}.sqlite3", connections=connections)
        url = sa.make_url(settings.database_url.replace("{service}", service))
        if url.get_backend_name() != "postgresql":
            raise ValueError(f"no support for a {url.get_backend_name()} database")
        owner = settings.database_owner_url.replace("{service}", service)
        return cls(
            service,
            _postgresql(url, service),
            _postgresql(url, service, "-c default_transaction_read_only=on"),
            _postgresql(url, service, "-c synchronous_commit=off"),
            connections=connections,
            owner_url=sa.make_url(owner) if owner else None,
        )

    @classmethod
    def file(cls, service: str, path: Path, *, connections: int = 8) -> Database:
        """A database in the SQLite file at `path`."""
        url = sa.URL.create("sqlite", database=str(path))
        return cls(
            service,
            _sqlite(url),
            _sqlite(url, "query_only=ON"),
            _sqlite(url, "synchronous=NORMAL"),
            connections=connections,
        )

    @classmethod
    def memory(cls, service: str = "scratch") -> Database:
        """A database in memory on one connection, gone when closed: for scratch folds and single-threaded tests."""
        return cls(service, _sqlite(sa.URL.create("sqlite", database=":memory:")), connections=2)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One write transaction: committed at the end, rolled back on an exception."""
        yield from self._transaction(self._writers)

    @contextmanager
    def mark(self) -> Iterator[sa.Connection]:
        """A write transaction that a power cut may take back whole, since it is not waited for until it is on disk.

        For what is found out again: leases, how far a reader got, that a job was taken or has ended. Never for facts.
        """
        yield from self._transaction(self._markers)

    def _transaction(self, pool: Connections) -> Iterator[sa.Connection]:
        connection = pool.begin()
        if self._readers is None:
            self._open = connection
        try:
            yield connection
        except BaseException:
            self._open = None
            pool.rollback(connection)
            raise
        self._open = None
        pool.commit(connection)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection to read with; writing is refused.

        On SQLite everything read in the block is of one moment. On PostgreSQL each statement sees what is committed
        when it starts; where that is not enough, there is `snapshot`.
        """
        if self._readers is None:
            yield from self._read_memory()
            return
        connection = self._readers.begin()
        try:
            yield connection
        finally:
            self._readers.rollback(connection)

    def _read_memory(self) -> Iterator[sa.Connection]:
        if self._open is not None:  # the one connection is in a transaction of this thread already
            yield self._open
            return
        connection = self._writers.begin()
        try:
            yield connection
        finally:
            self._writers.rollback(connection)

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A reading transaction in which every statement sees the same moment, for scans of more than one table."""
        if self.dialect == "sqlite" or self._reading is None:
            with self.read() as connection:
                yield connection
            return
        with self._reading.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    def owner(self) -> Database:
        """The same database as the role that owns its tables, for migrations; close it afterwards if it is another."""
        if self._owner_url is None:
            return self
        return Database(
            self.service, _postgresql(self._owner_url, self.service), _postgresql(self._owner_url, self.service)
        )

    def create_schema(self) -> None:
        """Makes the service's schema on PostgreSQL where there is none; nothing elsewhere."""
        if self.dialect == "postgresql":
            with self.engine.connect() as connection:
                found = connection.execute(
                    sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": self.service}
                ).scalar()
                if not found:
                    connection.execute(sa.schema.CreateSchema(self.service, if_not_exists=True))
                    connection.commit()

    def create_all(self, *metadata: sa.MetaData) -> None:
        """Creates the store's tables and those of `metadata` where they do not exist: for tests and scratch data."""
        self.create_schema()
        with self.write() as connection:
            for each in (tables.metadata, *metadata):
                each.create_all(connection)

    def close(self) -> None:
        """Closes every idle connection."""
        self._writers.close()
        self.engine.dispose()
        if self._readers is not None:
            self._readers.close()
        if self._reading is not None:
            self._reading.dispose()
        self._markers.close()
        if self._marking is not None:
            self._marking.dispose()

    def sql(self, text: str) -> str:
        """`text`, written with `?`, in the placeholders of this database's driver."""
        return _placeholders(text) if self.dialect == "postgresql" else text


@functools.cache
def _placeholders(text: str) -> str:
    return text.replace("?", "%s")


def _sqlite(url: sa.URL, *pragmas: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        connect_args={"check_same_thread": False},
        poolclass=sa.StaticPool if url.database == ":memory:" else sa.NullPool,
    )

    @sa.event.listens_for(engine, "connect")
    def _connect(driver: Any, _record: Any) -> None:
        driver.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # INSERT OR REPLACE must meet the append-only trigger too
            f"cache_size=-{CACHE_KB}",
            *pragmas,
        ):
            driver.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql(url: sa.URL, service: str, *options: str) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "options": " ".join(
                (
                    f"-c search_path={service}",
                    f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}",
                    *options,
                )
            ),
            "application_name": f"certwright {service}",
        },
        poolclass=sa.NullPool,
    )
