# SPDX-License-Identifier: Apache-2.0
"""What tests of rooms need: a clock that stands, ids that count, events as another room sends them, contexts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from shared.clock import derived_id, to_text
from shared.context import Context
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventstore.migrations import upgrade


class StandingClock:
    """Stands at a moment until it is moved."""

    def __init__(self, moment=datetime(2026, 11, 23, 12, 0, tzinfo=UTC)):
        self.moment = moment

    def now(self):
        return self.moment

    def move(self, **span):
        self.moment += timedelta(**span)


class CountingIds:
    """UUIDs that are the same in every run."""

    def __init__(self):
        self.numbers = itertools.count(1)  # also for tests with threads

    def new(self):
        return derived_id("test", str(next(self.numbers)))


def with_tables(app):
    """The app with its tables brought to the newest revision, as the runner does at start."""
    upgrade(app.room.database, app.room.projections)
    return app


def customer(account_id="account-1", *, command_id=None, permissions=None):
    """A context of an account's user who may do everything in it."""
    allowed = {"view", "create_order", "replenish_balance", "administer"} if permissions is None else permissions
    return Context(
        actor=f"user:of-{account_id}", account_id=account_id, permissions=frozenset(allowed), command_id=command_id
    )


def operator():
    """A context of who runs the installation."""
    return Context(actor="user:operator", permissions=frozenset({"operator", "view"}))


def sent(fact, event_id=None, *, account_id="account-1"):
    """The envelope in which another room's event arrives; a new one each time unless `event_id` is given."""
    sent.count += 1
    now = to_text(datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
    return Envelope(
        event_id=event_id or derived_id("sent", str(sent.count)),
        stream="elsewhere",
        version=1,
        type=fact.TYPE,
        schema_version=fact.SCHEMA,
        occurred_at=now,
        recorded_at=now,
        data=fact,
        metadata=Metadata(account_id=account_id),
        hash="",
    )


sent.count = 0
