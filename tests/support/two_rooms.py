# SPDX-License-Identifier: Apache-2.0
"""Two tiny services for the tests of messaging and runtime: ping records and tells, pong answers and listens.

Run as a program it serves one or both in a process of its own: `python -m tests.support.two_rooms ping pong`.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from shared.runtime.patch import patch

    patch()

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import eventlet
import sqlalchemy as sa

from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.contracts.base import Done, Permission, Request, View, command, query
from shared.crashpoint import crash_point
from shared.errors import Code, ServiceError
from shared.eventsourcing.event import Event, event
from shared.eventstore.database import Database
from shared.eventstore.jobs import Jobs
from shared.eventstore.projections import Projections
from shared.eventstore.retries import NotYet
from shared.eventstore.room import Room
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service
from shared.settings import Settings


@command("ping", Permission.PUBLIC)
class SayPing(Request[Done]):
    """Asks pong, then records what it said."""

    text: str
    numbers: list[int] = []


@command("ping", Permission.VIEW)
class SayAlone(Request[Done]):
    """Records without asking; needs a permission."""

    text: str


class Hop(View):
    deadline: float
    actor: str
    account_id: str | None
    trace_id: str | None
    command_id: str | None


@query("pong", Permission.PUBLIC)
class Twice(Request[Done]):
    """Says it twice; some words make it fail in a particular way."""

    text: str


@query("pong", Permission.PUBLIC)
class Nap(Request[Done]):
    """Answers after a while."""

    seconds: float


@query("ping", Permission.PUBLIC)
class LookThrough(Request[Hop]):
    """What pong sees of the context when ping asks it."""


@query("pong", Permission.PUBLIC)
class Look(Request[Hop]):
    """What arrives of the context."""


@query("pong", Permission.PUBLIC)
class Unanswered(Request[Done]):
    """A request that no version of pong knows."""


@command("ping", Permission.PUBLIC)
class StartJob(Request[Done]):
    key: str


@event("ping.Pinged")
class Pinged(Event):
    text: str
    number: int = 0


@event("ping.Worked")
class Worked(Event):
    key: str


@event("pong.Ponged")
class Ponged(Event):
    text: str
    number: int = 0
    cause: str = ""


class MovableClock(SystemClock):
    """The clock of the host, moved by `offset`."""

    def __init__(self):
        self.offset = timedelta()

    def now(self):
        return super().now() + self.offset


@dataclass
class App:
    room: Room
    settings: Settings
    clock: MovableClock
    failing: Path  # while this file exists, pong's handler fails with what it says


ping_jobs = Jobs()


@ping_jobs.kind("work", attempts=3, backoff=(0.1,), timeout=30)
def work(app, payload):
    eventlet.sleep(payload.get("seconds", 0))
    key = payload["key"]

    def done(uow, _request):
        uow.append_anywhere("work", Worked(key=key))

    app.room.execute(done, None, Context(actor="system:ping", command_id=f"work-{key}"))


def builder(name, jobs=None):
    clock = MovableClock()

    def build(settings):
        room = Room(
            name, Database.open(name, settings), Projections(), clock=clock, ids=RandomIds(), jobs=jobs or Jobs()
        )
        return App(room, settings, clock, Path(settings.data_dir) / "failing")

    build.clock = clock
    return build


fired: list[tuple[int, float]] = []


class PingService(Service):
    name = "ping"
    build = staticmethod(builder("ping", ping_jobs))

    @rpc(SayPing)
    def say_ping(self, request: SayPing, context: Context) -> Done:
        said = self.client.send(Twice(text=request.text), context)

        def handler(uow, _request):
            uow.append(uow.new_id(), Pinged(text=said.id))
            return Done(id=said.id)

        return self.app.room.execute(handler, request, context)

    @rpc(SayAlone)
    def say_alone(self, request: SayAlone, context: Context) -> Done:
        def handler(uow, _request):
            uow.append(uow.new_id(), Pinged(text=request.text))
            return Done(id=request.text)

        return self.app.room.execute(handler, request, context)

    @rpc(LookThrough)
    def look_through(self, _request: LookThrough, context: Context) -> Hop:
        return self.client.send(Look(), context)

    @rpc(StartJob)
    def start_job(self, request: StartJob, context: Context) -> Done:
        def handler(uow, _request):
            uow.schedule("work", request.key, {"key": request.key, "seconds": 0.2})
            return Done()

        return self.app.room.execute(handler, request, context)

    @every(seconds=0.5)
    def tick(self) -> None:
        fired.append((int(time.time() // 0.5), time.monotonic()))


class PongService(Service):
    name = "pong"
    build = staticmethod(builder("pong"))

    @rpc(Twice)
    def twice(self, request: Twice, _context: Context) -> Done:
        if request.text == "bug":
            raise RuntimeError("the password is hunter2")
        if request.text == "refused":
            raise ServiceError(Code.INSUFFICIENT_FUNDS, "Too little.", pointer="/text", extra={"missing": "5"})
        if request.text == "outage":
            raise sa.exc.OperationalError("SELECT 'hunter2'", None, OSError("the server closed the connection"))
        if request.text == "timeout":
            raise eventlet.Timeout(5)
        return Done(id=request.text * 2)

    @rpc(Nap)
    def nap(self, request: Nap, _context: Context) -> Done:
        eventlet.sleep(request.seconds)
        return Done(id="slept")

    @rpc(Look)
    def look(self, _request: Look, context: Context) -> Hop:
        return Hop(
            deadline=context.deadline,
            actor=context.actor,
            account_id=context.account_id,
            trace_id=context.trace_id,
            command_id=context.command_id,
        )

    @subscribe(Pinged)
    def on_pinged(self, envelope) -> None:
        app = self.app
        if app.failing.exists():
            make = failures[app.failing.read_text()]
            raise make()

        def handler(uow, fact):
            uow.append_anywhere("heard", Ponged(text=fact.data.text, number=fact.data.number, cause=fact.event_id))

        app.room.react(handler, envelope, name="pong.on_pinged")
        crash_point("pong/on_pinged/after")


failures = {
    "refused": lambda: ServiceError(Code.INVALID, "It makes no sense."),
    "bug": lambda: RuntimeError("broken"),
    "timeout": lambda: eventlet.Timeout(5),
    "not yet": lambda: NotYet("the other half is missing"),
}

SERVICES = {"ping": PingService, "pong": PongService}


def heard(room) -> list[Ponged]:
    """What pong recorded, in order."""
    return [envelope.data for envelope in room.events("heard")]


def record(room, texts) -> None:
    """Lets ping tell, without RPC."""

    def handler(uow, _request):
        for number, text in enumerate(texts):
            uow.append(uow.new_id(), Pinged(text=text, number=number))

    room.execute(handler, None, Context(actor="user:1", correlation_id="c-1"))


def count(room, table: str) -> int:
    with room.query() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()


if __name__ == "__main__":
    from shared.runtime.run import serve

    sys.exit(serve(Settings(), [SERVICES[name] for name in sys.argv[1:]]))
