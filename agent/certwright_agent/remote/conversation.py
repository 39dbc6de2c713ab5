# SPDX-License-Identifier: Apache-2.0
"""Lines of JSON with a program at the other end of ssh: bounded in size and time both ways, whatever it says."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, final

from certwright_agent.errors import StepFailed

LINE_LIMIT = 9 * 1024 * 1024  # a report of many sites carries their certificates
TOTAL_LIMIT = 32 * 1024 * 1024
_ERROR_LIMIT = 16 * 1024


@final
class Conversation:
    """A running program. `line` waits; everything else returns at once."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        surroundings = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **(environment or {})}
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=surroundings,
                bufsize=0,
                start_new_session=True,  # no terminal to ask on, and no signals that were meant for us
            )
        except OSError as error:
            raise StepFailed(f"{argv[0]} could not be started: {error.strerror}", "program_failed") from None
        self._in, self._out, self._err = (_pipe(each) for each in (process.stdin, process.stdout, process.stderr))
        self._process = process
        self._selector = selectors.DefaultSelector()
        self._reading = {self._out, self._err}
        for stream in (self._out, self._err):
            self._selector.register(stream, selectors.EVENT_READ)
        self._unsent = b""
        self._received = bytearray()
        self._total = 0
        self._errors = b""

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(2.0 if kind is None else 0.0)

    def send(self, content: bytes) -> None:
        """Sends bytes while the next line is waited for."""
        if content and not self._unsent and not self._in.closed:
            self._selector.register(self._in, selectors.EVENT_WRITE)
        self._unsent += content

    def say(self, **words: Any) -> None:
        """Sends one line of JSON."""
        self.send(json.dumps(words).encode("ascii") + b"\n")

    def line(self, seconds: float) -> dict[str, Any] | None:
        """The next line, or None at the end. Raises StepFailed when it takes too long or is not what it must be."""
        deadline, looked = time.monotonic() + seconds, 0
        while (end := self._received.find(b"\n", looked)) < 0:
            looked = len(self._received)
            if looked > LINE_LIMIT or self._total > TOTAL_LIMIT:
                raise StepFailed("the server sends more than it may", "program_failed")
            left = deadline - time.monotonic()
            if left <= 0:
                raise StepFailed(f"the server said nothing for {seconds:.0f} seconds", "program_failed")
            if self._out not in self._reading:
                return None
            self._turn(left)
        text = bytes(self._received[:end])
        del self._received[: end + 1]
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):  # also when it is nested too deep to be read
            value = None
        if not isinstance(value, dict):
            raise StepFailed("the server says something that is not understood", "program_failed")
        return value

    def ended(self) -> tuple[int, str]:
        """Exit code and the end of what was said on standard error; ends it when it does not end by itself."""
        self.close(2.0)
        return self._process.returncode, self._errors.decode("utf-8", "replace")

    def close(self, patience: float) -> None:
        """Sends what is left, then ends it; again does nothing."""
        deadline = time.monotonic() + patience
        while self._unsent and self._reading and time.monotonic() < deadline:
            self._turn(deadline - time.monotonic())
        self._hang_up()
        while self._reading and time.monotonic() < deadline:
            self._turn(deadline - time.monotonic())
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._out, self._err):
            stream.close()
        self._reading.clear()

    def _turn(self, seconds: float) -> None:
        """Moves what can be moved."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            if key.fileobj is self._in:
                self._write()
                continue
            content = os.read(key.fd, 64 * 1024)
            if not content:
                self._selector.unregister(key.fileobj)
                self._reading.discard(key.fileobj)
            elif key.fileobj is self._out:
                self._received += content
                self._total += len(content)
            else:
                self._errors = (self._errors + content)[-_ERROR_LIMIT:]

    def _write(self) -> None:
        try:
            sent = os.write(self._in.fileno(), self._unsent[: 64 * 1024])
            self._unsent = self._unsent[sent:]
        except BlockingIOError:
            return
        except OSError:  # it has ended; what it said is still to be read
            self._unsent = b""
        if not self._unsent:
            self._selector.unregister(self._in)

    def _hang_up(self) -> None:
        if not self._in.closed:
            if self._unsent:
                self._selector.unregister(self._in)
                self._unsent = b""
            self._in.close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise StepFailed("a pipe is missing", "program_failed")
    os.set_blocking(stream.fileno(), False)
    return stream
