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

from shared.eventstore import tables
from shared.settings import Settings

BUSY_TIMEOUT_MS = 10_000
IDLE_IN_TRANSACTION_MS = 30_000  # a forgotten transaction would stall every reader of the log (models.md §4.11)


class Database:
    """Opens transactions. Never yield, sleep, publish or call out inside one: SQLite has one writer."""

    def __init__(self, service: str, engine: sa.Engine, *, owner_url: sa.URL | None = None) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", service):
            raise ValueError(f"not a service name: {service!r}")
        self.service = service
        self.engine = engine
        self._owner_url = owner_url
        self.dialect: Literal["sqlite", "postgresql"] = cast("Any", engine.dialect.name)

    @classmethod
    def open(cls, service: str, settings: Settings) -> Database:
        """The service's database by the settings; nothing is created in it before `upgrade` or `create_all`."""
        if settings.database_url:
            url = sa.make_url(settings.database_url.replace("{service}", service))
            if url.get_backend_name() == "postgresql":
                owner = settings.database_owner_url.replace("{service}", service)
                engine = _postgresql(url, service, settings.database_connections)
                return cls(service, engine, owner_url=sa.make_url(owner) if owner else None)
            if url.get_backend_name() == "sqlite":
                return cls(service, _sqlite(url, settings.database_connections))
            raise ValueError(f"no support for a {url.get_backend_name()} database")
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls.file(service, settings.data_dir / f"{service}.sqlite3", connections=settings.database_connections)

    @classmethod
    def file(cls, service: str, path: Path, *, connections: int = 8) -> Database:
        """A database in the SQLite file at `path`."""
        return cls(service, _sqlite(sa.URL.create("sqlite", database=str(path)), connections))

    @classmethod
    def memory(cls, service: str = "scratch") -> Database:
        """A database in memory on one connection, gone when closed: for scratch folds and single-threaded tests."""
        return cls(service, _sqlite(sa.URL.create("sqlite", database=":memory:"), 1))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One write transaction: committed at the end, rolled back on an exception."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                # BEGIN IMMEDIATE, since a read that turns into a write fails with "locked" whatever the timeout.
                connection.execution_options(certwright_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent reading transaction; nothing written in it survives."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A reading transaction in which every statement sees the same moment, for scans of more than one table."""
        with self.engine.connect() as connection:
            if self.dialect == "postgresql":  # SQLite gives every transaction one snapshot
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    def owner(self) -> Database:
        """The same database as the role that owns its tables, for migrations; close it afterwards if it is another."""
        if self._owner_url is None:
            return self
        return Database(self.service, _postgresql(self._owner_url, self.service, 1))

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
        self.engine.dispose()

    def sql(self, text: str) -> str:
        """`text`, written with `?`, in the placeholders of this database's driver."""
        return _placeholders(text) if self.dialect == "postgresql" else text


@functools.cache
def _placeholders(text: str) -> str:
    return text.replace("?", "%s")


def _sqlite(url: sa.URL, connections: int) -> sa.Engine:
    memory = url.database in {None, "", ":memory:"}
    options: dict[str, Any] = (
        {"poolclass": sa.StaticPool}
        if memory
        else {"poolclass": sa.QueuePool, "pool_size": connections, "max_overflow": 0, "pool_timeout": 30}
    )
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": 10}, **options)

    @sa.event.listens_for(engine, "connect")
    def _connect(driver: Any, _record: Any) -> None:
        driver.isolation_level = None  # the driver begins nothing by itself
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # INSERT OR REPLACE must meet the append-only trigger too
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            driver.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("certwright_begin", "BEGIN"))

    return engine


def _postgresql(url: sa.URL, service: str, connections: int) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "options": f"-c search_path={service} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}",
            "application_name": f"certwright {service}",
        },
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
    )
