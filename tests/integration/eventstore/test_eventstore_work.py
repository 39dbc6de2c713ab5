# SPDX-License-Identifier: Apache-2.0
"""Log, leases, timers, checkpoints, jobs and parked work on either database, several replicas at once."""

import threading
from contextlib import suppress

import pytest

from shared.context import Context
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.envelope import Cursor
from shared.eventstore.jobs import LEASE_S, Retry
from shared.eventstore.log import to_envelope
from shared.eventstore.retries import NotYet
from tests.support import counters
from tests.support.counters import CounterRaised, CounterStarted, RaiseCounter, StartCounter


@pytest.fixture
def room(settings):
    room = counters.open_room(settings)
    yield room
    room.database.close()


@pytest.fixture
def replicas(room, settings):
    """Three more processes' worth of the same service."""
    others = [counters.open_room(settings, clock=room.clock, create=False) for _ in range(3)]
    yield [room, *others]
    for other in others:
        other.database.close()


def at_once(calls):
    results = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index, call):
        barrier.wait()
        results[index] = call()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def start(room, name="a"):
    return room.execute(counters.start_counter, StartCounter(name=name), Context())


def test_the_log_is_read_in_pages_and_by_type(room):
    for name in "abc":
        view = start(room, name)
        room.execute(counters.raise_counter, RaiseCounter(id=view.id), Context())
    counters.settle(room)
    first = room.log.read(limit=4)
    rest = room.log.read(first.cursor, limit=4)
    assert [entry.stream[-1] for entry in first.entries + rest.entries] == list("aabbcc")
    assert room.log.read(rest.cursor) == ([], rest.cursor)
    assert rest.cursor == room.log.head()
    started = room.log.read(types=["counters.CounterStarted"], limit=10)
    assert [entry.data for entry in started.entries] == [{"name": name} for name in "abc"]
    assert started.cursor == room.log.head()
    nothing = room.log.read(types=["counters.Unheard"])
    assert nothing == ([], room.log.head())


def test_an_entry_becomes_the_envelope_that_was_stored(room):
    start(room)
    counters.settle(room)
    (entry,) = room.log.read().entries
    ((envelope,), _) = room.log.envelopes()
    assert to_envelope(entry) == envelope
    assert envelope.data == CounterStarted(name="a")
    assert Cursor.parse(entry.cursor) == envelope.cursor


def test_the_backlog_counts_and_ages(room):
    start(room)
    counters.settle(room)
    room.clock.advance(7)
    assert room.log.backlog(Cursor()) == (1, 7.0)
    assert room.log.backlog(room.log.head()) == (0, 0.0)


def test_one_replica_takes_a_lease_until_it_runs_out(replicas):
    taken = at_once([lambda r=r, n=n: r.leases.take("relay", f"replica-{n}", 30) for n, r in enumerate(replicas)])
    assert sorted(taken) == [False, False, False, True]
    winner = taken.index(True)
    leases = replicas[0].leases
    assert leases.holder("relay") == f"replica-{winner}"
    replicas[0].clock.advance(20)
    assert leases.renew("relay", f"replica-{winner}", 30)
    replicas[0].clock.advance(29)
    assert not leases.take("relay", "late", 30)
    replicas[0].clock.advance(1)
    assert leases.take("relay", "late", 30)
    assert not leases.renew("relay", f"replica-{winner}", 30)
    leases.release("relay", "late")
    assert leases.holder("relay") is None


def test_a_timer_fires_once_per_period_over_all_replicas(replicas):
    clock = replicas[0].clock
    for _ in range(3):
        fired = at_once([lambda r=r: r.timers.fire("expire", 60) for r in replicas])
        assert fired.count(True) == 1
        assert not replicas[0].timers.fire("expire", 60)
        clock.advance(60)


def test_a_checkpoint_is_kept_and_moves_with_a_transaction(room):
    assert room.checkpoints.load("relay") == Cursor(0, 0)
    room.checkpoints.save("relay", Cursor(2**40, 7))
    with suppress(ZeroDivisionError), room.database.write() as connection:
        room.checkpoints.save("relay", Cursor(2**40, 8), connection)
        raise ZeroDivisionError
    assert room.checkpoints.load("relay") == Cursor(2**40, 7)


def test_every_job_is_leased_by_one_replica(replicas):
    for number in range(20):
        start(replicas[0], f"n{number}")
    leased = at_once([lambda r=r, n=n: r.queue.lease(f"replica-{n}", 10) for n, r in enumerate(replicas)])
    names = [job.key for part in leased for job in part]
    assert len(names) == len(set(names))
    left = replicas[0].queue.lease("late", 20)
    assert len(names) + len(left) == 20


def test_a_job_whose_runner_died_is_taken_again(room):
    start(room)
    (job,) = room.queue.lease("dead", 5)
    assert room.queue.lease("alive", 5) == []
    room.clock.advance(LEASE_S - 1)
    assert room.queue.lease("alive", 5) == []
    room.clock.advance(1)
    (again,) = room.queue.lease("alive", 5)
    assert (again.key, again.attempt) == (job.key, 2)
    room.queue.complete(job)  # the dead one wakes up: its lease is gone, so nothing happens
    room.queue.complete(again)
    assert room.queue.next_run_at() is None


def test_a_job_that_still_runs_is_kept(room):
    start(room)
    (job,) = room.queue.lease("slow", 5)
    for _ in range(5):
        room.clock.advance(LEASE_S - 1)
        room.queue.prolong([job])
        assert room.queue.lease("other", 5) == []
    room.clock.advance(LEASE_S)
    (again,) = room.queue.lease("other", 5)
    room.queue.prolong([job])  # too late: it is somebody else's
    room.queue.complete(again)
    assert room.queue.next_run_at() is None


def test_a_failing_job_waits_longer_each_time_and_is_parked(room):
    start(room)
    for delay in (1, 10):
        (job,) = room.queue.lease("r")
        room.queue.fail(job, OSError("no answer"))
        room.clock.advance(delay - 0.5)
        assert room.queue.lease("r") == []
        room.clock.advance(0.5)
    (job,) = room.queue.lease("r")
    assert job.attempt == 3
    room.queue.fail(job, OSError("no answer"))
    room.clock.advance(1000)
    assert room.queue.lease("r") == []
    (letter,) = room.dead_letters.list().items
    assert (letter.source, letter.name, letter.subject, letter.attempts) == ("job", "greet", "a", 3)
    assert "OSError: no answer" in letter.error
    room.dead_letters.replay(letter.id)
    heard = []
    assert room.queue.run_due(heard) == 1
    assert heard == ["a"]
    assert room.dead_letters.count() == 0


def test_a_job_may_ask_for_its_own_next_time(room):
    start(room)
    (job,) = room.queue.lease("r")
    room.queue.fail(job, Retry(90, "not there yet", free=True))
    room.clock.advance(90)
    (again,) = room.queue.lease("r")
    assert again.attempt == 1


def test_a_job_scheduled_anew_while_it_runs_runs_once_more(room):
    start(room)
    (job,) = room.queue.lease("r")
    room.execute(lambda uow, _: uow.schedule("greet", "a", {"name": "again"}), None, Context())
    assert room.queue.lease("other") == []
    room.queue.complete(job)
    heard = []
    room.queue.run_due(heard)
    assert heard == ["again"]


def test_a_cancelled_job_never_runs(room):
    start(room)
    room.execute(lambda uow, _: uow.cancel_job("greet", "a"), None, Context())
    assert room.queue.run_due([]) == 0


@pytest.mark.parametrize(
    ("error", "tries"), [(OSError("down"), 8), (invalid("never"), 3), (NotYet("order"), 30)], ids=["8", "3", "30"]
)
def test_a_reaction_that_never_works_is_parked(room, error, tries):
    start(room)
    (cause,) = room.events("counter-a")
    for attempt in range(1, tries + 1):
        failure = room.inbox.record_failure(cause, "counters.note", error)
        assert failure.attempts == attempt
        assert (failure.delay_s is None) == (attempt == tries)
    (letter,) = room.dead_letters.list().items
    assert (letter.source, letter.name, letter.subject) == ("event", "counters.note", cause.event_id)
    assert letter.payload["data"] == {"name": "a"}
    assert room.dead_letters.get(letter.id) == letter
    room.dead_letters.replay(letter.id)
    (due,) = room.inbox.due_retries()
    assert due.attempts == 0


def test_a_discarded_reaction_is_over(room):
    start(room)
    (cause,) = room.events("counter-a")
    for _ in range(3):
        room.inbox.record_failure(cause, "counters.note", invalid("never"))
    (letter,) = room.dead_letters.list().items
    room.dead_letters.discard(letter.id)
    assert room.react(lambda *_: pytest.fail("ran"), cause, name="counters.note") is False
    with pytest.raises(ServiceError) as refused:
        room.dead_letters.replay(letter.id)
    assert refused.value.code == Code.NOT_FOUND


def test_dead_letters_come_in_pages_newest_first(room):
    for number in range(5):
        start(room, f"n{number}")
        (job,) = room.queue.lease("r")
        for _ in range(3):
            room.queue.fail(job._replace(attempt=3), OSError("down"))
        room.clock.advance(1)
    page = room.dead_letters.list(limit=3)
    rest = room.dead_letters.list(limit=3, cursor=page.next_cursor)
    assert [letter.subject for letter in page.items + rest.items] == ["n4", "n3", "n2", "n1", "n0"]
    assert (page.total, rest.next_cursor) == (5, None)


def test_hot_streams_take_appends_in_turn(replicas):
    def append(room):
        for _ in range(10):
            room.execute(lambda uow, _: uow.append_anywhere("hot", CounterRaised()), None, Context())

    at_once([lambda r=r: append(r) for r in replicas])
    assert [envelope.version for envelope in replicas[0].events("hot")] == list(range(1, 41))
