# SPDX-License-Identifier: Apache-2.0
"""What the operator's settings and the shipped agent say, as plain values for rules and views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`connected_for`: how long after its last word an agent counts as connected; `version`: the agent shipped now;
    `poll_after` (seconds): when agents ask again; `job_life`: how long work waits for its agent;
    `ending_within`: how long before its end a certificate without an order is told of.
    """

    version: str
    connected_for: timedelta = timedelta(seconds=90)
    poll_after: float = 5.0
    job_life: timedelta = timedelta(hours=24)
    ending_within: timedelta = timedelta(days=30)
