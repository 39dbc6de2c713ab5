# SPDX-License-Identifier: Apache-2.0
"""A crash between any two statements leaves all of a transaction or nothing, and the next try completes it."""

import itertools
import os
import signal

import psycopg
import pytest
import sqlalchemy as sa

from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventstore import driver, rebuild, tables
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support import counters, postgres
from tests.support.counters import CounterRaised, StartCounter


def busy(uow, request):
    """A handler that touches everything a transaction may hold."""
    view = counters.start_counter(uow, request)
    loaded = uow.load(view.id, counters.counter)
    uow.append(loaded, CounterRaised(by=2), CounterRaised(by=3))
    uow.append_anywhere("all-counters", CounterRaised())
    return view


class Command:
    """One command, the same however often it is done."""

    whole = {"events": 4, "totals": 1, "jobs": 1, "commands": 1, "inbox": 0}

    def __init__(self, room, name):
        self.request, self.context = StartCounter(name=name), Context(command_id=name)

    def __call__(self, room):
        room.execute(busy, self.request, self.context)


class Reaction:
    """One reaction to one event."""

    whole = {"events": 4, "totals": 1, "jobs": 1, "commands": 0, "inbox": 1}

    def __init__(self, room, name):
        self.request = StartCounter(name=name)
        room.execute(lambda uow, _: uow.append(f"cause-{name}", CounterRaised()), None, Context())
        (self.cause,) = room.events(f"cause-{name}")

    def __call__(self, room):
        room.react(lambda uow, _: busy(uow, self.request), self.cause, name="counters.on_cause")


WORK = pytest.mark.parametrize("kind", [Command, Reaction])
TABLES = {
    "events": tables.events,
    "totals": counters.totals,
    "jobs": tables.jobs,
    "commands": tables.commands,
    "inbox": tables.inbox,
}
NOTHING = dict.fromkeys(TABLES, 0)


class Watch:
    """Counts what a piece of work has left in the database since the watch began."""

    def __init__(self, room, kind, name):
        self.work = kind(room, name)
        self.room = room
        self._before = self._counts()

    def _counts(self):
        with self.room.query() as connection:
            return {
                name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
                for name, table in TABLES.items()
            }

    def left(self):
        return {name: count - self._before[name] for name, count in self._counts().items()}

    def finish(self):
        """Done once more, the work has its whole effect, exactly once."""
        self.work(self.room)
        assert self.left() == self.work.whole


def statements(room, act):
    """Calls `act(n)` before the n-th statement of the room's writing connections from now on, until what it returns is
    called. Statements go through SQLAlchemy or, those of the store itself, straight to the driver."""
    numbers = itertools.count(1)
    rows, change = driver.rows, driver.change

    def before(*_):
        act(next(numbers))

    def noticed(run):
        def noticing(connection, *rest):
            if connection.engine is room.database.engine:
                before()
            return run(connection, *rest)

        return noticing

    def stop():
        driver.rows, driver.change = rows, change
        sa.event.remove(room.database.engine, "before_cursor_execute", before)

    sa.event.listen(room.database.engine, "before_cursor_execute", before)
    driver.rows, driver.change = noticed(rows), noticed(change)
    return stop


@pytest.fixture
def room(settings):
    room = counters.open_room(settings)
    yield room
    assert verify(room.database).ok
    assert rebuild.check(room).equal
    room.database.close()


def places(room, kind):
    """A watch for every place in front of a statement of the work."""
    watch = Watch(room, kind, "untroubled")
    seen = []
    stop = statements(room, seen.append)
    watch.finish()
    stop()
    for place in seen:
        yield place, Watch(room, kind, f"place-{place}")


def in_a_process(room, work, arrange):
    """Does the work in a process of its own, which `arrange` may let die; its exit status."""
    room.database.close()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        arrange(room)
        work(room)
        status = 0
    finally:
        os._exit(status)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@WORK
def test_a_process_killed_before_any_statement_leaves_nothing(room, kind):
    for place, watch in places(room, kind):

        def arrange(room, place=place):
            statements(room, lambda number: number == place and die())

        assert in_a_process(room, watch.work, arrange) == -signal.SIGKILL
        assert watch.left() == NOTHING
        watch.finish()


@WORK
def test_a_process_killed_before_the_commit_leaves_nothing(room, kind):
    def arrange(room):
        room.database._writers.commit = die

    watch = Watch(room, kind, "a")
    assert in_a_process(room, watch.work, arrange) == -signal.SIGKILL
    assert watch.left() == NOTHING
    watch.finish()


@WORK
def test_a_process_killed_after_the_commit_leaves_everything(room, kind):
    watch = Watch(room, kind, "a")
    assert in_a_process(room, watch.work, lambda room: room.on_commit(die)) == -signal.SIGKILL
    assert watch.left() == watch.work.whole
    watch.finish()


@WORK
def test_a_statement_that_fails_undoes_all_before_it(room, kind):
    for place, watch in places(room, kind):

        def act(number, place=place):
            if number == place:
                raise ZeroDivisionError

        stop = statements(room, act)
        with pytest.raises(ZeroDivisionError):
            watch.work(room)
        stop()
        assert watch.left() == NOTHING
        watch.finish()


@WORK
def test_a_connection_cut_at_any_statement_is_answered_by_another_try(postgres_server, kind):
    name = f"cut_{os.urandom(4).hex()}"
    room = counters.open_room(Settings(database_url=postgres_server.create_database(name)))
    for place, watch in places(room, kind):

        def act(number, place=place):
            if number == place:
                cut_connections(postgres_server, name)

        stop = statements(room, act)
        watch.finish()  # the first try is lost before its commit, the second one is whole
        stop()
    assert verify(room.database).ok
    room.database.close()
    postgres_server.drop_database(name)


def cut_connections(server, database):
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = %s", (database,)
        )


def test_a_commit_whose_answer_is_lost_is_settled_by_the_command_id(postgres_server):
    name = f"lost_{os.urandom(4).hex()}"
    room = counters.open_room(Settings(database_url=postgres_server.create_database(name)))
    watch = Watch(room, Command, "a")
    with room.database.write() as connection:
        driver = connection.connection.dbapi_connection
    commit = driver.commit

    def commit_unheard():
        commit()
        cut_connections(postgres_server, name)
        driver.execute("SELECT 'are you there'")

    driver.commit = commit_unheard
    with pytest.raises(ServiceError) as refused:
        watch.work(room)
    assert refused.value.code == Code.UNAVAILABLE
    assert watch.left() == watch.work.whole
    watch.finish()
    room.database.close()
    postgres_server.drop_database(name)


def test_a_server_that_comes_back_is_used_again(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("restart")) as server:
        room = counters.open_room(Settings(database_url=server.create_database("restart")))
        room.execute(counters.start_counter, StartCounter(name="a"), Context())
        assert len(room.events("counter-a")) == 1
        server.stop(signal.SIGQUIT)
        with pytest.raises(ServiceError) as refused:
            room.execute(counters.start_counter, StartCounter(name="b"), Context())
        assert refused.value.code == Code.UNAVAILABLE
        server.start()
        room.execute(counters.start_counter, StartCounter(name="b"), Context())
        assert [len(room.events(f"counter-{name}")) for name in "ab"] == [1, 1]
        assert verify(room.database).ok
        room.database.close()
