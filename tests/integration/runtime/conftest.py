# SPDX-License-Identifier: Apache-2.0
"""Processes of the runner, started and ended by their id."""

from shared.runtime.patch import patch

patch()

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import eventlet
import pytest

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60


class Running:
    """The two services of `tests.support.two_rooms` in a process of their own, on the embedded broker."""

    def __init__(self, folder, *names, **settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CERTWRIGHT_")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "CERTWRIGHT_DATA_DIR": str(folder),
            "CERTWRIGHT_OPS_ADDRESS": "127.0.0.1:0",
            **settings,
        }
        self.log = Path(folder) / f"log-{os.urandom(3).hex()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.two_rooms", *names], cwd=ROOT, env=environment,
                stdout=log, stderr=log,
            )  # fmt: skip

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def url(self):
        found = re.search(r"health and metrics on (http://\S+?)\"", self.log.read_text())
        assert self.process.poll() is None, self.log.read_text()
        return found and found[1]

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url() + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def end(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(PATIENCE_S)


def _until(condition, what="it"):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        eventlet.sleep(0.02)


@pytest.fixture
def until():
    """Waits for a condition; the limit is only there so that a broken promise ends the test."""
    return _until


@pytest.fixture
def launch(tmp_path):
    """Starts services; what still runs at the end of the test is killed."""
    started = []

    def start(*names, ready=True, **settings):
        running = Running(tmp_path, *names, **settings)
        started.append(running)
        if ready:
            _until(running.url, "the services to be ready")
        return running

    yield start
    for running in started:
        running.end(signal.SIGKILL)
