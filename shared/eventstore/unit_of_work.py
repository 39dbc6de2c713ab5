# SPDX-License-Identifier: Apache-2.0
"""What a handler works with: one transaction holding events, read model, jobs and the stored reply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from shared.clock import Clock, Ids, to_text
from shared.context import Context
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold
from shared.eventstore.jobs import JobQueue
from shared.eventstore.projections import Projections
from shared.eventstore.streams import Appended, Loaded, Streams, Tip

S = TypeVar("S")


class UnitOfWork:
    """Never call out, sleep or publish while one is open; a handler may run again from the start after a conflict."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        streams: Streams,
        projections: Projections,
        queue: JobQueue,
        clock: Clock,
        ids: Ids,
        context: Context,
    ) -> None:
        self.connection = connection
        self.context = context
        self.clock = clock
        self.ids = ids
        self.now: datetime = clock.now()
        self.wrote = False
        self._streams = streams
        self._projections = projections
        self._queue = queue
        self._at = to_text(self.now)
        self._metadata = Metadata(
            actor=context.actor,
            account_id=context.account_id,
            correlation_id=context.correlation_id or context.command_id,
            causation_id=context.causation_id,
            command_id=context.command_id,
            trace_id=context.trace_id,
        )

    def new_id(self) -> str:
        """A fresh identifier."""
        return self.ids.new()

    def load(self, stream: str, fold: Fold[S]) -> Loaded[S]:
        """The state of `stream` now, what this unit of work appended included."""
        return self._streams.load(self.connection, stream, fold)

    def events(self, stream: str) -> list[Envelope[Any]]:
        """Every event of `stream` in order, what this unit of work appended included: for views that show moments."""
        return self._streams.read(self.connection, stream)

    def append(self, onto: Loaded[Any] | str, *events: Event) -> list[Envelope[Any]]:
        """Appends `events` onto what was loaded, or as the first ones of a new stream when a name is given.

        The `Loaded` is carried forward: its state and version are those after `events`. Projections are applied at
        once. Raises ConflictError, which the room answers by running the handler again.
        """
        if isinstance(onto, str):
            return self._append(onto, Tip(), events)
        appended = self._append(onto.stream, onto.tip, events, getattr(onto.state, "account_id", None))
        onto.state = onto.fold(events, onto.state)
        onto.tip = appended.tip
        return appended

    def lock(self, stream: str) -> None:
        """Holds a stream until the end of the transaction: what is read afterwards stays true until then.

        For a rule over a hot stream, such as a balance that 16 buyers draw from: they wait in turn, nobody conflicts.
        """
        self._streams.lock(self.connection, stream)

    def append_anywhere(self, stream: str, *events: Event) -> list[Envelope[Any]]:
        """Appends `events` to a stream that many write at once, in turn: no expected version, no conflict.

        For facts that no rule has to check against the stream's state.
        """
        return self._append(stream, self._streams.tip_in_turn(self.connection, stream), events)

    def append_to_each(self, facts: Mapping[str, Event]) -> list[Envelope[Any]]:
        """`append_anywhere` of one event to each of many streams, by name, in one go. All belong to one account."""
        if not facts:
            return []
        new = self.ids.new
        appended = self._streams.append_each(
            self.connection,
            facts,
            event_ids=[new() for _ in facts],
            at=self._at,
            recorded_at=self._at,
            metadata=self._metadata_of(getattr(next(iter(facts.values())), "account_id", None)),
        )
        self.wrote = True
        self._projections.apply(self.connection, appended)
        return appended

    def _append(self, stream: str, tip: Tip, events: tuple[Event, ...], account_id: str | None = None) -> Appended:
        if not events:
            return Appended(tip)
        new = self.ids.new
        appended = self._streams.append(
            self.connection,
            stream,
            tip,
            events,
            event_ids=[new() for _ in events],
            at=self._at,
            recorded_at=self._at,
            metadata=self._metadata_of(account_id or getattr(events[0], "account_id", None)),
        )
        self.wrote = True
        self._projections.apply(self.connection, appended)
        return appended

    def _metadata_of(self, account_id: str | None) -> Metadata:
        """Who acts has an account, or acts (operator, system, public) on something that belongs to one."""
        if self._metadata.account_id is not None or not account_id:
            return self._metadata
        return msgspec.structs.replace(self._metadata, account_id=account_id)

    def schedule(self, kind: str, key: str, payload: dict[str, Any], *, at: datetime | None = None) -> None:
        """Leaves a job, to be run after the commit or from `at` on. (kind, key) exists once: scheduling it again
        replaces payload and moment, also while it runs (it then runs once more)."""
        self._queue.schedule(self.connection, kind, key, payload, at=at or self.now, metadata=self._metadata)
        self.wrote = True

    def cancel_job(self, kind: str, key: str) -> None:
        """Takes a job back; one that runs already is not stopped. Nothing happens when there is none."""
        self._queue.cancel(self.connection, kind, key)
