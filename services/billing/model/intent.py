# SPDX-License-Identifier: Apache-2.0
"""A payment as the provider knows it. What the provider says is the truth about its money."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IntentStatus(StrEnum):
    """Where a payment stands. The last three are final."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether the provider will never say anything else."""
        return self is not IntentStatus.PENDING


@dataclass(frozen=True)
class Intent:
    """One attempt to pay one order. `amount` is in minor units; `key` is the idempotency key that it was made with."""

    intent_id: str
    order_id: str
    key: str
    status: IntentStatus
    amount: int
    currency: str
    checkout_url: str
    reason: str = ""
