# SPDX-License-Identifier: Apache-2.0
"""The worker program as a process of its own, spoken to by lines of JSON: nothing of it runs in the service's hub."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from services.discovery.adapters.worker_process import COMMAND, KEPT_S, Kept, WorkerProcess
from services.discovery.ports import End, Found, Missed, Progress, Step, Surveyed, WorkerError

TICK_S = 0.25
MAX_LINE = 8 << 20
_CHUNK = 1 << 18
_FOUND = b'{"found":'
_SAID: dict[str, Any] = {"found": Found, "missed": Missed, "end": End}


class _FoundLine(msgspec.Struct):
    found: Found


_found = msgspec.json.Decoder(_FoundLine)


class WorkerProber:
    """See `ports.Prober`. `command` is the program that speaks the protocol; one that has done its job is kept for
    `kept_s` seconds, if it says that it takes another one."""

    def __init__(self, command: Sequence[str] = COMMAND, *, kept_s: float = KEPT_S) -> None:
        self._command = list(command)
        self._kept = Kept(kept_s)
        weakref.finalize(self, self._kept.close)

    @contextmanager
    def run(self, order: Mapping[str, Any]) -> Iterator[WorkerSession]:
        """Hands the order to a program that waits for one, or starts one. Raises WorkerError when it cannot."""
        process = self._kept.take() or WorkerProcess(self._command)
        session = WorkerSession(process, "survey" if "survey" in order else "scan")
        try:
            session.tell(order)
            yield session
        finally:
            if session.ended:
                self._kept.put(process)
            else:
                process.close()


class WorkerSession:
    """See `ports.Session`. `ended`: the worker has done its order, and nobody told it to stop."""

    def __init__(self, process: WorkerProcess, kind: str) -> None:
        self._worker = process
        self._kind = kind
        self._stopped = False
        self.ended = False

    def tell(self, order: Mapping[str, Any]) -> None:
        """Sends the order. Raises WorkerError."""
        self._worker.tell(order)

    def lines(self) -> Iterator[Found | Missed | Progress | End | Step | Surveyed | None]:
        """See `ports.Session.lines`."""
        rest = b""
        connection = self._worker.connection
        connection.settimeout(TICK_S)
        while True:
            try:
                chunk = connection.recv(_CHUNK)
            except TimeoutError:
                yield None
                continue
            except OSError as error:
                raise WorkerError("the worker broke off") from error
            if not chunk:
                raise WorkerError("the worker ended without an answer")
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_LINE:
                raise WorkerError("the worker says too much at once")
            for number, line in enumerate(lines, 1):
                said = self._read(line)
                if isinstance(said, End | Surveyed):
                    self._worker.unread = b"\n".join([*lines[number:], rest])
                    self.ended = not (self._stopped or (isinstance(said, End) and said.stopped))
                if said is not None:
                    yield said
                if isinstance(said, End | Surveyed):
                    return

    def _read(self, line: bytes) -> Found | Missed | Progress | End | Step | Surveyed | None:
        if not line.strip():
            return None
        try:
            if line.startswith(_FOUND):  # of these come thousands a second
                return _found.decode(line).found
            ((word, content),) = msgspec.json.decode(line, type=dict[str, Any]).items()
            if word == "survey":
                return Surveyed(content)
            if word == "progress":
                return msgspec.convert(content, Step) if self._kind == "survey" else msgspec.convert(content, Progress)
            if word in _SAID:
                said: Found | Missed | End = msgspec.convert(content, _SAID[word])
                return said
        except (msgspec.DecodeError, ValueError) as error:
            raise WorkerError("the worker said what nobody understands") from error
        if word == "error":
            raise WorkerError(str(content)[:200])
        return None

    def stop(self) -> None:
        """See `ports.Session.stop`."""
        self._stopped, self.ended = True, False
        self._worker.stop()
