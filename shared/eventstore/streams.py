# SPDX-License-Identifier: Apache-2.0
"""Streams: append with an expected version, append to a hot stream under a lock, load and fold."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from shared.eventsourcing.envelope import Cursor, Envelope, Metadata
from shared.eventsourcing.event import Event, decode, encode
from shared.eventsourcing.fold import Fold
from shared.eventstore import driver
from shared.eventstore.database import Database

S = TypeVar("S")
COLUMNS = "stream, version, type, schema_version, event_id, occurred_at, recorded_at, data, metadata, hash"
_metadata = msgspec.json.Decoder(Metadata)
_canonical = msgspec.json.Encoder(order="deterministic")


class ConflictError(Exception):
    """Somebody else appended to the stream since it was loaded: load and decide again."""


class Tip(NamedTuple):
    """Where a stream ends: its last version and the hash of its last event; (0, "") before the first."""

    version: int = 0
    hash: str = ""


class Loaded(Generic[S]):
    """A stream as it was read: the state that its events fold to, and the tip that the next append expects."""

    __slots__ = ("fold", "state", "stream", "tip")

    def __init__(self, stream: str, fold: Fold[S], state: S, tip: Tip) -> None:
        self.stream = stream
        self.fold = fold
        self.state = state
        self.tip = tip

    @property
    def version(self) -> int:
        """How many events the stream had."""
        return self.tip.version

    @property
    def exists(self) -> bool:
        """Whether the stream had any event."""
        return self.tip.version > 0


class Appended(list[Envelope[Any]]):
    """The envelopes of one append; `tip` is where the stream ends now."""

    def __init__(self, tip: Tip) -> None:
        super().__init__()
        self.tip = tip


def chain_hash(previous: str, row: Sequence[Any]) -> str:
    """SHA-256 (hex) over the previous event's hash and the canonical text of every stored field of `row`.

    `row` is in the order of `COLUMNS` without the hash. Position and transaction id are no part of it: they belong to
    the database that holds the log and change when the log is copied.
    """
    return hashlib.sha256(previous.encode() + b"\n" + _canonical.encode(row)).hexdigest()


def envelope_of(row: Sequence[Any], cursor: Cursor = Cursor()) -> Envelope[Any]:  # noqa: B008 - a constant tuple
    """The envelope of a row in the order of `COLUMNS`. Raises UnknownEventTypeError."""
    stream, version, type_, schema, event_id, occurred_at, recorded_at, payload, metadata, digest = row
    return Envelope(
        event_id=event_id,
        stream=stream,
        version=version,
        type=type_,
        schema_version=schema,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        data=decode(type_, schema, payload),
        metadata=_metadata.decode(metadata),
        hash=digest,
        cursor=cursor,
    )


@functools.cache
def _insert(dialect: str, rows: int) -> str:
    mark = "%s" if dialect == "postgresql" else "?"
    row = f"({', '.join([mark] * 10)})"
    return f"INSERT INTO events ({COLUMNS}) VALUES {', '.join([row] * rows)}"


class Streams:
    """Reads and writes the events table through an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect
        sql = database.sql
        self._load = sql(
            "SELECT type, schema_version, data, version, hash FROM events WHERE stream = ? ORDER BY version"
        )
        self._tip = sql("SELECT version, hash FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1")
        self._read = sql(f"SELECT {COLUMNS} FROM events WHERE stream = ? ORDER BY version")
        self._turn = sql("SELECT version, hash FROM stream_tip(?, ?)")
        self._lock = sql("SELECT pg_advisory_xact_lock(?)")

    def load(self, connection: sa.Connection, stream: str, fold: Fold[S]) -> Loaded[S]:
        """The folded state of `stream`; the initial state when it has no events. Raises UnknownEventTypeError."""
        rows = driver.rows(connection, self._load, (stream,))
        if not rows:
            return Loaded(stream, fold, fold.initial(), Tip())
        state = fold([decode(row[0], row[1], row[2]) for row in rows])
        return Loaded(stream, fold, state, Tip(rows[-1][3], rows[-1][4]))

    def read(self, connection: sa.Connection, stream: str) -> list[Envelope[Any]]:
        """Every event of `stream` in order."""
        return [envelope_of(row) for row in driver.rows(connection, self._read, (stream,))]

    def tip(self, connection: sa.Connection, stream: str) -> Tip:
        """Where `stream` ends."""
        found = driver.rows(connection, self._tip, (stream,))
        return Tip(*found[0]) if found else Tip()

    def tip_in_turn(self, connection: sa.Connection, stream: str) -> Tip:
        """Where `stream` ends, once every other writer that asked this way before is through."""
        if self._dialect == "sqlite":
            return self.tip(connection, stream)
        (row,) = driver.rows(connection, self._turn, (stream, self._lock_key(stream)))
        return Tip() if row[0] is None else Tip(*row)

    def lock(self, connection: sa.Connection, stream: str) -> None:
        """Holds `stream` until the transaction ends. SQLite needs nothing: a write transaction holds the database."""
        if self._dialect == "postgresql":
            driver.rows(connection, self._lock, (self._lock_key(stream),))

    def _lock_key(self, stream: str) -> int:
        digest = hashlib.blake2b(stream.encode(), digest_size=8, person=self._database.service.encode()[:16])
        return int.from_bytes(digest.digest(), "big", signed=True)

    def append(
        self,
        connection: sa.Connection,
        stream: str,
        tip: Tip,
        facts: Sequence[Event],
        *,
        event_ids: Sequence[str],
        at: str,
        recorded_at: str,
        metadata: Metadata,
    ) -> Appended:
        """Appends `facts` behind `tip` in one statement; the unique (stream, version) is the arbiter.

        Raises ConflictError when the stream has gone on since `tip` was read.
        """
        appended, rows = _chained((stream, tip), facts, event_ids, (at, recorded_at), metadata)
        try:
            driver.change(connection, _insert(self._dialect, len(rows)), tuple(chain.from_iterable(rows)))
        except IntegrityError as error:
            raise ConflictError(f"{stream} went on behind version {tip.version}") from error
        return appended

    def append_each(
        self,
        connection: sa.Connection,
        facts: Mapping[str, Event],
        *,
        event_ids: Sequence[str],
        at: str,
        recorded_at: str,
        metadata: Metadata,
    ) -> list[Envelope[Any]]:
        """Appends one fact to each of many streams, in turn: `append` behind `tip_in_turn` in one go. Everybody takes
        the streams in the same order, so that no two wait for each other. Raises ConflictError."""
        envelopes: list[Envelope[Any]] = []
        rows: list[tuple[Any, ...]] = []
        for stream, event_id in zip(sorted(facts), event_ids, strict=True):
            tip = self.tip_in_turn(connection, stream)
            appended, row = _chained((stream, tip), (facts[stream],), (event_id,), (at, recorded_at), metadata)
            envelopes += appended
            rows += row
        try:
            driver.change_each(connection, _insert(self._dialect, 1), rows)
        except IntegrityError as error:
            raise ConflictError("one of the streams went on") from error
        return envelopes


def _chained(
    behind: tuple[str, Tip],
    facts: Sequence[Event],
    event_ids: Sequence[str],
    moments: tuple[str, str],
    metadata: Metadata,
) -> tuple[Appended, list[tuple[Any, ...]]]:
    """Facts behind a stream's tip as envelopes and as rows in the order of `COLUMNS`; `moments` are `occurred_at` and
    `recorded_at`."""
    stream, (version, digest) = behind
    appended = Appended(behind[1])
    at, recorded_at = moments
    described = _canonical.encode(metadata).decode()
    rows: list[tuple[Any, ...]] = []
    for fact, event_id in zip(facts, event_ids, strict=True):
        version += 1
        kind = type(fact)
        row = (stream, version, kind.TYPE, kind.SCHEMA, event_id, at, recorded_at, encode(fact), described)
        digest = chain_hash(digest, row)
        rows.append((*row, digest))
        appended.append(
            Envelope(
                event_id=event_id,
                stream=stream,
                version=version,
                type=kind.TYPE,
                schema_version=kind.SCHEMA,
                occurred_at=at,
                recorded_at=recorded_at,
                data=fact,
                metadata=metadata,
                hash=digest,
            )
        )
    appended.tip = Tip(version, digest)
    return appended, rows
