# SPDX-License-Identifier: Apache-2.0
"""Processes that die or are told to stop in the middle of their work, each a real one on a real broker and database."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import eventlet
import pytest
from sqlalchemy.exc import DBAPIError

from shared.context import Context
from shared.contracts.operations import GetHealth
from shared.errors import ServiceError
from tests.support.two_rooms import Nap, SayPing, StartJob, Twice, count, heard, record

ROOT = Path(__file__).parents[3]
TEXTS = [f"fact {number}" for number in range(10)]
PUBLIC = Context()
OPERATOR = Context(actor="user:1", permissions=frozenset({"operator"}))


class Process:
    """`two_rooms` in a process of its own."""

    def __init__(self, stack, *names, crash_at="", mark=None):
        settings = stack.settings
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CERTWRIGHT_")},
            "PYTHONPATH": str(ROOT),
            "CERTWRIGHT_AMQP_URI": settings.amqp_uri,
            "CERTWRIGHT_DATABASE_URL": settings.database_url,
            "CERTWRIGHT_DATA_DIR": str(settings.data_dir),
            "CERTWRIGHT_OPS_ADDRESS": "127.0.0.1:0",
            "CERTWRIGHT_CRASH_AT": crash_at,
        }
        if mark:
            environment["CERTWRIGHT_CRASH_MARK"] = str(mark)
        self.log = Path(settings.data_dir) / f"log-{names[0]}-{os.urandom(3).hex()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.two_rooms", *names],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    @property
    def ready(self):
        assert self.process.poll() is None, self.log.read_text()
        return "ready after" in self.log.read_text()

    def ended(self):
        return self.process.poll() is not None

    def stop(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(60)


@pytest.fixture
def spawn(stack, until):
    started = []

    def start(*names, wait=True, **options):
        process = Process(stack, *names, **options)
        started.append(process)
        if wait:
            until(lambda: process.ready, f"{names} to be ready")
        return process

    yield start
    for process in started:
        process.stop(signal.SIGKILL)


# The embedded broker lives in one process; what needs two is tried on RabbitMQ only.
several_processes = pytest.mark.parametrize("stack", ["cluster"], indirect=True)

POINTS = ["pong/on_pinged/received", "pong/handler/before-commit", "pong/handler/after-commit", "pong/on_pinged/after"]


@pytest.mark.parametrize("point", POINTS)
def test_a_subscriber_killed_in_its_handler_has_its_effect_once(stack, until, spawn, tmp_path, point):
    pong = stack.room("pong")
    ping = stack.room("ping")
    mark = tmp_path / "died"
    record(ping, TEXTS)
    process = spawn("ping", "pong", wait=False, crash_at=point, mark=mark)
    until(process.ended, f"the process to die at {point}")
    assert process.process.returncode == 137
    assert mark.exists()
    spawn("ping", "pong", crash_at=point, mark=mark)
    until(lambda: len(heard(pong)) >= len(TEXTS))
    assert sorted(fact.text for fact in heard(pong)) == TEXTS


@pytest.mark.parametrize("point", ["ping/relay/published", "ping/relay/marked"])
def test_a_publisher_killed_while_relaying_loses_and_doubles_nothing(stack, until, spawn, tmp_path, point):
    pong = stack.room("pong")
    record(stack.room("ping"), TEXTS)
    mark = tmp_path / "died"
    process = spawn("ping", "pong", wait=False, crash_at=point, mark=mark)
    until(process.ended, f"the process to die at {point}")
    spawn("ping", "pong", crash_at=point, mark=mark)
    until(lambda: len(heard(pong)) >= len(TEXTS))
    assert sorted(fact.text for fact in heard(pong)) == TEXTS


@pytest.mark.parametrize("point", ["ping/job-work/start", "ping/done/before-commit", "ping/job-work/end"])
def test_a_job_whose_runner_was_killed_is_done_once(stack, until, spawn, tmp_path, point):
    ping = stack.room("ping")
    mark = tmp_path / "died"

    def handler(uow, _request):
        uow.schedule("work", "k", {"key": "k"})

    from tests.support.two_rooms import ping_jobs

    ping.queue.jobs = ping_jobs
    ping.execute(handler, None, PUBLIC)
    process = spawn("ping", wait=False, crash_at=point, mark=mark)
    until(process.ended, f"the process to die at {point}")
    # The lease of the dead runner has to run out; the new process runs on a clock that is ahead.
    with ping.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET leased_until = NULL")
    spawn("ping", crash_at=point, mark=mark)
    until(lambda: count(ping, "jobs") == 0)
    assert len(ping.events("work")) == 1


@several_processes
def test_told_to_stop_a_process_answers_what_it_took(stack, until, spawn):
    pong = spawn("pong")
    client = stack.client()
    client.send(Twice(text="a"), PUBLIC)
    running = eventlet.spawn(client.send, Nap(seconds=1.5), PUBLIC)
    eventlet.sleep(0.5)
    assert pong.stop() == 0
    assert running.wait().id == "slept"
    assert "stopped after" in pong.log.read_text()


def test_told_to_stop_a_process_finishes_its_jobs(stack, until, spawn):
    ping = stack.room("ping")
    from tests.support.two_rooms import ping_jobs

    ping.queue.jobs = ping_jobs

    def handler(uow, _request):
        uow.schedule("work", "k", {"key": "k", "seconds": 1})

    ping.execute(handler, None, PUBLIC)
    process = spawn("ping")
    eventlet.sleep(0.3)
    assert process.stop() == 0
    assert len(ping.events("work")) == 1
    assert count(ping, "jobs") == 0


@several_processes
def test_a_killed_replica_leaves_no_hole(stack, until, spawn):
    (ping,) = stack.start("ping")
    pong = stack.room("pong")
    first = spawn("pong")
    spawn("pong")
    for number, text in enumerate(TEXTS * 5):
        record(ping.app.room, [f"{number} {text}"])
        if number == 20:
            first.stop(signal.SIGKILL)
    until(lambda: len(heard(pong)) >= 50)
    assert len({fact.text for fact in heard(pong)}) == len(heard(pong)) == 50


@several_processes
def test_requests_go_on_while_one_replica_is_killed(stack, until, spawn):
    stack.start("ping", "pong")
    client = stack.client()
    other = spawn("pong")
    other.stop(signal.SIGKILL)
    for number in range(20):
        context = Context(command_id=f"c-{number}")
        assert client.send(SayPing(text="a"), context, timeout=30).id == "aa"


def test_timers_fire_once_a_period_with_two_replicas(stack, until):
    from tests.support import two_rooms

    two_rooms.fired.clear()
    stack.start("ping", "ping")
    until(lambda: len(two_rooms.fired) >= 5)
    slots = [slot for slot, _moment in two_rooms.fired]
    # The slot that the method sees may be one later than the one it was fired for, never the same one twice over.
    assert len(two_rooms.fired) <= max(slots) - min(slots) + 1


def test_jobs_run_once_with_two_replicas(stack, until):
    first, _second = stack.start("ping", "ping")
    client = stack.client()
    for number in range(20):
        client.send(StartJob(key=f"k{number}"), PUBLIC)
    room = first.app.room
    until(lambda: count(room, "jobs") == 0)
    assert sorted(e.data.key for e in room.events("work")) == sorted(f"k{n}" for n in range(20))


@several_processes
def test_a_database_that_dies_and_returns_costs_time_only(stack, servers, until):
    ping, pong = stack.start("ping", "pong")
    client = stack.client()
    record(ping.app.room, TEXTS[:5])
    until(lambda: len(heard(pong.app.room)) == 5)
    servers.database.stop(signal.SIGQUIT)
    until(lambda: pong.health()["database"] != "ok")
    assert not client.send(GetHealth(), OPERATOR, service="pong").ready
    servers.database.start()

    def recorded():
        try:
            record(ping.app.room, TEXTS[5:])
        except ServiceError:
            return False
        return True

    until(recorded, "the database to answer")
    until(lambda: len(_heard(pong)) >= len(TEXTS))
    assert sorted(fact.text for fact in heard(pong.app.room)) == TEXTS
    assert client.send(SayPing(text="a"), PUBLIC).id == "aa"


def _heard(container):
    try:
        return heard(container.app.room)
    except DBAPIError:
        return []


def test_a_service_without_its_broker_says_so(stack, until):
    (pong,) = stack.start("pong")
    assert pong.health()["broker"] == "ok"
    stack.break_broker()
    until(lambda: pong.health()["broker"] != "ok")
    stack.mend_broker()
    until(lambda: pong.health()["broker"] == "ok")
