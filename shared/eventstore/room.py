# SPDX-License-Identifier: Apache-2.0
"""What a service stands on: commands, reactions and queries, each in one transaction of its database."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from shared.clock import Clock, Ids, to_text
from shared.context import Context
from shared.crashpoint import crash_point
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
from shared.eventstore.checkpoints import Checkpoints
from shared.eventstore.commands import Replies, fingerprint, restore
from shared.eventstore.database import Database
from shared.eventstore.dead_letters import DeadLetters
from shared.eventstore.inbox import Inbox
from shared.eventstore.jobs import JobQueue, Jobs
from shared.eventstore.leases import Leases
from shared.eventstore.log import Log
from shared.eventstore.projections import Projections
from shared.eventstore.seals import Seals
from shared.eventstore.streams import ConflictError, Streams
from shared.eventstore.timers import Timers
from shared.eventstore.unit_of_work import UnitOfWork

Q = TypeVar("Q")
R = TypeVar("R")
E = TypeVar("E", bound=Event)
TRIES = 3
REPLIES_KEPT = timedelta(days=7)  # longer than anybody retries a command (models.md §4.14: at least a day)

_log = logging.getLogger(__name__)


class Room:
    """One service's event store, read model, inbox and jobs. Knows no broker: tests and benches use it directly."""

    def __init__(
        self,
        service: str,
        database: Database,
        projections: Projections,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs | None = None,
    ) -> None:
        self.service = service
        self.database = database
        self.projections = projections
        self.clock = clock
        self.ids = ids
        self.streams = Streams(database)
        self.queue = JobQueue(database, clock, ids, jobs or Jobs())
        self.inbox = Inbox(database, clock)
        self.replies = Replies(database)
        self.log = Log(database, clock)
        self.leases = Leases(database, clock)
        self.timers = Timers(database, clock)
        self.checkpoints = Checkpoints(database, clock)
        self.seals = Seals(database, clock, self.log)
        self.dead_letters = DeadLetters(database, clock)
        self._callbacks: list[Callable[[], None]] = []

    def execute(self, handler: Callable[[UnitOfWork, Q], R], request: Q, context: Context) -> R:
        """Runs a command: its events, read model, jobs and reply are one transaction.

        With `context.command_id`, a repetition gets the stored reply. After a conflict the handler runs again from
        the start, three times in all. Raises ServiceError (`conflict`, `idempotency_mismatch`, `unavailable`, and
        whatever the handler refuses with).
        """
        name = _name_of(handler)
        command_id = context.command_id
        print_ = fingerprint(request, context) if command_id else ""

        def attempt(connection: sa.Connection) -> tuple[R, bool]:
            if command_id:
                stored = self.replies.find(connection, command_id, print_)
                if stored is not None:
                    return cast("R", restore(stored, request)), False
            uow = self._unit_of_work(connection, context)
            reply = handler(uow, request)
            if command_id:
                self.replies.store(connection, command_id, print_, reply, to_text(uow.now))
            return reply, uow.wrote

        return self._in_transaction(name, attempt)

    def react(
        self,
        handler: Callable[[UnitOfWork, Envelope[E]], None],
        envelope: Envelope[E],
        *,
        name: str,
    ) -> bool:
        """Runs a reaction to an event once for ever: its inbox mark (event id, `name`) is part of its transaction.

        False when it was done, or discarded by an operator, before. Raises what the handler raises; then nothing is
        marked, and `inbox.record_failure` is the caller's next step.
        """
        cause = envelope.metadata
        context = Context(
            actor=f"system:{self.service}",
            account_id=cause.account_id,
            permissions=frozenset({"internal"}),
            correlation_id=cause.correlation_id or envelope.event_id,
            causation_id=envelope.event_id,
            trace_id=cause.trace_id,
        )

        def attempt(connection: sa.Connection) -> tuple[bool, bool]:
            if not self.inbox.mark_done(connection, envelope.event_id, name):
                return False, False
            uow = self._unit_of_work(connection, context)
            handler(uow, envelope)
            return True, uow.wrote

        return self._in_transaction(_name_of(handler), attempt)

    def query(self) -> AbstractContextManager[sa.Connection]:
        """A reading transaction: a consistent view that nothing can be written through for good."""
        return self.database.read()

    def events(self, stream: str, *, until: datetime | None = None) -> list[Envelope[Any]]:
        """The events of a stream in order, up to and including a moment when one is given."""
        with self.database.read() as connection:
            found = self.streams.read(connection, stream)
        if until is None:
            return found
        last = to_text(until)
        return [envelope for envelope in found if envelope.occurred_at <= last]

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Has `callback` called after every commit that wrote events or jobs, outside the transaction. It must be
        short and must not raise: it wakes the relay and the job runner."""
        self._callbacks.append(callback)

    def keep_house(self) -> None:
        """What has to be done now and then: seals the log, and forgets replies that nobody can ask for any more."""
        while digest := self.seals.seal():
            _log.info("sealed the history of %s: %s", self.service, digest)
        with self.database.write() as connection:
            self.replies.prune(connection, to_text(self.clock.now() - REPLIES_KEPT))

    def _unit_of_work(self, connection: sa.Connection, context: Context) -> UnitOfWork:
        return UnitOfWork(
            connection,
            streams=self.streams,
            projections=self.projections,
            queue=self.queue,
            clock=self.clock,
            ids=self.ids,
            context=context,
        )

    def _in_transaction(self, name: str, attempt: Callable[[sa.Connection], tuple[R, bool]]) -> R:
        for tries in range(1, TRIES + 1):
            try:
                with self.database.write() as connection:
                    result, wrote = attempt(connection)
                    crash_point(f"{self.service}/{name}/before-commit")
            except (ConflictError, DBAPIError) as error:
                _run_again_or_raise(error, last=tries == TRIES)
            else:
                crash_point(f"{self.service}/{name}/after-commit")
                if wrote:
                    for callback in self._callbacks:
                        callback()
                return result
        raise AssertionError("unreachable")


def _run_again_or_raise(error: ConflictError | DBAPIError, *, last: bool) -> None:
    if isinstance(error, ConflictError):
        if last:
            detail = "Somebody else changed this at the same moment. Look at it again and repeat."
            raise ServiceError(Code.CONFLICT, detail) from error
    elif isinstance(error, IntegrityError):
        # A race that a unique key of a read model, the inbox or the replies decided: the next run sees the winner.
        if last:
            raise error
    # Serialization failures and deadlocks (SQLSTATE 40001, 40P01): PostgreSQL asks for the transaction again. A
    # connection lost before COMMIT was sent (`connection_invalidated`) took the transaction with it.
    elif last or not (error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}):
        if isinstance(error, OperationalError):
            raise ServiceError(Code.UNAVAILABLE, "The database does not answer. Try again.") from error
        raise error


def _name_of(handler: Callable[..., Any]) -> str:
    while isinstance(handler, functools.partial):
        handler = handler.func
    return getattr(handler, "__name__", type(handler).__name__)
