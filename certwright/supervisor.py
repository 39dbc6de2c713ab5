# SPDX-License-Identifier: Apache-2.0
"""Keeps processes running: one that dies is started again, more slowly each time when it dies young.

For the cluster on one machine and its tests. Elsewhere systemd or a container engine does this.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certwright.servers.process import stop

LOOK_S = 0.1
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
YOUNG_S = 10.0
STOP_TIMEOUT_S = 60.0


@dataclass
class Worker:
    """A process that shall run. `starts` counts how often it was started; `held` ones stay down when they die."""

    name: str
    argv: list[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    starts: int = 0
    held: bool = False
    started_at: float = 0.0
    due_at: float = 0.0
    delay: float = FIRST_DELAY_S

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Starts the process; its output goes to `log`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv, cwd=self.folder, env=dict(self.environment), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.starts += 1
        self.started_at = time.monotonic()


class Supervisor:
    """Starts workers and looks after them in a thread of its own."""

    def __init__(self, workers: list[Worker]) -> None:
        self.workers = {worker.name: worker for worker in workers}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts every worker that is not held, and the watch."""
        for worker in self.workers.values():
            if not worker.held:
                worker.start()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch and all workers, side by side: SIGTERM, and SIGKILL for those that do not end in time."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        running = [worker.process for worker in self.workers.values() if worker.process is not None and worker.alive]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            stop(process, timeout=max(0.1, deadline - time.monotonic()))

    def kill(self, name: str, *, hold: bool = False) -> None:
        """Kills a worker (SIGKILL). It is started again at once, unless `hold`."""
        with self._lock:
            worker = self.workers[name]
            worker.held = hold
            if worker.process is not None and worker.alive:
                worker.process.kill()
                worker.process.wait()
            worker.process, worker.due_at = None, 0.0

    def release(self, name: str) -> None:
        """Lets a held worker run again, at once."""
        with self._lock:
            worker = self.workers[name]
            worker.held = False
            worker.due_at = 0.0

    def _watch(self) -> None:
        while not self._end.wait(LOOK_S):
            with self._lock:
                for worker in self.workers.values():
                    self._look_after(worker, time.monotonic())

    def _look_after(self, worker: Worker, now: float) -> None:
        if worker.alive or worker.held:
            return
        if worker.process is not None:  # seen dead for the first time
            worker.process = None
            young = now - worker.started_at < YOUNG_S
            worker.delay = min(worker.delay * 2, LONGEST_DELAY_S) if young else FIRST_DELAY_S
            worker.due_at = now + worker.delay
        if now >= worker.due_at:
            worker.start()
