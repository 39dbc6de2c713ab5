# SPDX-License-Identifier: Apache-2.0
"""The store's own tables as they once were, version by version: frozen statements that revisions of services call.

`tables.py` says what they are now; tests hold the sum of the versions against it on both databases.
"""

from __future__ import annotations

from typing import Any, Final

VERSION_1: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": (
        """CREATE TABLE checkpoints (
            name TEXT NOT NULL,
            xid BIGINT NOT NULL,
            position BIGINT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
        """CREATE TABLE commands (
            command_id TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            reply TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (command_id)
        )""",
        """CREATE TABLE events (
            position INTEGER NOT NULL,
            xid BIGINT DEFAULT 0 NOT NULL,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            type TEXT NOT NULL,
            schema_version INTEGER NOT NULL,
            event_id TEXT NOT NULL,
            occurred_at TEXT NOT NULL,
            recorded_at TEXT NOT NULL,
            data TEXT NOT NULL,
            metadata TEXT NOT NULL,
            hash TEXT NOT NULL,
            PRIMARY KEY (position),
            CONSTRAINT events_stream_version UNIQUE (stream, version),
            CONSTRAINT events_event_id UNIQUE (event_id)
        )""",
        """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
        """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
        """CREATE TABLE inbox (
            event_id TEXT NOT NULL,
            handler TEXT NOT NULL,
            status TEXT NOT NULL,
            attempts INTEGER DEFAULT '0' NOT NULL,
            at TEXT NOT NULL,
            id TEXT,
            next_attempt_at TEXT,
            error TEXT,
            envelope TEXT,
            first_failed_at TEXT,
            last_failed_at TEXT,
            PRIMARY KEY (event_id, handler),
            CONSTRAINT inbox_status CHECK (status IN ('done', 'retrying', 'parked', 'discarded'))
        )""",
        """CREATE INDEX inbox_open ON inbox (status, next_attempt_at) WHERE status != 'done'""",
        """CREATE TABLE jobs (
            kind TEXT NOT NULL,
            "key" TEXT NOT NULL,
            id TEXT NOT NULL,
            payload TEXT NOT NULL,
            status TEXT NOT NULL,
            run_at TEXT NOT NULL,
            attempts INTEGER DEFAULT '0' NOT NULL,
            revision INTEGER DEFAULT '1' NOT NULL,
            holder TEXT,
            leased_until TEXT,
            scheduled_at TEXT NOT NULL,
            metadata TEXT NOT NULL,
            error TEXT,
            first_failed_at TEXT,
            last_failed_at TEXT,
            PRIMARY KEY (kind, "key"),
            CONSTRAINT jobs_status CHECK (status IN ('waiting', 'parked', 'discarded')),
            UNIQUE (id)
        )""",
        """CREATE INDEX jobs_due ON jobs (status, run_at)""",
        """CREATE TABLE leases (
            name TEXT NOT NULL,
            holder TEXT NOT NULL,
            until TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
        """CREATE TABLE seals (
            number BIGINT NOT NULL,
            xid BIGINT NOT NULL,
            position BIGINT NOT NULL,
            events BIGINT NOT NULL,
            digest TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (number)
        )""",
        """CREATE TABLE timers (
            name TEXT NOT NULL,
            slot BIGINT NOT NULL,
            fired_at TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
    ),
    "postgresql": (
        """CREATE TABLE checkpoints (
            name TEXT NOT NULL,
            xid BIGINT NOT NULL,
            position BIGINT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
        """CREATE TABLE commands (
            command_id TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            reply TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (command_id)
        )""",
        """CREATE TABLE events (
            position BIGINT GENERATED ALWAYS AS IDENTITY,
            xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
            stream TEXT NOT NULL,
            version INTEGER NOT NULL,
            type TEXT NOT NULL,
            schema_version INTEGER NOT NULL,
            event_id TEXT NOT NULL,
            occurred_at TEXT NOT NULL,
            recorded_at TEXT NOT NULL,
            data TEXT NOT NULL,
            metadata TEXT NOT NULL,
            hash TEXT NOT NULL,
            PRIMARY KEY (position),
            CONSTRAINT events_stream_version UNIQUE (stream, version),
            CONSTRAINT events_event_id UNIQUE (event_id)
        )""",
        """CREATE INDEX events_log ON events (xid, position)""",
        """CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END $$""",
        """CREATE FUNCTION stream_tip(wanted text, lock_key bigint, OUT version integer, OUT hash text)
            LANGUAGE plpgsql VOLATILE AS $$ BEGIN
                PERFORM pg_advisory_xact_lock(lock_key);
                SELECT e.version, e.hash INTO version, hash FROM events e
                    WHERE e.stream = wanted ORDER BY e.version DESC LIMIT 1;
            END $$""",
        """CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()""",
        """CREATE TABLE inbox (
            event_id TEXT NOT NULL,
            handler TEXT NOT NULL,
            status TEXT NOT NULL,
            attempts INTEGER DEFAULT '0' NOT NULL,
            at TEXT NOT NULL,
            id TEXT,
            next_attempt_at TEXT,
            error TEXT,
            envelope TEXT,
            first_failed_at TEXT,
            last_failed_at TEXT,
            PRIMARY KEY (event_id, handler),
            CONSTRAINT inbox_status CHECK (status IN ('done', 'retrying', 'parked', 'discarded'))
        )""",
        """CREATE INDEX inbox_open ON inbox (status, next_attempt_at) WHERE status != 'done'""",
        """CREATE TABLE jobs (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            id TEXT NOT NULL,
            payload TEXT NOT NULL,
            status TEXT NOT NULL,
            run_at TEXT NOT NULL,
            attempts INTEGER DEFAULT '0' NOT NULL,
            revision INTEGER DEFAULT '1' NOT NULL,
            holder TEXT,
            leased_until TEXT,
            scheduled_at TEXT NOT NULL,
            metadata TEXT NOT NULL,
            error TEXT,
            first_failed_at TEXT,
            last_failed_at TEXT,
            PRIMARY KEY (kind, key),
            CONSTRAINT jobs_status CHECK (status IN ('waiting', 'parked', 'discarded')),
            UNIQUE (id)
        )""",
        """CREATE INDEX jobs_due ON jobs (status, run_at)""",
        """CREATE TABLE leases (
            name TEXT NOT NULL,
            holder TEXT NOT NULL,
            until TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
        """CREATE TABLE seals (
            number BIGINT NOT NULL,
            xid BIGINT NOT NULL,
            position BIGINT NOT NULL,
            events BIGINT NOT NULL,
            digest TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (number)
        )""",
        """CREATE TABLE timers (
            name TEXT NOT NULL,
            slot BIGINT NOT NULL,
            fired_at TEXT NOT NULL,
            PRIMARY KEY (name)
        )""",
    ),
}


def version_1(op: Any) -> None:
    """Creates the tables of the first version. `op` is Alembic's operations proxy."""
    connection = op.get_bind()
    for statement in VERSION_1[connection.dialect.name]:
        connection.exec_driver_sql(statement)
