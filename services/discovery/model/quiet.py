# SPDX-License-Identifier: Apache-2.0
"""When a scheduled scan runs next: every so many hours, never inside the quiet hours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
DAY = 24 * 60


def minute_of(text: str) -> int | None:
    """Minutes since midnight of `HH:MM`; None when it is no such time."""
    match = _TIME.fullmatch(text)
    return int(match[1]) * 60 + int(match[2]) if match else None


def after_quiet(moment: datetime, quiet_from: str, quiet_until: str) -> datetime:
    """`moment` (UTC), or the end of the quiet hours when it falls into them. They may span midnight; equal or empty
    ends mean that there are none."""
    start, end = minute_of(quiet_from), minute_of(quiet_until)
    if start is None or end is None or start == end:
        return moment
    now = moment.hour * 60 + moment.minute
    if (now - start) % DAY >= (end - start) % DAY:
        return moment
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    over = midnight + timedelta(minutes=end)
    return over if over > moment else over + timedelta(days=1)


def next_run(last: datetime, now: datetime, every_hours: int, quiet_from: str, quiet_until: str) -> datetime:
    """The first moment after `now` that is a whole number of periods after `last`, moved out of the quiet hours."""
    period = timedelta(hours=every_hours)
    periods = max(1, (now - last) // period + 1)
    return after_quiet(last + periods * period, quiet_from, quiet_until)
