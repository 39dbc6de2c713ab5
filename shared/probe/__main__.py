# SPDX-License-Identifier: Apache-2.0
"""The worker program: `python -m shared.probe` does one job and says on standard output what comes of it.

The job is one line of JSON on standard input, an object with one key that names it; each line of the answer is one too.
SIGTERM, or the end of standard input, stops it within two seconds, after its last line. Exit code 2, and a line
`{"error": {"entry", "message"}}`, for a job that cannot be meant. A process of its own, so that no probe ever runs in
one that serves people.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any, Callable

from shared.probe.targets import TargetError

# Name of the job: the module whose `run(job, worker)` does it. It may raise TargetError before it has begun.
JOBS = {"scan": "shared.probe.scan_job", "survey": "shared.probe.survey_job"}
_MOST = 64 * 1024 * 1024  # bytes of one job
_LINES = 64  # sent together
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Worker:
    """What a job talks to."""

    def __init__(self) -> None:
        self.stopped = False
        self._ends: list[Callable[[], None]] = []
        self._lines: list[str] = []  # said and not sent

    def on_stop(self, end: Callable[[], None]) -> None:
        """`end` is called, from a signal handler or another thread, when the job is to stop; at once if it already
        was."""
        self._ends.append(end)
        if self.stopped:
            end()

    def stop(self, *_signal: object) -> None:
        """Asks the job to stop."""
        self.stopped = True
        for end in self._ends:
            end()

    def say(self, kind: str, body: dict[str, Any]) -> None:
        """Writes a line; what was found waits for others of its kind, or for the next line of another one. Nobody there
        to read it is a reason to stop."""
        self._lines.append(_encode({kind: body}))
        if kind == "found" and len(self._lines) < _LINES:
            return
        said, self._lines = self._lines, []
        try:
            sys.stdout.write("\n".join([*said, ""]))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes there
            self.stop()


def main() -> int:
    """Does the job; returns the exit code."""
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    line = sys.stdin.buffer.readline(_MOST)
    try:
        name, job = _read(line)
        threading.Thread(target=_await_end, args=(worker,), daemon=True).start()
        import_module(JOBS[name]).run(job, worker)
    except TargetError as error:
        worker.say("error", {"entry": error.entry, "message": str(error)})
        return 2
    return 0


def _read(line: bytes) -> tuple[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise TargetError("", f"the job is no JSON: {error}") from error
    if not isinstance(document, dict) or len(document) != 1 or next(iter(document)) not in JOBS:
        raise TargetError("", f"a job is an object with one key of {', '.join(JOBS)}")
    name, job = next(iter(document.items()))
    return name, job


def _await_end(worker: Worker) -> None:
    # Not through sys.stdin: at the end of the process its lock may not be held by this thread.
    while os.read(0, 4096):
        pass
    worker.stop()


if __name__ == "__main__":
    sys.exit(main())
