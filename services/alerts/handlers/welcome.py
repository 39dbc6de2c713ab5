# SPDX-License-Identifier: Apache-2.0
"""A new account is told its order number by mail."""

from __future__ import annotations

from datetime import timedelta

from shared.clock import from_text, to_text
from shared.contracts.accounts import AccountOpened
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork

# What is older comes from a log that is read anew, and its account has long been at home.
NEW = timedelta(days=3)


def on_account_opened(uow: UnitOfWork, envelope: Envelope[AccountOpened]) -> None:
    """Has the mail sent, once."""
    if uow.now - from_text(envelope.occurred_at) > NEW:
        return
    event = envelope.data
    payload = {"account_id": event.account_id, "order_number": event.order_number, "at": to_text(uow.now)}
    uow.schedule("welcome", event.account_id, payload)
