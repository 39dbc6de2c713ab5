# SPDX-License-Identifier: Apache-2.0
"""A service small enough to hold in the head, to try the event store with: counters that are started and raised."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from shared.clock import RandomIds
from shared.contracts.base import Permission, Request, View, command
from shared.errors import invalid
from shared.eventsourcing.event import Event, event
from shared.eventsourcing.fold import Fold
from shared.eventstore.database import Database
from shared.eventstore.jobs import Jobs
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room


@event("counters.CounterStarted")
class CounterStarted(Event):
    name: str


@event("counters.CounterRaised")
class CounterRaised(Event):
    by: int = 1


counter = Fold(int)


@counter.on(CounterRaised)
def _raised(state, fact):
    return state + fact.by


projections = Projections()
totals = sa.Table(
    "totals",
    projections.metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("total", sa.Integer, nullable=False),
)
notes = sa.Table("notes", projections.state, sa.Column("text", sa.Text, nullable=False))


@projections.on(CounterStarted)
def _total_started(connection, envelope):
    connection.execute(totals.insert().values(stream=envelope.stream, name=envelope.data.name, total=0))


@projections.on(CounterRaised)
def _total_raised(connection, envelope):
    added = totals.c.total + envelope.data.by
    connection.execute(totals.update().where(totals.c.stream == envelope.stream).values(total=added))


class CounterView(View):
    id: str
    total: int


@command("counters", Permission.INTERNAL)
class StartCounter(Request[CounterView]):
    name: str


@command("counters", Permission.INTERNAL)
class RaiseCounter(Request[CounterView]):
    id: str
    by: int = 1


def start_counter(uow, request):
    stream = f"counter-{request.name}"
    uow.append(stream, CounterStarted(name=request.name))
    uow.schedule("greet", request.name, {"name": request.name})
    return CounterView(id=stream, total=0)


def raise_counter(uow, request):
    loaded = uow.load(request.id, counter)
    if request.by < 1:
        raise invalid("Counters only go up.", "/by")
    uow.append(loaded, CounterRaised(by=request.by))
    return CounterView(id=request.id, total=loaded.state)


jobs = Jobs()
greeted: list[str] = []


@jobs.kind("greet", attempts=3, backoff=(1, 10), timeout=5)
def greet(app, payload):
    app.append(payload["name"])


class ManualClock:
    """Stands still until it is told to go on."""

    def __init__(self, start=datetime(2026, 11, 23, 12, tzinfo=UTC)):
        self.moment = start

    def now(self):
        return self.moment

    def advance(self, seconds):
        self.moment += timedelta(seconds=seconds)


def settle(room):
    """Waits until readers of the log may see all of it: on PostgreSQL any other transaction of the cluster, such as an
    autovacuum, holds them back for as long as it runs."""
    while room.log.backlog(room.log.head()).events:
        time.sleep(0.01)


def open_room(settings, *, clock=None, ids=None, create=True):
    """A counters room on the database of `settings`."""
    database = Database.open("counters", settings)
    if create:
        database.create_all(projections.metadata, projections.state)
    return Room("counters", database, projections, clock=clock or ManualClock(), ids=ids or RandomIds(), jobs=jobs)
