# SPDX-License-Identifier: Apache-2.0
"""HAProxy's master process: found by its pid file, asked for new workers by SIGUSR2 (management guide §4), as its own
service file does. It re-executes itself, starts a worker on the new configuration, and lets the old ones finish what
they do; when the configuration does not load, no new worker comes and the old ones go on.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from certwright_agent.webservers.placement import Verdict

WAIT_S = 20.0


class Master:
    """The process whose id stands in `pid_file`."""

    def __init__(self, pid_file: Path, *, wait: float = WAIT_S, sleep: Callable[[float], None] = time.sleep) -> None:
        self.pid_file = pid_file
        self.wait = wait
        self._sleep = sleep

    def pid(self) -> int | None:
        """Its id, or None when it does not run; another program that got the id meanwhile does not count."""
        try:
            pid = int(self.pid_file.read_text("ascii").split()[0])
            name = Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
        except (OSError, ValueError, IndexError):
            return None
        return pid if name == "haproxy" else None

    def is_master(self, configured: bool) -> bool:
        """Whether it supervises workers; to one that does not, SIGUSR2 would be the end."""
        return configured or any(word in ("-W", "-Ws") for word in self._words())

    def configurations(self) -> list[Path]:
        """The files and folders that it was started with (`-f`), as real paths."""
        pid, words = self.pid(), self._words()
        given = [after for word, after in zip(words, words[1:]) if word == "-f"]
        if "--" in words:
            given += words[words.index("--") + 1 :]
        try:
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            folder = Path("/")
        return [Path(os.path.realpath(folder / one)) for one in given]

    def reload(self) -> Verdict:
        """Asks for new workers and waits until there is one that stays."""
        pid = self.pid()
        if pid is None:
            return Verdict(ok=False, detail="HAProxy is not running")
        before = _children(pid)
        for _ in range(2):  # a signal that comes while the master starts itself anew can be lost: it is sent once more
            try:
                os.kill(pid, signal.SIGUSR2)
            except OSError as error:
                return Verdict(ok=False, detail=f"HAProxy's master process cannot be signalled: {error.strerror}")
            if self._has_new_worker(pid, before, self.wait / 2):
                return Verdict(ok=True, detail="")
        return Verdict(ok=False, detail="HAProxy's master process started no new worker; its log says why")

    def _has_new_worker(self, pid: int, before: set[int], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._sleep(0.1)
            new = _children(pid) - before
            if new:
                self._sleep(0.2)
                if new & _children(pid):
                    return True
        return False

    def _words(self) -> list[str]:
        try:
            raw = Path(f"/proc/{self.pid()}/cmdline").read_bytes()
        except OSError:
            return []
        return [word.decode("utf-8", "surrogateescape") for word in raw.split(b"\0")]


def _children(pid: int) -> set[int]:
    """The living children of a process, from proc(5): `pid (comm) state ppid …`."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
            state, parent = rest.split()[:2]
            if int(parent) == pid and state not in "ZX":
                found.add(int(head.split()[0]))
        except (OSError, ValueError):  # noqa: PERF203  a process that ended meanwhile
            continue
    return found
