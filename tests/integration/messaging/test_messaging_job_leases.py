# SPDX-License-Identifier: Apache-2.0
"""A job belongs to one runner for as long as it runs, and to the next one seconds after its runner died."""

from types import SimpleNamespace

import eventlet
import pytest

from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.eventstore import jobs as store
from shared.eventstore.database import Database
from shared.eventstore.jobs import Jobs
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room
from shared.messaging import job_runner
from shared.messaging.job_runner import JobRunner

LEASE_S = 0.4


@pytest.fixture
def replicas(tmp_path, monkeypatch):
    """Two runners of one service, and the runs that they made: the name of the replica for each."""
    monkeypatch.setattr(store, "LEASE_S", LEASE_S)
    monkeypatch.setattr(job_runner, "LEASE_S", LEASE_S)
    monkeypatch.setattr(job_runner, "POLL_S", 0.05)
    runs = []
    kinds = Jobs()

    @kinds.kind("slow", timeout=30)
    def slow(app, payload):
        runs.append(app.name)
        eventlet.sleep(payload["seconds"])

    apps = []
    for name in ("one", "two"):
        database = Database.file("counters", tmp_path / "counters.sqlite3")
        database.create_all()
        room = Room("counters", database, Projections(), clock=SystemClock(), ids=RandomIds(), jobs=kinds)
        apps.append(SimpleNamespace(name=name, room=room))
    yield apps, runs
    for app in apps:
        app.room.database.close()


def schedule(app, seconds):
    app.room.execute(lambda uow, _: uow.schedule("slow", "a", {"seconds": seconds}), None, Context())


def test_a_job_that_runs_for_longer_than_a_lease_runs_once(replicas):
    apps, runs = replicas
    runners = [JobRunner(app) for app in apps]
    threads = [eventlet.spawn(runner.run) for runner in runners]
    schedule(apps[0], LEASE_S * 4)
    while apps[0].room.queue.next_run_at() is not None:
        eventlet.sleep(0.05)
    for runner in runners:
        runner.stop(within_s=5)
    for thread in threads:
        thread.wait()
    assert len(runs) == 1


def test_the_job_of_a_runner_that_died_is_taken_by_another(replicas):
    apps, runs = replicas
    schedule(apps[0], 0)
    assert apps[0].room.queue.lease("dead")
    runner = JobRunner(apps[1])
    thread = eventlet.spawn(runner.run)
    while not runs or apps[1].room.queue.next_run_at() is not None:
        eventlet.sleep(0.05)
    runner.stop(within_s=5)
    thread.wait()
    assert runs == ["two"]
