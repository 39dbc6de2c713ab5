# SPDX-License-Identifier: Apache-2.0
"""The parts of the event store that need no server: hashes, retries, jobs, connections, read models in memory."""

import threading
import uuid
from functools import partial

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import RandomIds
from shared.context import Context
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import UnknownEventTypeError
from shared.eventstore import rebuild
from shared.eventstore.connections import Connections
from shared.eventstore.database import Database
from shared.eventstore.inbox import pack, unpack
from shared.eventstore.jobs import Jobs, Retry
from shared.eventstore.projections import Projections
from shared.eventstore.retries import DELAYS_S, NotYet, describe, next_delay
from shared.eventstore.room import Room
from shared.eventstore.streams import chain_hash, envelope_of
from shared.eventstore.verify import verify
from tests.support import counters
from tests.support.counters import CounterRaised, CounterStarted, RaiseCounter, StartCounter


@pytest.fixture
def room():
    database = Database.memory("counters")
    database.create_all(counters.projections.metadata, counters.projections.state)
    yield Room(
        "counters", database, counters.projections, clock=counters.ManualClock(), ids=RandomIds(), jobs=counters.jobs
    )
    database.close()


def start(room, name="a", **context):
    return room.execute(counters.start_counter, StartCounter(name=name), Context(**context))


ROW = st.tuples(
    st.text(), st.integers(1, 2**31), st.text(), st.integers(1, 9), st.uuids().map(str), st.text(), st.text(),
    st.text(), st.text(),
)  # fmt: skip


@given(previous=st.text(), row=ROW, place=st.integers(0, 8))
def test_the_hash_depends_on_every_field_and_on_what_came_before(previous, row, place):
    changed = list(row)
    changed[place] = changed[place] + (1 if isinstance(changed[place], int) else "x")
    assert chain_hash(previous, row) == chain_hash(previous, list(row))
    assert chain_hash(previous, row) != chain_hash(previous, changed)
    assert chain_hash(previous, row) != chain_hash(previous + "x", row)


@given(left=st.text(max_size=5), right=st.text(max_size=5))
def test_text_cannot_move_from_one_field_to_the_next_unseen(left, right):
    one = (left + "x", 1, right, 1, "", "", "", "", "")
    other = (left, 1, "x" + right, 1, "", "", "", "", "")
    assert chain_hash("", one) != chain_hash("", other)


def test_delays_grow_and_end():
    delays = [next_delay(attempt, OSError()) for attempt in range(1, 9)]
    assert delays == [*DELAYS_S, None]
    assert next_delay(3, invalid("no")) is None
    assert next_delay(2, invalid("no")) == 30.0
    assert next_delay(1, ServiceError(Code.UNAVAILABLE, "later")) < 1
    assert next_delay(1, NotYet("order")) < 1


def test_an_error_is_described_with_its_place_and_without_values():
    def connect(secret):
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer") as raised:
        connect("hush" * 2)
    text = describe(raised.value)
    assert "no answer" in text
    assert "test_eventstore_parts" in text
    assert "hushhush" not in text


def test_an_envelope_survives_packing(room):
    start(room, actor="user:1", account_id="acc", correlation_id="corr")
    (envelope,) = room.events("counter-a")
    assert unpack(pack(envelope)) == envelope


def test_a_type_that_nobody_knows_is_refused():
    with pytest.raises(UnknownEventTypeError):
        envelope_of(("s", 1, "counters.Forgotten", 1, "e", "t", "t", "{}", "{}", "h"))


def test_an_unknown_job_kind_is_refused_when_it_is_scheduled(room):
    with pytest.raises(LookupError, match="no job kind 'other'"):
        room.execute(lambda uow, _: uow.schedule("other", "k", {}), None, Context())


def test_a_job_kind_is_registered_once():
    jobs = Jobs()
    jobs.kind("a")(print)
    with pytest.raises(ValueError, match="twice"):
        jobs.kind("a")(print)


def test_a_job_that_raises_is_recorded_and_never_raises_at_the_runner(room):
    jobs = Jobs()
    failures = iter([Retry(3, "not there"), KeyError("broken"), None])

    @jobs.kind("fragile", attempts=5, backoff=(7,))
    def fragile(app, payload):
        failure = next(failures)
        if failure:
            raise failure

    other = Room("counters", room.database, room.projections, clock=room.clock, ids=room.ids, jobs=jobs)
    other.execute(lambda uow, _: uow.schedule("fragile", "k", {}), None, Context())
    for wait in (3, 7):
        assert other.queue.run_due(None) == 1
        assert other.queue.run_due(None) == 0
        room.clock.advance(wait)
    assert other.queue.run_due(None) == 1
    assert other.queue.next_run_at() is None


def test_a_job_keeps_who_asked_for_it(room):
    start(room, actor="user:1", account_id="acc", correlation_id="corr")
    (job,) = room.queue.lease("r")
    assert (job.metadata.account_id, job.metadata.correlation_id) == ("acc", "corr")


def test_a_handler_sees_what_it_appended(room):
    def both(uow, _):
        uow.append("counter-x", CounterStarted(name="x"))
        loaded = uow.load("counter-x", counters.counter)
        uow.append(loaded, CounterRaised(by=2))
        uow.append(loaded, CounterRaised(by=5))
        total = uow.connection.execute(sa.select(counters.totals.c.total)).scalar()
        return loaded.state, loaded.version, total

    assert room.execute(both, None, Context()) == (7, 3, 7)


def test_a_refused_command_leaves_nothing_and_may_be_repeated(room):
    view = start(room)
    for _ in range(2):
        with pytest.raises(ServiceError, match="only go up"):
            room.execute(counters.raise_counter, RaiseCounter(id=view.id, by=0), Context(command_id="c"))
    room.execute(counters.raise_counter, RaiseCounter(id=view.id, by=0 + 1), Context(command_id="c"))
    assert len(room.events(view.id)) == 2


def test_another_account_cannot_fetch_a_stored_reply(room):
    start(room, command_id="c", account_id="one")
    with pytest.raises(ServiceError) as refused:
        start(room, command_id="c", account_id="two")
    assert refused.value.code == Code.IDEMPOTENCY_MISMATCH


def test_whoever_waits_for_commits_is_woken_by_writes_only(room):
    woken = []
    room.on_commit(lambda: woken.append(1))
    start(room, command_id="c")
    start(room, command_id="c")
    room.execute(lambda uow, _: uow.load("counter-a", counters.counter).version, None, Context())
    assert woken == [1]


def test_the_handler_of_a_partial_gives_its_name_to_crash_points(room, monkeypatch):
    places = []
    monkeypatch.setattr("shared.eventstore.room.crash_point", places.append)
    room.execute(partial(counters.start_counter), StartCounter(name="a"), Context())
    assert places == ["counters/start_counter/before-commit", "counters/start_counter/after-commit"]


def test_history_can_be_read_as_it_was_at_a_moment(room):
    view = start(room)
    room.clock.advance(60)
    before = room.clock.now()
    room.clock.advance(60)
    room.execute(counters.raise_counter, RaiseCounter(id=view.id), Context())
    assert len(room.events(view.id, until=before)) == 1
    assert len(room.events(view.id, until=room.clock.now())) == 2


def test_keeping_house_seals_in_parts_and_forgets_old_replies(room, monkeypatch):
    monkeypatch.setattr("shared.eventstore.seals.MOST_EVENTS", 2)
    for name in "abcde":
        start(room, name, command_id=name)
    room.keep_house()
    report = verify(room.database)
    assert (report.ok, report.events, report.seals) == (True, 5, 3)
    start(room, "a", command_id="a")  # the stored reply, not a second counter
    room.clock.advance(7 * 86400 + 1)
    room.keep_house()
    with pytest.raises(ServiceError) as refused:
        start(room, "a", command_id="a")
    assert refused.value.code == Code.CONFLICT
    assert verify(room.database).seals == 3


def test_several_functions_follow_one_event_in_order():
    seen, projections = [], Projections()
    projections.on(CounterRaised)(lambda *_: seen.append("first"))
    projections.on(CounterStarted, CounterRaised)(lambda *_: seen.append("second"))
    database = Database.memory("counters")
    database.create_all()
    other = Room("counters", database, projections, clock=counters.ManualClock(), ids=RandomIds())
    other.execute(lambda uow, _: uow.append("s", CounterRaised()), None, Context())
    assert seen == ["first", "second"]
    database.close()


@given(amounts=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 100)), max_size=12))
def test_folding_and_the_read_model_agree(amounts):
    database = Database.memory("counters")
    database.create_all(counters.projections.metadata)
    other = Room(
        "counters", database, counters.projections, clock=counters.ManualClock(), ids=RandomIds(), jobs=counters.jobs
    )
    with database.write() as connection:
        counters.projections.state.create_all(connection)
    for name in "ab":
        start(other, name)
    for name, by in amounts:
        other.execute(counters.raise_counter, RaiseCounter(id=f"counter-{name}", by=by), Context())
    expected = {f"counter-{name}": sum(by for other, by in amounts if other == name) for name in "ab"}
    assert rebuild.fold_all(database, counters.counter) == expected
    with database.read() as connection:
        found = connection.execute(sa.select(counters.totals.c.stream, counters.totals.c.total)).all()
    assert {stream: total for stream, total in found} == expected  # noqa: C416 - rows are no pairs to dict()
    assert verify(database).ok
    database.close()


def test_reading_connections_refuse_to_write(tmp_path):
    database = Database.file("counters", tmp_path / "a.sqlite3")
    database.create_all(counters.projections.metadata)
    with pytest.raises(sa.exc.OperationalError, match="readonly"), database.read() as connection:
        connection.execute(counters.totals.delete())
    database.close()


def test_a_connection_is_waited_for_and_then_refused(tmp_path, monkeypatch):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}", poolclass=sa.NullPool)
    pool = Connections(engine, 1, "BEGIN")
    held = pool.begin()
    monkeypatch.setattr("shared.eventstore.connections.WAIT_S", 0.01)
    with pytest.raises(ServiceError) as refused:
        pool.begin()
    assert refused.value.code == Code.UNAVAILABLE
    monkeypatch.setattr("shared.eventstore.connections.WAIT_S", 30)
    got = []
    waiting = threading.Thread(target=lambda: got.append(pool.begin()))
    waiting.start()
    pool.rollback(held)
    waiting.join()
    assert got == [held]
    pool.rollback(held)
    pool.close()


def test_a_broken_begin_gives_its_place_back(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}", poolclass=sa.NullPool)
    pool = Connections(engine, 1, "NO SUCH STATEMENT")
    for _ in range(3):
        with pytest.raises(sa.exc.OperationalError):
            pool.begin()


def test_a_service_name_that_is_no_sql_name_is_refused():
    with pytest.raises(ValueError, match="not a service name"):
        Database.memory('orders"; DROP')


def test_identifiers_are_uuids_that_sort_by_time():
    ids = RandomIds()
    made = [ids.new() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(str(uuid.UUID(each)) == each and uuid.UUID(each).version == 7 for each in made)
    assert [each[:13] for each in made] == sorted(each[:13] for each in made)
