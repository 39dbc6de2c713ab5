# SPDX-License-Identifier: Apache-2.0
"""How often a fleet may ask: agents are told a longer interval when there are more of them than can be answered."""

from __future__ import annotations

from datetime import datetime, timedelta

RECOUNT = timedelta(seconds=30)
LONGEST_S = 60.0  # below the 90 seconds after which an agent counts as not connected


class Pace:
    """`per_second`: the questions that all agents together shall ask at most."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._agents = 0
        self._counted_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether it is time to count the agents again."""
        return self._counted_at is None or not self._counted_at <= now < self._counted_at + RECOUNT

    def count(self, agents: int, now: datetime) -> None:
        """So many are enrolled."""
        self._agents, self._counted_at = agents, now

    def poll_after(self, least: float) -> float:
        """Seconds until an agent asks again, `least` or more."""
        return max(least, min(self._agents / self._per_second, LONGEST_S))
