# SPDX-License-Identifier: Apache-2.0
"""Scans that this agent has taken up: each a file below `state/scans` and a process of its own, so that no other work
waits for it. A scan whose process died, or whose agent was stopped, is begun again; the gateway knows where it is.
"""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.probe.addresses import Span, TargetError, entries, merge, read_entry, without

from certwright_agent.config import Settings
from certwright_agent.errors import Refused
from certwright_agent.files import make_folder, write_atomic
from certwright_agent.outcome import Outcome, Steps

MOST_AT_ONCE = 3
_SCAN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_AGAIN_S = 5.0  # before a scan whose process died is begun again, times how often it did
_END_S = 5.0


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    deaths: int = 0
    died_at: float = 0.0


class Scans:
    """`command` starts the process of one scan when its id is added to it."""

    def __init__(self, settings: Settings, command: Sequence[str] | None = None) -> None:
        self._settings = settings
        self._folder = settings.state / "scans"
        self._command = list(command or (sys.executable, sys.argv[0], "--config", str(settings.file), "scan"))
        self._running: dict[str, _Running] = {}

    def accept(self, arguments: Mapping[str, Any], steps: Steps) -> Outcome:
        """Takes up a scan and begins it. Raises Refused for one that the settings do not allow."""
        scan_id = arguments.get("scan_id")
        if not isinstance(scan_id, str) or not _SCAN_ID.match(scan_id):
            raise Refused("the scan has no proper id")
        targets = _texts(arguments, "targets")
        check_networks(self._settings, targets)
        _texts(arguments, "names")
        make_folder(self._folder)
        write_atomic(self._folder / f"{scan_id}.json", json.dumps({"scan_id": scan_id}).encode(), mode=0o600)
        self.look()
        steps.done("scan")
        return Outcome(succeeded=True, steps=steps.taken)

    def look(self) -> None:
        """Begins what was taken up and does not run."""
        waiting = [path.stem for path in sorted(self._folder.glob("*.json")) if _SCAN_ID.match(path.stem)]
        for scan_id in [one for one in self._running if one not in waiting]:
            if self._running[scan_id].process.poll() is not None:
                self._let_go(self._running.pop(scan_id))
        for scan_id in waiting:
            known = self._running.get(scan_id)
            if known is None:
                if sum(one.process.poll() is None for one in self._running.values()) < MOST_AT_ONCE:
                    self._running[scan_id] = _Running(self._start(scan_id))
            elif known.process.poll() is not None:
                self._again(scan_id, known)

    def wait(self, sleep: Callable[[float], None], stopping: Callable[[], bool]) -> None:
        """Until all scans have ended, or `stopping`."""
        self.look()
        while not stopping() and any(self._folder.glob("*.json")):
            sleep(0.2)
            self.look()

    def close(self) -> None:
        """Ends the processes; their scans go on when the agent does."""
        for one in self._running.values():
            if one.process.stdin is not None:
                one.process.stdin.close()
        for one in self._running.values():
            _end(one.process)
        self._running.clear()

    def _again(self, scan_id: str, known: _Running) -> None:
        now = time.monotonic()
        if not known.died_at:
            known.deaths += 1
            known.died_at = now
        if now - known.died_at >= _AGAIN_S * min(known.deaths, 12):
            self._let_go(known)
            self._running[scan_id] = _Running(self._start(scan_id), known.deaths)

    def _start(self, scan_id: str) -> subprocess.Popen[bytes]:
        # The end of its standard input tells it that this process is gone, however it went.
        return subprocess.Popen([*self._command, scan_id], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    @staticmethod
    def _let_go(known: _Running) -> None:
        if known.process.stdin is not None:
            known.process.stdin.close()
        known.process.wait()


def check_networks(settings: Settings, targets: Sequence[str]) -> None:
    """Raises Refused where an address of `targets` lies outside of the networks that may be scanned from here."""
    if not settings.scan_networks:
        raise Refused("the settings of this agent allow no scans (scan_networks)", "scan_refused")
    try:
        beyond = without(merge(read_spans(targets)), read_spans(settings.scan_networks))
    except TargetError as error:
        raise Refused(f"the scan's targets cannot be read: {str(error)[:200]}", "scan_refused") from None
    if beyond:
        first = (
            ipaddress.IPv4Address(beyond[0].first) if beyond[0].version == 4 else ipaddress.IPv6Address(beyond[0].first)
        )
        raise Refused(f"the settings of this agent do not allow to scan {first} (scan_networks)", "scan_refused")


def read_spans(texts: Sequence[str]) -> list[Span]:
    """Addresses, networks and ranges. Raises TargetError, also for a name."""
    found = [read_entry(entry) for entry in entries(texts)]
    for one in found:
        if not isinstance(one, Span):
            raise TargetError(one, "no address and no network")
    return [one for one in found if isinstance(one, Span)]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _texts(arguments: Mapping[str, Any], name: str) -> list[str]:
    value = arguments.get(name)
    if not isinstance(value, list) or len(value) > 500 or not all(isinstance(one, str) for one in value):
        raise Refused(f"the scan's {name} are not a list of texts")
    return value


def scan_file(state: Path, scan_id: str) -> Path:
    """The file of a scan that was taken up. Raises Refused for what is no id."""
    if not _SCAN_ID.match(scan_id):
        raise Refused("this is no id of a scan")
    return state / "scans" / f"{scan_id}.json"
