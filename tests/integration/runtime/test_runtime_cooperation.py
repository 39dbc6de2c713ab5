# SPDX-License-Identifier: Apache-2.0
"""What waits lets others work: the one promise that everything in a process rests on."""

import os
import subprocess
import sys

import eventlet
import psycopg
import pytest

from tests.support import postgres


@pytest.fixture(scope="module")
def server():
    if postgres.bin_folder() is None:
        pytest.skip("PostgreSQL is not installed: run tests/setup-servers")
    with postgres.running(fast=True) as running:
        yield running


def test_a_query_that_waits_in_postgresql_lets_other_greenlets_run(server):
    assert os.environ["PSYCOPG_WAIT_FUNC"] == "wait_selector"
    with psycopg.connect(server.url("postgres"), autocommit=True) as waiting:
        query = eventlet.spawn(waiting.execute, "SELECT pg_sleep(1)")
        ticks = 0
        while not query.dead:
            eventlet.sleep(0.01)
            ticks += 1
        query.wait()
    assert ticks > 5


def test_patching_too_late_is_refused():
    late = "import sqlalchemy\nfrom shared.runtime.patch import patch\npatch()"
    done = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "patched too late: sqlalchemy" in done.stderr


def test_the_program_patches_before_it_imports():
    look = (
        "import sys; sys.argv = ['certwright', 'serve', '--help']\n"
        "from certwright.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import eventlet.patcher, threading\n"
        "assert eventlet.patcher.is_monkey_patched('socket')\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
