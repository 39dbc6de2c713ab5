# SPDX-License-Identifier: Apache-2.0
"""What the event store promises on either database, one writer at a time."""

import pytest
import sqlalchemy as sa

from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventstore.streams import COLUMNS, ConflictError, chain_hash
from tests.support import counters
from tests.support.counters import CounterRaised, CounterStarted, RaiseCounter, StartCounter


@pytest.fixture
def room(settings):
    room = counters.open_room(settings)
    yield room
    room.database.close()


def start(room, name="a", **context):
    return room.execute(counters.start_counter, StartCounter(name=name), Context(**context))


def test_a_command_leaves_events_read_model_job_and_reply(room):
    view = start(room, command_id="c1", actor="user:1", account_id="acc")
    room.execute(counters.raise_counter, RaiseCounter(id=view.id, by=3), Context())
    first, second = room.events(view.id)
    assert (first.version, second.version) == (1, 2)
    assert first.data == CounterStarted(name="a")
    assert first.metadata.account_id == "acc"
    assert second.data == CounterRaised(by=3)
    assert first.hash != second.hash
    with room.query() as connection:
        assert connection.execute(sa.select(counters.totals.c.total)).scalar() == 3
    heard = []
    assert room.queue.run_due(heard) == 1
    assert heard == ["a"]


def test_the_same_command_id_gets_the_stored_reply(room):
    again = [start(room, command_id="c1") for _ in range(3)]
    assert again[0] == again[1] == again[2]
    assert len(room.events(again[0].id)) == 1


def test_the_same_command_id_for_another_request_is_refused(room):
    start(room, "a", command_id="c1")
    with pytest.raises(ServiceError) as refused:
        start(room, "b", command_id="c1")
    assert refused.value.code == Code.IDEMPOTENCY_MISMATCH


def test_a_stale_append_conflicts_and_is_refused_after_three_tries(room):
    view = start(room)
    tries = []

    def stale(uow, _request):
        tries.append(1)
        loaded = uow.load(view.id, counters.counter)
        uow.append(loaded, CounterRaised())
        loaded.tip = loaded.tip._replace(version=1)
        uow.append(loaded, CounterRaised())

    with pytest.raises(ServiceError) as refused:
        room.execute(stale, None, Context())
    assert isinstance(refused.value.__cause__, ConflictError)
    assert len(tries) == 3
    assert len(room.events(view.id)) == 1


def test_a_new_stream_must_be_new(room):
    start(room)
    with pytest.raises(ServiceError, match="same moment"):
        start(room)


def test_events_to_many_streams_go_behind_what_each_has(room):
    def twice(uow, _request):
        uow.append_anywhere("b", CounterStarted(name="b"))
        appended = uow.append_to_each({name: CounterRaised(by=2) for name in ("c", "a", "b")})
        assert uow.append_to_each({}) == []
        return [(one.stream, one.version) for one in appended]

    assert sorted(room.execute(twice, None, Context(account_id="acc"))) == [("a", 1), ("b", 2), ("c", 1)]
    first, second = room.events("b")
    assert (second.data, second.metadata.account_id) == (CounterRaised(by=2), "acc")
    with room.query() as connection:
        text = f"SELECT {COLUMNS} FROM events WHERE event_id = :id"
        *row, stored = connection.execute(sa.text(text), {"id": second.event_id}).one()
    assert second.hash == stored == chain_hash(first.hash, row)


def test_a_reaction_is_done_once(room):
    start(room)
    (cause,) = room.events("counter-a")
    seen = []

    def note(uow, envelope):
        seen.append(envelope.event_id)
        uow.append_anywhere("heard", CounterRaised())

    assert room.react(note, cause, name="counters.note") is True
    assert room.react(note, cause, name="counters.note") is False
    assert seen == [cause.event_id]
    (effect,) = room.events("heard")
    assert effect.metadata.causation_id == cause.event_id


def test_a_failed_reaction_leaves_nothing_and_works_later(room):
    start(room)
    (cause,) = room.events("counter-a")

    def broken(uow, _envelope):
        uow.append_anywhere("heard", CounterRaised())
        raise KeyError("missing")

    with pytest.raises(KeyError) as raised:
        room.react(broken, cause, name="counters.note")
    assert room.events("heard") == []
    failure = room.inbox.record_failure(cause, "counters.note", raised.value)
    assert failure == (1, 5.0)
    assert room.inbox.due_retries() == []
    room.clock.advance(5)
    (due,) = room.inbox.due_retries()
    assert due.envelope == cause
    assert room.react(lambda *_: None, due.envelope, name=due.name) is True
    assert room.inbox.due_retries() == []


@pytest.mark.parametrize("statement", ["UPDATE events SET data = '{}'", "DELETE FROM events"])
def test_the_database_refuses_to_change_history(room, statement):
    start(room)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), room.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert len(room.events("counter-a")) == 1
