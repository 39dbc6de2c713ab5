# SPDX-License-Identifier: Apache-2.0
"""The worker program as a process of its own, spoken to by lines of JSON: nothing of it runs in the service's hub.

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
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from services.discovery.ports import End, Found, Missed, Progress, Step, Surveyed, WorkerError

COMMAND = (sys.executable, "-m", "shared.probe")
ROOT = Path(__file__).resolve().parents[3]
TICK_S = 0.25
END_S = 3.0  # it ends within two seconds of SIGTERM
MAX_LINE = 8 << 20
_CHUNK = 1 << 18
_FOUND = b'{"found":'
_SAID: dict[str, Any] = {"found": Found, "missed": Missed, "end": End}


class _FoundLine(msgspec.Struct):
    found: Found


_found = msgspec.json.Decoder(_FoundLine)


class WorkerProber:
    """See `ports.Prober`. `command` is the program that speaks the protocol."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = list(command)

    @contextmanager
    def run(self, order: Mapping[str, Any]) -> Iterator[WorkerSession]:
        """Starts the program and hands it the order. Raises WorkerError when it cannot be started."""
        ours, its = socket.socketpair()
        with ours, its:
            # Where sockets are cooperative, both ends do not block. The worker's must: without this it takes an order
            # that is a moment late for the end of its input.
            os.set_blocking(its.fileno(), True)
            try:
                process = subprocess.Popen(
                    self._command, stdin=its.fileno(), stdout=its.fileno(), stderr=subprocess.DEVNULL, cwd=ROOT,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise WorkerError(f"the worker cannot be started: {error}") from error
            its.close()
            session = WorkerSession(ours, process, "survey" if "survey" in order else "scan")
            try:
                session.tell(order)
                yield session
            finally:
                session.close()


class WorkerSession:
    """See `ports.Session`."""

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes], kind: str) -> None:
        self._connection = connection
        self._process = process
        self._kind = kind

    def tell(self, order: Mapping[str, Any]) -> None:
        """Sends the order. The line stays open: its end tells the worker to stop. Raises WorkerError."""
        try:
            self._connection.settimeout(END_S)
            self._connection.sendall(json.dumps(order).encode() + b"\n")
        except OSError as error:
            raise WorkerError("the worker takes no order") from error

    def lines(self) -> Iterator[Found | Missed | Progress | End | Step | Surveyed | None]:
        """See `ports.Session.lines`."""
        rest = b""
        self._connection.settimeout(TICK_S)
        while True:
            try:
                chunk = self._connection.recv(_CHUNK)
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
            for line in lines:
                said = self._read(line)
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
        if self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """Ends the process, by force when it takes too long."""
        self.stop()
        deadline = time.monotonic() + END_S
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=END_S)
