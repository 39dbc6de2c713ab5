# SPDX-License-Identifier: Apache-2.0
"""Catch-up: each service reads the logs of the services it listens to, so that a wiped broker loses nothing.

A look reads what lies after the checkpoint. What the inbox knows is passed; the rest was either lost by the broker or
is on its way. An event is taken here when an earlier look had already seen it (or at the first look after a start),
which leaves the broker `PERIOD_S` to deliver. See docs/adr/0004-subscriptions-inbox-and-catch-up.md.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import eventlet

from shared import metrics
from shared.clock import from_text
from shared.context import system
from shared.contracts.operations import LogEntry, LogPage, ReadLog
from shared.errors import ServiceError
from shared.eventsourcing.envelope import Cursor
from shared.eventstore.log import to_envelope
from shared.messaging import cloudevents
from shared.messaging.outage import report
from shared.messaging.signal import Signal
from shared.messaging.subscribe import Subscription

_log = logging.getLogger(__name__)

PERIOD_S = 2.0
PAGE = 500


class _Source:
    """One publisher and the handlers here that listen to it."""

    def __init__(self, publisher: str, handlers: list[Subscription]) -> None:
        self.publisher = publisher
        self.handlers = handlers
        self.types = sorted({name for each in handlers for name in each.types if name.startswith(f"{publisher}.")})
        self.cursors: dict[str, Cursor] = {}
        self.seen: set[str] = set()
        self.first = True


class CatchUp:
    """Runs in one greenlet per service. `container` gives the app, the RPC client and the subscriptions."""

    def __init__(self, container: Any, subscriptions: list[Subscription]) -> None:
        self._container = container
        by_publisher: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            for publisher in sorted({name.partition(".")[0] for name in subscription.types}):
                by_publisher[publisher].append(subscription)
        self._sources = [_Source(publisher, handlers) for publisher, handlers in sorted(by_publisher.items())]
        self._stopping = False
        self._wake = Signal()
        self.lags: dict[tuple[str, str], tuple[int, float]] = {}

    def run(self) -> None:
        """Looks every `PERIOD_S` until `stop`, whatever fails."""
        while not self._stopping:
            for source in self._sources:
                try:
                    self.look(source)
                except ServiceError as error:
                    _log.debug(
                        "%s cannot read the log of %s: %s", self._container.service_name, source.publisher, error
                    )
                except Exception as error:
                    report(_log, error, "%s failed to catch up with %s", self._container.service_name, source.publisher)
            self._wake.wait(PERIOD_S)

    def stop(self) -> None:
        """Ends `run` after the event that is being handled."""
        self._stopping = True
        self._wake.set()

    def look(self, source: _Source) -> None:
        """One look at one publisher's log. Raises ServiceError when the publisher does not answer."""
        checkpoints = self._container.app.room.checkpoints
        if not source.cursors:
            source.cursors = {each.name: checkpoints.load(_key(source, each)) for each in source.handlers}
        before = dict(source.cursors)
        left: dict[str, list[LogEntry]] = {each.name: [] for each in source.handlers}
        position = min(source.cursors.values())
        while not self._stopping:
            page = self._read(source, position)
            for each in source.handlers:
                self._pass(source, each, page, left[each.name])
            reached = Cursor.parse(page.cursor)
            full = len(page.entries) == PAGE
            if reached <= position or not full:
                break
            position = reached
            eventlet.sleep(0)
        source.seen = {entry.event_id for entries in left.values() for entry in entries}
        source.first = False
        moved = {name: cursor for name, cursor in source.cursors.items() if cursor != before[name]}
        if moved:
            with self._container.app.room.database.mark() as connection:
                for name, cursor in sorted(moved.items()):  # in one order: replicas do this at the same time
                    checkpoints.save(_key_of(source, name), cursor, connection)
        self._measure(source, left)

    def _read(self, source: _Source, position: Cursor) -> LogPage:
        service = self._container.service_name
        if source.publisher == service:
            batch = self._container.app.room.log.read(position, PAGE, source.types)
            return LogPage(entries=batch.entries, cursor=str(batch.cursor))
        request = ReadLog(cursor=str(position), limit=PAGE, types=source.types)
        reply: LogPage = self._container.client.send(request, system(service), service=source.publisher)
        return reply

    def _pass(self, source: _Source, handler: Subscription, page: LogPage, left: list[LogEntry]) -> None:
        """Moves one handler over a page, up to the first entry that it leaves to the broker for now (`left`)."""
        cursor = source.cursors[handler.name]
        entries = [e for e in page.entries if e.type in handler.types and Cursor.parse(e.cursor) > cursor]
        unseen = handler.unseen([entry.event_id for entry in entries])
        for entry in entries:
            due = source.first or entry.event_id in source.seen
            if entry.event_id in unseen and not (due and not self._stopping and self._take(source, handler, entry)):
                left.append(entry)
            if not left:
                source.cursors[handler.name] = Cursor.parse(entry.cursor)
        if not left and not self._stopping:
            source.cursors[handler.name] = max(Cursor.parse(page.cursor), cursor)

    def _take(self, source: _Source, handler: Subscription, entry: LogEntry) -> bool:
        try:
            envelope = to_envelope(entry)
        except (LookupError, ValueError) as error:  # also msgspec's: an unknown type or schema
            body = cloudevents.entry_to_bytes(entry, service=source.publisher)
            return handler.record_unreadable(body, error, entry.event_id)
        return handler.run(envelope, path="catchup")

    def _measure(self, source: _Source, left: dict[str, list[LogEntry]]) -> None:
        now = self._container.app.room.clock.now()
        for name, entries in left.items():
            seconds = max((now - from_text(entries[0].recorded_at)).total_seconds(), 0.0) if entries else 0.0
            self.lags[(name, source.publisher)] = (len(entries), seconds)
            metrics.SUBSCRIPTION_LAG_EVENTS.labels(name, source.publisher).set(len(entries))
            metrics.SUBSCRIPTION_LAG_SECONDS.labels(name, source.publisher).set(seconds)


def _key(source: _Source, handler: Subscription) -> str:
    return _key_of(source, handler.name)


def _key_of(source: _Source, name: str) -> str:
    return f"catch-up:{source.publisher}:{name}"
