# SPDX-License-Identifier: Apache-2.0
"""For a program that has no clock of its own to move: with this folder in its PYTHONPATH, and `MOVED_CLOCK` as in
`tests/support/moved_certwright.py`, its `datetime.now` is moved.
"""

import datetime as dt
import os
from pathlib import Path

FILE = Path(os.environ["MOVED_CLOCK"])


class MovedDatetime(dt.datetime):
    """The host's moment and so many days."""

    @classmethod
    def now(cls, tz=None):
        """The moved moment."""
        return super().now(tz) + dt.timedelta(days=float(FILE.read_text()))


dt.datetime = MovedDatetime
