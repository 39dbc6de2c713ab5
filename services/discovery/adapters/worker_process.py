# SPDX-License-Identifier: Apache-2.0
"""Worker processes: how one is started, spoken to and ended, and how one that has done its job waits for the next.

Its output comes over a socket, not a pipe, so that waiting for it is waiting for a socket: every other piece of work of
the service goes on meanwhile, whatever serves its sockets.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.discovery.ports import WorkerError

COMMAND = (sys.executable, "-m", "shared.probe", "--stay")
ROOT = Path(__file__).resolve().parents[3]
END_S = 3.0  # it ends within two seconds of SIGTERM
KEPT_S = 60.0
MOST_KEPT = 4
MOST_JOBS = 200  # of one process
NEXT = b'{"next":{}}\n'  # it has done a job and takes another one
_NEXT_S = 1.0


class WorkerProcess:
    """One process and the socket to it. `unread` is what it said behind the end of its job."""

    def __init__(self, command: Sequence[str]) -> None:
        """Raises WorkerError when it cannot be started."""
        self.connection, its = socket.socketpair()
        self.unread = b""
        self.jobs = 0
        with its:
            # Where sockets are cooperative, both ends do not block. The worker's must: without this it takes an order
            # that is a moment late for the end of its input.
            os.set_blocking(its.fileno(), True)
            try:
                self.process = subprocess.Popen(
                    list(command), stdin=its.fileno(), stdout=its.fileno(), stderr=subprocess.DEVNULL, cwd=ROOT,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                self.connection.close()
                raise WorkerError(f"the worker cannot be started: {error}") from error

    def tell(self, order: Mapping[str, Any]) -> None:
        """Sends an order. The line stays open: its end tells the worker to stop. Raises WorkerError."""
        self.jobs += 1
        try:
            self.connection.settimeout(END_S)
            self.connection.sendall(json.dumps(order).encode() + b"\n")
        except OSError as error:
            raise WorkerError("the worker takes no order") from error

    def waits(self) -> bool:
        """Whether it lives and has said, or says at once, that it takes another order."""
        with contextlib.suppress(OSError):
            self.connection.settimeout(_NEXT_S)
            while len(self.unread) < len(NEXT) and (came := self.connection.recv(len(NEXT))):
                self.unread += came
        said, self.unread = self.unread, b""
        return said == NEXT and self.process.poll() is None

    def stop(self) -> None:
        """Tells it to end."""
        if self.process.poll() is None:
            self.process.terminate()

    def close(self) -> None:
        """Ends it, by force when it takes too long."""
        self.stop()
        deadline = time.monotonic() + END_S
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=END_S)
        self.connection.close()


class Kept:
    """Worker processes without a job, for a minute each: the next scan or check need not wait for the start of one."""

    def __init__(self, seconds: float = KEPT_S) -> None:
        self._seconds = seconds
        self._idle: list[tuple[float, WorkerProcess]] = []  # the longest idle first
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def put(self, process: WorkerProcess) -> None:
        """Keeps one that has done its job; what is too many or too old ends."""
        with self._lock:
            keep = process.jobs < MOST_JOBS and len(self._idle) < MOST_KEPT and self._seconds > 0
            if keep:
                self._idle.append((time.monotonic(), process))
                self._watch()
        if not keep:
            process.close()

    def take(self) -> WorkerProcess | None:
        """One that waits for an order, None where there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                _, process = self._idle.pop()
            if process.waits():
                return process
            process.close()

    def close(self) -> None:
        """Ends them all."""
        with self._lock:
            idle, self._idle = self._idle, []
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for _, process in idle:
            process.close()

    def _watch(self) -> None:
        if self._timer is None and self._idle:
            left = self._idle[0][0] + self._seconds - time.monotonic()
            self._timer = threading.Timer(max(left, 0.0), _end_old, (weakref.ref(self),))
            self._timer.daemon = True
            self._timer.start()

    def end_old(self) -> None:
        """Ends those whose time is over."""
        with self._lock:
            self._timer = None
            until = time.monotonic() - self._seconds
            old = [process for since, process in self._idle if since <= until]
            self._idle = [one for one in self._idle if one[0] > until]
            self._watch()
        for process in old:
            process.close()


def _end_old(kept: weakref.ref[Kept]) -> None:
    if (there := kept()) is not None:
        there.end_old()
