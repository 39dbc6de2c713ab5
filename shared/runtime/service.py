# SPDX-License-Identifier: Apache-2.0
"""The base class of every room's `service.py`: what each service answers whatever its subject.

>>> class OrdersService(Service):
...     name = "orders"
...     build = staticmethod(bootstrap.build)
...
...     @rpc(PlaceOrder)
...     def place_order(self, request: PlaceOrder, context: Context) -> OrderView:
...         return self.app.room.execute(handlers.place_order, request, context)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from shared.context import Context
from shared.contracts.base import Done, Page
from shared.contracts.operations import (
    DeadLetter,
    DiscardDeadLetter,
    GetDeadLetter,
    GetHealth,
    Health,
    Lag,
    ListDeadLetters,
    LogPage,
    ReadLog,
    ReplayDeadLetter,
)
from shared.errors import invalid
from shared.eventsourcing.envelope import Cursor
from shared.messaging.rpc import rpc
from shared.messaging.rpc_client import RpcClient
from shared.messaging.timers import every
from shared.runtime.version import running_version

READ_LOG_MAX = 1000


class Service:
    """Subclass it with `name`, `build` and decorated methods of a few lines. One instance serves one piece of work.

    `app` is what `build(settings)` made (it has `.room`); `client` sends requests to other services.
    """

    name: ClassVar[str]
    build: ClassVar[Callable[..., Any]]
    app: Any
    client: RpcClient
    container: Any

    @rpc(ReadLog)
    def read_log(self, request: ReadLog, _context: Context) -> LogPage:
        """A page of the service's log, for catch-up and the feed."""
        try:
            cursor = Cursor.parse(request.cursor)
        except ValueError:
            raise invalid("A cursor looks like 0-0.", "/cursor") from None
        batch = self.app.room.log.read(cursor, min(max(request.limit, 1), READ_LOG_MAX), request.types)
        return LogPage(entries=batch.entries, cursor=str(batch.cursor))

    @rpc(ListDeadLetters)
    def list_dead_letters(self, request: ListDeadLetters, _context: Context) -> Page[DeadLetter]:
        """Parked events and jobs."""
        page: Page[DeadLetter] = self.app.room.dead_letters.list(min(max(request.limit, 1), 200), request.cursor)
        return page

    @rpc(GetDeadLetter)
    def get_dead_letter(self, request: GetDeadLetter, _context: Context) -> DeadLetter:
        """One of them, with its payload and traceback."""
        letter: DeadLetter = self.app.room.dead_letters.get(request.id)
        return letter

    @rpc(ReplayDeadLetter)
    def replay_dead_letter(self, request: ReplayDeadLetter, _context: Context) -> Done:
        """Back to work at once."""
        self.app.room.dead_letters.replay(request.id)
        self.container.wake_retries(0.0)
        return Done(id=request.id)

    @rpc(DiscardDeadLetter)
    def discard_dead_letter(self, request: DiscardDeadLetter, _context: Context) -> Done:
        """Given up for good."""
        self.app.room.dead_letters.discard(request.id)
        return Done(id=request.id)

    @every(seconds=3600)
    def keep_house(self) -> None:
        """Seals the log, so that a cut at its end is found, and forgets old replies."""
        self.app.room.keep_house()

    @rpc(GetHealth)
    def get_health(self, _request: GetHealth, _context: Context) -> Health:
        """How this service sees itself. Answers also when its database does not."""
        parts = self.container.health()
        lags = [
            Lag(name=f"{handler} < {publisher}", events=count, seconds=age)
            for (handler, publisher), (count, age) in sorted(self.container.catch_up.lags.items())
        ]
        dead_letters = 0
        if parts["database"] == "ok":
            events, seconds = self.container.relay.measure()
            lags.insert(0, Lag(name="relay", events=events, seconds=seconds))
            dead_letters = self.app.room.dead_letters.count()
        return Health(
            service=self.name,
            ready=self.container.ready and all(state == "ok" for state in parts.values()),
            version=running_version(),
            parts=parts,
            lags=lags,
            dead_letters=dead_letters,
        )
