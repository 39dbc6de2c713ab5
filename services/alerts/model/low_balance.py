# SPDX-License-Identifier: Apache-2.0
"""When a deposit is so low that somebody has to know (console checklist 17.06)."""

from __future__ import annotations

from shared.errors import invalid

KIND = "low_balance"
SEVERITY = "warning"
SUBJECT = "Deposit"
MOST = 10_000_000  # as much as one top-up may be


def check_threshold(given: int | None, before: int | None) -> int | None:
    """The threshold from now on: what is not given stays, 0 turns it off. Raises ServiceError `invalid`."""
    if given is None:
        return before
    if not 0 <= given <= MOST:
        raise invalid(f"Give an amount from 0 to {MOST} minor units; 0 turns the alert off.", "/low_balance")
    return given or None


def is_low(balance: int | None, threshold: int | None) -> bool:
    """Whether a deposit is below its threshold. None: there is no deposit, or no threshold."""
    return balance is not None and threshold is not None and balance < threshold


def sentence(balance: int, threshold: int, currency: str) -> str:
    """What the alert says, in words."""
    return f"The deposit has {_money(balance, currency)} left, less than {_money(threshold, currency)}."


def _money(amount: int, currency: str) -> str:
    return f"{currency} {amount // 100:,}.{amount % 100:02}"
