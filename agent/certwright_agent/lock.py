# SPDX-License-Identifier: Apache-2.0
"""One agent at a time on a state folder: two would undo each other's work."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

from certwright_agent.errors import AgentError


def only_one(state: Path) -> TextIO:
    """Holds the lock of the state folder until it is closed. Raises AgentError."""
    lock = (state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise AgentError(f"another agent is running on {state}") from None
    return lock


def is_held(state: Path) -> bool:
    """Whether an agent is at work there."""
    try:
        with (state / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
