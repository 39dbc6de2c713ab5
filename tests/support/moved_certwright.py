# SPDX-License-Identifier: Apache-2.0
"""Certwright as a program whose clock another process moves: `python -m tests.support.moved_certwright serve`.

The file that `MOVED_CLOCK` names holds by how many days the clock differs from the host's; it is read at every look.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from shared.runtime.patch import patch

    patch()

import os
from datetime import timedelta
from pathlib import Path

from shared.clock import SystemClock


class MovedClocks:
    """Where a test says how far the clock of its Certwright is off."""

    program = ("-m", "tests.support.moved_certwright")
    python_path = str(Path(__file__).parent / "moved_clock")  # for other programs

    def __init__(self, file):
        self.file = file
        self.settings = {"MOVED_CLOCK": str(file)}

    def move(self, days):
        """From now on it is so many days later than on the host; earlier, if negative."""
        draft = self.file.with_suffix(".new")
        draft.write_text(str(days))
        draft.replace(self.file)


def main():
    file, hosts = Path(os.environ["MOVED_CLOCK"]), SystemClock.now
    SystemClock.now = lambda clock: hosts(clock) + timedelta(days=float(file.read_text()))
    from certwright.cli import app

    app(sys.argv[1:])


if __name__ == "__main__":
    main()
