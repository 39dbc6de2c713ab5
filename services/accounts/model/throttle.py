# SPDX-License-Identifier: Apache-2.0
"""How long to wait after failed sign-ins: growing, per login and address, so that guessing gets nowhere.

A login alone has a high threshold: otherwise anybody could lock its owner out by failing on purpose.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

WINDOW = timedelta(hours=1)  # failures older than this are forgotten
LONGEST = timedelta(minutes=15)
FREE_BOTH = 5  # of one login from one address
FREE_LOGIN = 30  # of one login from anywhere


def keys_of(kind: str, login: str, address: str, free_address: int) -> list[tuple[str, int]]:
    """(key, how many failures cost nothing). What was typed as a login is hashed: people type passwords there."""
    who = hashlib.sha256(login.encode()).hexdigest()
    keys = [(f"{kind}:{who}:{address}", FREE_BOTH), (f"{kind}:{who}", FREE_LOGIN)]
    if address:
        keys.append((f"{kind}::{address}", free_address))
    return keys


def count_after(count: int, last_failed_at: datetime | None, now: datetime) -> int:
    """The failures so far, this one included."""
    return count + 1 if last_failed_at is not None and now - last_failed_at <= WINDOW else 1


def blocked_until(count: int, free: int, now: datetime) -> datetime | None:
    """Until when nobody gets in after so many failures: 1, 2, 4 … seconds, at most 15 minutes."""
    if count < free:
        return None
    exponent = min(count - free, 20)
    return now + min(timedelta(seconds=2**exponent), LONGEST)
