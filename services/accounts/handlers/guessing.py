# SPDX-License-Identifier: Apache-2.0
"""Waiting times after failures. They are recorded in a transaction of their own, since the request itself fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.accounts.model import throttle
from services.accounts.tables import guessing
from shared.errors import Code, ServiceError
from shared.eventstore.unit_of_work import UnitOfWork

Keys = list[tuple[str, int]]


def refuse_if_blocked(connection: Any, keys: Keys, now: datetime) -> None:
    """Raises rate_limited with `retry_after` in seconds."""
    wait = timedelta(0)
    for key, _ in keys:
        known = guessing.failure(connection, key)
        if known is not None and known[2] is not None:
            wait = max(wait, known[2] - now)
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise ServiceError(
            Code.RATE_LIMITED,
            f"Too many failed tries. Wait {seconds} seconds.",
            extra={"retry_after": str(seconds)},
        )


def record(uow: UnitOfWork, keys: Keys) -> None:
    """Counts one more failure under every key."""
    for key, free in keys:
        known = guessing.failure(uow.connection, key)
        count = throttle.count_after(known[0] if known else 0, known[1] if known else None, uow.now)
        until = throttle.blocked_until(count, free, uow.now)
        guessing.record_failure(uow.connection, key, count, uow.now, until)


def forget(uow: UnitOfWork, keys: Keys) -> None:
    """After success: the login's own failures are over, those of an address are not."""
    guessing.forget_failures(uow.connection, [key for key, _ in keys if "::" not in key])
