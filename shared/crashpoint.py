# SPDX-License-Identifier: Apache-2.0
"""Marked places where a fault test may kill the process, as a power cut would. Else inert."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CRASH_AT = "CERTWRIGHT_CRASH_AT"
CRASH_MARK = "CERTWRIGHT_CRASH_MARK"
CRASH_PLAN = "CERTWRIGHT_CRASH_PLAN"
DISORDER = "CERTWRIGHT_CRASH_DISORDER"
EXIT_STATUS = 137  # what a shell reports for SIGKILL

_wanted = os.environ.get(CRASH_AT, "")
_plan = os.environ.get(CRASH_PLAN, "")
_disorder = bool(os.environ.get(DISORDER))


def disordered(messages: Sequence[T]) -> Sequence[T]:
    """The messages as they are; with `CERTWRIGHT_CRASH_DISORDER` each of them twice, in any order."""
    if not _disorder:
        return messages
    return random.sample([*messages, *messages], 2 * len(messages))


def crash_point(name: str) -> None:
    """Dies here, at once and without clean-up, when `CERTWRIGHT_CRASH_AT` (a shell pattern) matches `name`.

    With `CERTWRIGHT_CRASH_MARK=<file>` it dies once only: the file is created before dying and, when present, spares
    every later run. `CERTWRIGHT_CRASH_PLAN=<folder>` names a folder whose files may come and go while processes run:
    each holds a pattern, and the first process that comes to a matching place removes the file and dies.
    """
    if _plan and _taken(name):
        os._exit(EXIT_STATUS)
    if not _wanted or not fnmatchcase(name, _wanted):
        return
    mark = os.environ.get(CRASH_MARK)
    if mark:
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    os._exit(EXIT_STATUS)


def _taken(name: str) -> bool:
    for file in Path(_plan).glob("*"):
        try:
            if fnmatchcase(name, file.read_text().strip()):
                file.unlink()
                return True
        except FileNotFoundError:
            continue  # another process was here first
    return False
