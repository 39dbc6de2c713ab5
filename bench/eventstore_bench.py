# SPDX-License-Identifier: Apache-2.0
"""The event store beside the raw driver, beside the `eventsourcing` library, and beside optimistic retry.

Everything is durable as in production: SQLite in WAL with synchronous=FULL, PostgreSQL with its defaults. Ours goes the
whole way of a command (`Room.execute`): context, transaction, encoding, hash chain, envelopes, read model hook. The raw
driver writes the same rows into the same tables with a hash that is a constant. The ratio is the median of the ratios
of interleaved pairs; `ratio_by_cpu` compares the processor time of this process, which neighbours on a shared machine
disturb less.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench.eventstore_subject import new_id, order, peer_application, peer_order, three, twelve
from certwright.servers import postgresql
from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.eventsourcing.event import encode
from shared.eventstore import schema
from shared.eventstore.database import Database
from shared.eventstore.projections import Projections
from shared.eventstore.rebuild import fold_all
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.eventstore.verify import verify
from shared.settings import Settings

PAIRS = 5
SECONDS = 0.8
ORDERS = 1500
HOT_WRITERS = 4
COLUMNS = "stream, version, type, schema_version, event_id, occurred_at, recorded_at, data, metadata, hash"
CONTEXT = Context(actor="user:1", account_id="account")


class Sample(NamedTuple):
    """Units per second of wall time, and microseconds of this process's processor time per unit."""

    rate: float
    cpu_us: float


def lines() -> Iterator[dict[str, Any]]:
    """All figures of this file."""
    with tempfile.TemporaryDirectory(prefix="certwright-bench-") as home, postgresql.running(Path(home)) as server:
        sqlite = Settings(data_dir=Path(home) / "sqlite", database_url="")
        postgres = Settings(data_dir=Path(home) / "sqlite", database_url=server.create_database("bench"))
        for name, settings in (("sqlite", sqlite), ("postgresql", postgres)):
            peer = settings.database_url or str(Path(home) / "peer.sqlite3")
            yield from appending(name, settings, peer)
            yield from rebuilding(name, settings, peer)
        yield hot_stream(postgres)


def appending(name: str, settings: Settings, peer_database: str) -> Iterator[dict[str, Any]]:
    """Events appended a second, three per transaction."""
    room = open_room(settings)
    raw, close_raw = raw_append(settings)
    peer = peer_application(peer_database)

    def ours() -> None:
        room.execute(_place, f"order-{new_id()}", CONTEXT)

    def library() -> None:
        peer.save(peer_order(three()))

    samples = interleave([lambda: run(ours, 3), lambda: run(raw, 3), lambda: run(library, 3)])
    yield line(f"store_append_{name}", "events/s", samples[0], samples[1], "the raw driver, same rows")
    yield line(f"store_append_{name}_library", "events/s", samples[0], samples[2], "the eventsourcing library")
    peer.close()
    close_raw()
    room.database.close()


def rebuilding(name: str, settings: Settings, peer_database: str) -> Iterator[dict[str, Any]]:
    """Orders of 12 events rebuilt a second: one by one, and all of them by one pass."""
    room = open_room(settings, "rebuild")
    peer = peer_application(peer_database)
    streams, peers = [], []
    for _ in range(ORDERS):
        streams.append(f"whole-{new_id()}")
        room.execute(lambda uow, stream: uow.append(stream, *twelve()), streams[-1], CONTEXT)
        aggregate = peer_order(twelve())
        peer.save(aggregate)
        peers.append(aggregate.id)
    here, there = _cycle(streams), _cycle(peers)

    def ours() -> None:
        with room.query() as connection:
            room.streams.load(connection, next(here), order)

    def library() -> None:
        peer.repository.get(next(there))

    def all_at_once() -> Sample:
        began, cpu = time.perf_counter(), time.process_time()
        found = len(fold_all(room.database, order))
        return Sample(found / (time.perf_counter() - began), (time.process_time() - cpu) / found * 1e6)

    samples = interleave([lambda: run(ours), lambda: run(library), all_at_once])
    yield line(f"store_rebuild_order_{name}", "orders/s", samples[0], samples[1], "the eventsourcing library")
    against = "the eventsourcing library, order by order"
    yield line(f"store_rebuild_all_{name}", "orders/s", samples[2], samples[1], against)
    peer.close()
    room.database.close()


def hot_stream(settings: Settings) -> dict[str, Any]:
    """Appends a second onto one stream by four processes: in turn, beside load, append and retry after conflicts."""
    room = open_room(settings)
    turns, retries = [], []
    for pair in range(PAIRS):
        turns.append(_hot(settings, "in-turn", f"hot-{pair}"))
        retries.append(_hot(settings, "retry", f"cold-{pair}"))
        for stream, sample in ((f"hot-{pair}", turns[-1]), (f"cold-{pair}", retries[-1])):
            versions = [envelope.version for envelope in room.events(stream)]
            if versions != list(range(1, len(versions) + 1)) or not sample.rate:
                raise RuntimeError(f"{stream} has a gap")
    if not verify(room.database).ok:
        raise RuntimeError("the history is not whole")
    room.database.close()
    return line("store_hot_stream_postgresql", "appends/s", turns, retries, "optimistic retry, same store")


def line(name: str, unit: str, ours: list[Sample], theirs: list[Sample], against: str) -> dict[str, Any]:
    """One figure: the medians, and the median of the ratios pair by pair."""
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "name": name,
        "value": round(statistics.median(sample.rate for sample in ours), 1),
        "unit": unit,
        "against": f"{against}: {statistics.median(sample.rate for sample in theirs):.0f} {unit}",
        "ratio": round(statistics.median(one.rate / other.rate for one, other in pairs), 3),
        "ratio_by_cpu": round(statistics.median(other.cpu_us / one.cpu_us for one, other in pairs), 3),
        "cpu_us": round(statistics.median(sample.cpu_us for sample in ours), 1),
    }


def interleave(measurements: list[Callable[[], Sample]]) -> list[list[Sample]]:
    """Each measurement `PAIRS` times, in turns, after one round that does not count."""
    samples: list[list[Sample]] = [[] for _ in measurements]
    for pair in range(PAIRS + 1):
        for measurement, taken in zip(measurements, samples, strict=True):
            sample = measurement()
            if pair:
                taken.append(sample)
    return samples


def run(once: Callable[[], None], units: int = 1) -> Sample:
    """Calls `once` for `SECONDS`; each call counts as `units`."""
    count = 0
    began, cpu = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - began) < SECONDS:
        for _ in range(20):
            once()
        count += 20 * units
    return Sample(count / elapsed, (time.process_time() - cpu) / count * 1e6)


def open_room(settings: Settings, service: str = "bench") -> Room:
    """A room with nothing but the store's own tables."""
    database = Database.open(service, settings)
    database.create_all()
    return Room(service, database, Projections(), clock=SystemClock(), ids=RandomIds())


def raw_append(settings: Settings) -> tuple[Callable[[], None], Callable[[], None]]:
    """What the driver alone needs for the same rows, and how to close it."""
    dialect = "postgresql" if settings.database_url else "sqlite"
    mark = "%s" if settings.database_url else "?"
    row = f"({', '.join([mark] * 10)})"
    insert = f"INSERT INTO events ({COLUMNS}) VALUES {row}, {row}, {row}"
    connection: Any
    if settings.database_url:
        connection = psycopg.connect(settings.database_url)
        connection.execute("CREATE SCHEMA raw")
        connection.execute("SET search_path = raw")
    else:
        connection = sqlite3.connect(settings.data_dir / "raw.sqlite3", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    for statement in schema.VERSION_1[dialect]:
        connection.execute(statement)
    connection.commit()

    def append() -> None:
        stream, parameters = f"order-{new_id()}", []
        for version, fact in enumerate(three(), 1):
            kind, moment = type(fact), "2026-11-23T12:00:00.000000Z"
            parameters += [stream, version, kind.TYPE, kind.SCHEMA, new_id(), moment, moment, encode(fact)]
            parameters += ['{"actor":"user:1","account_id":"account"}', "0" * 64]
        if dialect == "sqlite":
            connection.execute("BEGIN IMMEDIATE")
        connection.execute(insert, parameters)
        connection.commit()

    return append, connection.close


def _place(uow: UnitOfWork, stream: str) -> None:
    uow.append(stream, *three())


def _cycle(names: list[Any]) -> Iterator[Any]:
    while True:
        yield from names


def _hot(settings: Settings, mode: str, stream: str) -> Sample:
    """One round of writers in processes of their own; they start together and count what was committed."""
    argv = [sys.executable, "-m", "bench.eventstore_hot", settings.database_url, mode, stream, str(2 * SECONDS)]
    writers = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(HOT_WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()  # connected
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    results = [json.loads(writer.communicate(timeout=120)[0]) for writer in writers]
    appended = sum(result["appended"] for result in results)
    seconds = statistics.mean(result["seconds"] for result in results)
    return Sample(appended / seconds, sum(result["cpu"] for result in results) / max(1, appended) * 1e6)


if __name__ == "__main__":
    for each in lines():
        print(json.dumps(each), flush=True)
