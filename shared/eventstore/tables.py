# SPDX-License-Identifier: Apache-2.0
"""The tables that every service has, whatever its subject.

Moments are RFC 3339 text in UTC (`shared.clock.to_text`), documents are JSON text: both databases then hold the same
bytes, sort them alike, and hashes are taken over what is stored.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import UserDefinedType

metadata = sa.MetaData()


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id; an integer elsewhere."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column type in DDL."""
        return "xid8"


class current_xid(FunctionElement[int]):  # noqa: N801 - an SQL function, named as one
    """The id of the running transaction on PostgreSQL, 0 elsewhere."""

    inherit_cache = True


@compiles(current_xid)
def _current_xid(_element: Any, _compiler: Any, **_: Any) -> str:
    return "0"


@compiles(current_xid, "postgresql")
def _current_xid_postgresql(_element: Any, _compiler: Any, **_: Any) -> str:
    return "pg_current_xact_id()"


BIG = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER is an alias of SQLite's rowid
XID = sa.BigInteger().with_variant(Xid8(), "postgresql")

events = sa.Table(
    "events",
    metadata,
    sa.Column("position", KEY, sa.Identity(always=True), primary_key=True),
    sa.Column("xid", XID, nullable=False, server_default=current_xid()),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("occurred_at", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.UniqueConstraint("stream", "version", name="events_stream_version"),
    sa.UniqueConstraint("event_id", name="events_event_id"),
    sa.Index("events_log", "xid", "position").ddl_if(dialect="postgresql"),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("command_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("handler", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),  # done | retrying | parked | discarded
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("id", sa.Text),  # the dead letter's, once an attempt has failed
    sa.Column("next_attempt_at", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("envelope", sa.Text),
    sa.Column("first_failed_at", sa.Text),
    sa.Column("last_failed_at", sa.Text),
    sa.CheckConstraint("status IN ('done', 'retrying', 'parked', 'discarded')", name="inbox_status"),
)
sa.Index(
    "inbox_open",
    inbox.c.status,
    inbox.c.next_attempt_at,
    sqlite_where=inbox.c.status != "done",
    postgresql_where=inbox.c.status != "done",
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # waiting | parked | discarded
    sa.Column("run_at", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),  # grows with every schedule()
    sa.Column("holder", sa.Text),
    sa.Column("leased_until", sa.Text),
    sa.Column("scheduled_at", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("first_failed_at", sa.Text),
    sa.Column("last_failed_at", sa.Text),
    sa.CheckConstraint("status IN ('waiting', 'parked', 'discarded')", name="jobs_status"),
    sa.Index("jobs_due", "status", "run_at"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("slot", BIG, nullable=False),
    sa.Column("fired_at", sa.Text, nullable=False),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("xid", BIG, nullable=False),
    sa.Column("position", BIG, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

seals = sa.Table(
    "seals",
    metadata,
    sa.Column("number", BIG, primary_key=True, autoincrement=False),
    sa.Column("xid", BIG, nullable=False),
    sa.Column("position", BIG, nullable=False),
    sa.Column("events", BIG, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

# Append-only for real (ARCHITECTURE.md §3.8). Roles without the right are the first fence (grants.py), this the second.
APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER IF NOT EXISTS events_no_{action.lower()} BEFORE {action} ON events "
        f"BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for action in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END $$""",
        # Lock and look in one round trip: a volatile function takes a new snapshot for each of its statements, while
        # one plain statement would look with the snapshot from before the wait for the lock.
        """CREATE OR REPLACE FUNCTION stream_tip(wanted text, lock_key bigint, OUT version integer, OUT hash text)
        LANGUAGE plpgsql VOLATILE AS $$ BEGIN
            PERFORM pg_advisory_xact_lock(lock_key);
            SELECT e.version, e.hash INTO version, hash FROM events e
                WHERE e.stream = wanted ORDER BY e.version DESC LIMIT 1;
        END $$""",
        """CREATE OR REPLACE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()""",
    ),
}


@sa.event.listens_for(events, "after_create")
def _append_only(_table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
