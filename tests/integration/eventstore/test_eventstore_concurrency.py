# SPDX-License-Identifier: Apache-2.0
"""Many at once: readers of the log lose nothing, streams have no gap, nothing is done twice."""

import random
import threading
import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from psycopg import sql

from shared.clock import RandomIds
from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Cursor
from shared.eventstore import rebuild
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support import counters
from tests.support.counters import CounterRaised, RaiseCounter, StartCounter

WRITERS = 8


class RealClock(counters.ManualClock):
    def now(self):
        return datetime.now(UTC)


@pytest.fixture
def open_replica(settings):
    """Opens the same service as another process would, with connections of its own."""
    opened = []

    def replica():
        opened.append(counters.open_room(settings, clock=RealClock(), create=not opened))
        return opened[-1]

    yield replica
    for room in opened:
        room.database.close()


def run_all(functions):
    """Runs them in threads of their own, starting together; raises what the first failing one raised."""
    barrier, errors = threading.Barrier(len(functions)), []

    def guarded(function):
        barrier.wait()
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def refusal(room, handler, request):
    """The code that the room refuses with, None when it does as asked."""
    try:
        room.execute(handler, request, Context())
    except ServiceError as error:
        return error.code
    return None


def test_eight_writers_and_a_tailing_reader_lose_nothing(open_replica):
    """The hard case: every transaction takes its id early, by an inbox row, and inserts its events later."""
    first = open_replica()
    rounds = 25
    cause = first.execute(lambda uow, _: uow.append("cause", CounterRaised()), None, Context())[0]
    causes = [msgspec.structs.replace(cause, event_id=f"cause-{n}") for n in range(WRITERS * rounds)]
    finished = threading.Event()
    seen = []

    def writer(number):
        room, chance = open_replica(), random.Random(number)

        def handler(uow, envelope):
            time.sleep(chance.random() * 0.004)
            uow.append(f"effect-{envelope.event_id}", CounterRaised(), CounterRaised())

        for envelope in causes[number::WRITERS]:
            assert room.react(handler, envelope, name="counters.tail")

    def reader():
        room, cursor = open_replica(), Cursor()
        while True:
            last_round = finished.is_set() and not room.log.backlog(room.log.head()).events
            batch = room.log.read(cursor, limit=7)
            seen.extend((entry.stream, entry.version) for entry in batch.entries)
            assert batch.cursor >= cursor
            cursor = batch.cursor
            if last_round and not batch.entries:
                return

    def writers():
        try:
            run_all([lambda n=n: writer(n) for n in range(WRITERS)])
        finally:
            finished.set()

    run_all([writers, reader])
    expected = {("cause", 1)} | {(f"effect-{envelope.event_id}", v) for envelope in causes for v in (1, 2)}
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    assert verify(first.database).ok


def test_the_log_is_sorted_by_transaction_ids_and_not_by_their_text(postgres_server):
    """Where the ids get another digit, text order and number order part ways."""
    room = counters.open_room(Settings(database_url=postgres_server.create_database("digits")), clock=RealClock())
    with room.database.write() as connection:
        present = int(connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar())
    boundary = 10 ** len(str(present))
    burn = f"DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint < {boundary - 6} LOOP COMMIT; END LOOP; END $$"
    postgres_server.execute("digits", sql.SQL(burn))
    for number in range(12):
        room.execute(lambda uow, n: uow.append(f"counter-{n:02}", CounterRaised()), number, Context())
    counters.settle(room)
    cursor, streams = Cursor(), []
    while (batch := room.log.read(cursor, limit=5)).entries:
        streams += [entry.stream for entry in batch.entries]
        cursor = batch.cursor
    assert streams == [f"counter-{number:02}" for number in range(12)]
    assert {len(str(entry.cursor).split("-")[0]) for entry in room.log.read().entries} == {
        len(str(boundary)) - 1,
        len(str(boundary)),
    }
    room.database.close()
    postgres_server.drop_database("digits")


def test_two_writers_on_one_stream_take_turns_or_conflict(open_replica):
    rooms = [open_replica(), open_replica()]
    view = rooms[0].execute(counters.start_counter, StartCounter(name="a"), Context())
    outcomes = []

    def writer(room):
        outcomes.extend(refusal(room, counters.raise_counter, RaiseCounter(id=view.id)) for _ in range(30))

    run_all([lambda room=room: writer(room) for room in rooms])
    events = rooms[0].events(view.id)
    assert set(outcomes) <= {None, Code.CONFLICT}
    assert len(events) == 1 + outcomes.count(None)
    assert [envelope.version for envelope in events] == list(range(1, len(events) + 1))
    assert verify(rooms[0].database).ok
    assert rebuild.check(rooms[0]).equal


def test_a_command_sent_eight_times_at_once_happens_once(open_replica):
    rooms = [open_replica() for _ in range(WRITERS)]
    replies = []

    def send(room):
        replies.append(room.execute(counters.start_counter, StartCounter(name="a"), Context(command_id="c")))

    run_all([lambda room=room: send(room) for room in rooms])
    assert len(replies) == WRITERS
    assert len(set(replies)) == 1
    assert len(rooms[0].events("counter-a")) == 1


def test_an_event_delivered_eight_times_at_once_is_reacted_to_once(open_replica):
    rooms = [open_replica() for _ in range(WRITERS)]
    rooms[0].execute(counters.start_counter, StartCounter(name="a"), Context())
    (cause,) = rooms[0].events("counter-a")
    done = []

    def react(room):
        done.append(room.react(lambda uow, _: uow.append_anywhere("heard", CounterRaised()), cause, name="c.note"))

    run_all([lambda room=room: react(room) for room in rooms])
    assert sorted(done) == [False] * (WRITERS - 1) + [True]
    assert len(rooms[0].events("heard")) == 1


def test_a_hot_stream_takes_every_append_of_eight_writers(open_replica):
    rooms = [open_replica() for _ in range(WRITERS)]

    def append(room):
        for _ in range(10):
            room.execute(lambda uow, _: uow.append_anywhere("hot", CounterRaised()), None, Context())

    run_all([lambda room=room: append(room) for room in rooms])
    assert [envelope.version for envelope in rooms[0].events("hot")] == list(range(1, WRITERS * 10 + 1))
    assert verify(rooms[0].database).ok


def test_jobs_of_many_runners_run_once_each(open_replica):
    rooms = [open_replica() for _ in range(4)]
    for number in range(40):
        rooms[0].execute(counters.start_counter, StartCounter(name=f"n{number}"), Context())
    heard = []
    run_all([lambda n=n, room=room: drain(room, f"runner-{n}", heard) for n, room in enumerate(rooms)])
    assert sorted(heard) == sorted(f"n{number}" for number in range(40))
    assert rooms[0].queue.next_run_at() is None


def drain(room, holder, heard):
    while leased := room.queue.lease(holder, 3):
        for job in leased:
            room.queue.run(heard, job)


STEPS = st.lists(
    st.tuples(st.sampled_from(["load", "append", "anywhere"]), st.integers(0, 2), st.integers(0, 1)),
    max_size=30,
)


@given(steps=STEPS)
@examples(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_interleaving_leaves_gapless_versions_and_valid_chains(open_replica, steps):
    """Given three writers, each with what it loaded at any earlier time, when they append in any order, then."""
    room = open_replica()
    prefix = RandomIds().new()
    loaded, accepted = {}, {}

    def append(uow, held):
        uow.append(held, CounterRaised())

    for action, writer, number in steps:
        stream = f"{prefix}-{number}"
        if action == "load" or (action == "append" and (writer, number) not in loaded):
            room.execute(
                lambda uow, key: loaded.__setitem__(key, uow.load(f"{prefix}-{key[1]}", counters.counter)),
                (writer, number),
                Context(),
            )
        elif action == "append":
            held = loaded[writer, number]
            stale = held.version != accepted.get(stream, 0)
            assert refusal(room, append, held) == (Code.CONFLICT if stale else None)
            accepted[stream] = accepted.get(stream, 0) + (not stale)
        else:
            room.execute(lambda uow, s: uow.append_anywhere(s, CounterRaised()), stream, Context())
            accepted[stream] = accepted.get(stream, 0) + 1
    for stream, count in accepted.items():
        assert [envelope.version for envelope in room.events(stream)] == list(range(1, count + 1))
    assert verify(room.database).ok
    room.database.close()
