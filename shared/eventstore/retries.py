# SPDX-License-Identifier: Apache-2.0
"""When failed work is tried again, and when it is parked for a person (models.md §4.16)."""

from __future__ import annotations

import traceback

from shared.errors import Code, ServiceError

DELAYS_S: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 3600.0)
MAX_ATTEMPTS = 8
REFUSED_ATTEMPTS = 3
NOT_YET_DELAYS_S: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
NOT_YET_ATTEMPTS = 30
ERROR_LENGTH = 8000

# Refusals that the same input meets again: waiting changes nothing, a person must look.
REFUSALS = frozenset(
    {
        Code.INVALID,
        Code.NOT_FOUND,
        Code.UNAUTHENTICATED,
        Code.FORBIDDEN,
        Code.ACTION_NOT_ALLOWED,
        Code.IDEMPOTENCY_MISMATCH,
        Code.TOO_LARGE,
        Code.PAYMENT_DECLINED,
        Code.QUOTE_EXPIRED,
    }
)

# The world was in the way, not the event: a database or broker that was away is mostly back in a moment.
OUTAGES = frozenset({Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CONFLICT})


class NotYet(Exception):  # noqa: N818 - a state of the world, not an error
    """Raised by a reaction whose other half, a foreign fact that it depends on, has not arrived: tried again soon."""


def next_delay(attempts: int, error: BaseException) -> float | None:
    """Seconds until the next try after `attempts` failed ones; None when the work has to be parked."""
    outage = isinstance(error, ServiceError) and error.code in OUTAGES
    if outage or isinstance(error, NotYet):
        delays, most = NOT_YET_DELAYS_S, NOT_YET_ATTEMPTS
    elif isinstance(error, ServiceError) and error.code in REFUSALS:
        delays, most = DELAYS_S, REFUSED_ATTEMPTS
    else:
        delays, most = DELAYS_S, MAX_ATTEMPTS
    return None if attempts >= most else delays[min(attempts, len(delays)) - 1]


def describe(error: BaseException) -> str:
    """What a person needs in order to judge: the error and where it came from, without the values of variables."""
    return "".join(traceback.format_exception(error))[-ERROR_LENGTH:]
