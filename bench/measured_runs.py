# SPDX-License-Identifier: Apache-2.0
"""Runs of programs and functions with wall and processor time, and the line of a figure beside its peer."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CUT_OFF = "cut off"


class Run(NamedTuple):
    """Seconds on the clock, and of the processor with all processes that were started and waited for."""

    wall: float
    cpu: float


def run_program(
    argv: Sequence[str], *, stdin: bytes = b"", judges: bool = False, most_s: float = 900
) -> tuple[Run, str]:
    """Runs a program to its end; its time, and what it printed. Raises RuntimeError when it fails; one that `judges`
    says by its status what it thinks of the server. After `most_s` seconds it is ended; what it printed is
    then `CUT_OFF`."""
    used, began = _children(), time.perf_counter()
    try:
        done = subprocess.run(list(argv), input=stdin, capture_output=True, timeout=most_s, check=False)
    except subprocess.TimeoutExpired:
        return Run(time.perf_counter() - began, _children() - used), CUT_OFF
    run = Run(time.perf_counter() - began, _children() - used)
    if done.returncode and not judges:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return run, done.stdout.decode(errors="replace")


def run_function(function: Callable[[], object]) -> Run:
    """Calls a function; its time with that of the processes that it started."""
    used = _children() + time.process_time()  # in this order at the start, in the other at the end: to count is no part
    began = time.perf_counter()
    function()
    return Run(time.perf_counter() - began, time.process_time() + _children() - used)


def _children() -> float:
    """Of those that have ended, and of those that live: a service keeps workers for the next job."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime + sum(_used_by(child) for child in _living(os.getpid()))


def _living(parent: int) -> list[int]:
    """The processes below one, as the fields 1 and 4 of proc(5)'s stat tell."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            number, rest = path.read_text().rsplit(")", 1)
            if rest.split()[0] != "Z":
                parents[int(number.split()[0])] = int(rest.split()[1])
    found = {parent}
    while more := {child for child, above in parents.items() if above in found} - found:
        found |= more
    return sorted(found - {parent})


def _used_by(process: int) -> float:
    """Seconds of the processor that a process has used: its clock, as clock_getcpuclockid(3) names it on Linux."""
    try:
        return time.clock_gettime((~process << 3) | 2)
    except OSError:
        return 0.0


def beside(
    name: str,
    ours: Sequence[Run],
    theirs: Sequence[Run],
    *,
    against: str,
    aim: float | None,
    count: int = 1,
    of: str = "",
    by_cpu: bool = True,
) -> dict[str, Any]:
    """A figure of interleaved pairs: how many times as fast as the peer. `count` things (`of` what) were done in each
    run; without them the value is seconds. An aim is missed only if it is missed by the clock and, where waiting is not
    the point (`by_cpu`), by the processor."""
    wall = statistics.median(theirs_one.wall / mine.wall for mine, theirs_one in zip(ours, theirs, strict=True))
    cpu = statistics.median(theirs_one.cpu / mine.cpu for mine, theirs_one in zip(ours, theirs, strict=True))
    mine, peer = (statistics.median(one.wall for one in runs) for runs in (ours, theirs))
    line: dict[str, Any] = {
        "name": name,
        "value": round(count / mine, 1) if of else round(mine, 3),
        "unit": f"{of}/s" if of else "s",
        "against": against,
        "against_value": round(count / peer, 1) if of else round(peer, 3),
        "ratio": round(wall, 2),
        "ratio_by_cpu": round(cpu, 2),
        "cpu_us": round(statistics.median(one.cpu for one in ours) / count * 1e6, 1),
        "against_cpu_us": round(statistics.median(one.cpu for one in theirs) / count * 1e6, 1),
        "runs": len(ours),
    }
    if aim is not None:
        line |= {"aim": aim, "met": wall >= aim or (by_cpu and cpu >= aim)}
    return line
