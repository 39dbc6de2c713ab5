# SPDX-License-Identifier: Apache-2.0
"""The worker program: `python -m shared.probe` does one job and says on standard output what comes of it.

The job is one line of JSON on standard input, an object with one key that names it; each line of the answer is one too.
SIGTERM, or the end of standard input, stops it within two seconds, after its last line. Exit code 2, and a line
`{"error": {"entry", "message"}}`, for a job that cannot be meant. A process of its own, so that no probe ever runs in
one that serves people.

With `--stay` it says `{"next": {}}` behind a job that nobody stopped, and takes another one: to start costs as much as
a thousand looks.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from importlib import import_module
from queue import SimpleQueue
from typing import Any, Callable

from shared.probe.targets import TargetError

# Name of the job: the module whose `run(job, worker)` does it. It may raise TargetError before it has begun.
JOBS = {"scan": "shared.probe.scan_job", "survey": "shared.probe.survey_job"}
_MOST = 64 * 1024 * 1024  # bytes of one job
_PIECE = 1 << 20
_GARBAGE = 10_000  # new objects between two looks for garbage
_LINES = 64  # sent together
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Worker:
    """What a job talks to."""

    def __init__(self) -> None:
        self.stopped = False
        self.orders: SimpleQueue[bytes] = SimpleQueue()  # lines of standard input; an empty one behind the last
        self._ends: list[Callable[[], None]] = []
        self._lines: list[str] = []  # said and not sent

    def on_stop(self, end: Callable[[], None]) -> None:
        """`end` is called, from a signal handler or another thread, when the job is to stop; at once if it already
        was."""
        self._ends.append(end)
        if self.stopped:
            end()

    def stop(self, *_signal: object) -> None:
        """Asks the job to stop, and lets no other one begin."""
        self.stopped = True
        self.orders.put(b"")
        for end in self._ends:
            end()

    def go_on(self) -> bytes:
        """Says that the job is done; the next one, empty when there will be none."""
        self._ends = []
        self.say("next", {})
        return b"" if self.stopped else self.orders.get()

    def say(self, kind: str, body: dict[str, Any]) -> None:
        """Writes a line; what was found waits for others of its kind, or for the next line of another one. Nobody there
        to read it is a reason to stop."""
        self._lines.append(_found_line(body) if kind == "found" else _encode({kind: body}))
        if kind == "found" and len(self._lines) < _LINES:
            return
        said, self._lines = self._lines, []
        try:
            sys.stdout.write("\n".join([*said, ""]))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes there
            self.stop()


def _found_line(body: dict[str, Any]) -> str:
    """Base64 needs no escapes: looking for some in certificates is most of the work of an encoder."""
    chain = '","'.join(body.pop("chain"))
    return f'{{"found":{_encode(body)[:-1]},"chain":["{chain}"]}}}}'


def main() -> int:
    """Does the job, or one after another; returns the exit code."""
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    threading.Thread(target=_take_orders, args=(worker,), daemon=True).start()
    gc.set_threshold(_GARBAGE, 20, 20)  # what thousands of looks hold is no garbage: look for it less often
    line = worker.orders.get()
    try:
        while True:
            name, job = _read(line)
            does = import_module(JOBS[name])
            gc.freeze()  # what is imported stays
            does.run(job, worker)
            line = worker.go_on() if "--stay" in sys.argv[1:] else b""
            if not line:
                return 0
    except TargetError as error:
        worker.say("error", {"entry": error.entry, "message": str(error)})
        return 2


def _read(line: bytes) -> tuple[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise TargetError("", f"the job is no JSON: {error}") from error
    if not isinstance(document, dict) or len(document) != 1 or next(iter(document)) not in JOBS:
        raise TargetError("", f"a job is an object with one key of {', '.join(JOBS)}")
    name, job = next(iter(document.items()))
    return name, job


def _take_orders(worker: Worker) -> None:
    """Hands on each line, and stops the worker at the end of the input."""
    # Not through sys.stdin: at the end of the process its lock may not be held by this thread.
    came = b""
    while piece := os.read(0, _PIECE):
        *lines, came = (came + piece).split(b"\n")
        if len(came) > _MOST:
            lines, came = [*lines, came], b""
        for line in lines:
            worker.orders.put(line + b"\n")
    if came:
        worker.orders.put(came)
    worker.stop()


if __name__ == "__main__":
    sys.exit(main())
