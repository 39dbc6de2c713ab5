# SPDX-License-Identifier: Apache-2.0
"""The supervisor keeps processes running and ends them all."""

from __future__ import annotations

import os
import sys
import time

import pytest

from certwright.supervisor import Supervisor, Worker

SLEEPS = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


@pytest.fixture
def supervise(tmp_path):
    """Starts a supervisor of programs by name; ended by the test or afterwards."""
    supervisors = []

    def start(**programs):
        supervisor = Supervisor(
            [
                Worker(name, [sys.executable, "-c", program], dict(os.environ), tmp_path, tmp_path / f"{name}.log")
                for name, program in programs.items()
            ]
        )
        supervisors.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in supervisors:
        supervisor.stop()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_process_is_started_again(supervise):
    supervisor = supervise(one=SLEEPS)
    worker = supervisor.workers["one"]
    first = worker.process.pid
    supervisor.kill("one")
    wait_for(lambda: worker.alive)
    assert worker.starts == 2
    assert worker.process.pid != first


def test_a_process_that_ends_by_itself_is_started_again_and_its_words_are_kept(supervise, tmp_path):
    supervisor = supervise(one="print('hello')")
    wait_for(lambda: supervisor.workers["one"].starts >= 3)
    supervisor.stop()
    assert (tmp_path / "one.log").read_text().count("hello") >= 2


def test_the_others_go_on(supervise):
    supervisor = supervise(one=SLEEPS, two=SLEEPS)
    supervisor.kill("one")
    wait_for(lambda: supervisor.workers["one"].alive)
    assert supervisor.workers["two"].starts == 1


def test_a_held_process_stays_down_until_it_is_released(supervise):
    supervisor = supervise(one=SLEEPS, two=SLEEPS)
    supervisor.kill("one", hold=True)
    supervisor.kill("two")
    wait_for(lambda: supervisor.workers["two"].alive)
    assert not supervisor.workers["one"].alive
    supervisor.release("one")
    wait_for(lambda: supervisor.workers["one"].alive)


def test_stop_ends_all_even_one_that_will_not(supervise, tmp_path, monkeypatch):
    monkeypatch.setattr("certwright.supervisor.STOP_TIMEOUT_S", 0.5)
    supervisor = supervise(one=SLEEPS, two=STUBBORN)
    wait_for(lambda: "ready" in (tmp_path / "two.log").read_text())
    supervisor.stop()
    assert not any(worker.alive for worker in supervisor.workers.values())
