# SPDX-License-Identifier: Apache-2.0
"""The relay: one replica of each service publishes the service's log, in order, from a checkpoint, for ever.

It publishes a batch, waits for the broker's confirmations, then moves the checkpoint: a crash in between publishes
again (subscribers do not mind), never not at all.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

import eventlet

from shared import metrics
from shared.crashpoint import crash_point, disordered
from shared.eventstore.database import is_outage
from shared.messaging import cloudevents
from shared.messaging.link import LinkDownError
from shared.messaging.publisher import EventPublisher, Outgoing
from shared.messaging.signal import Signal

_log = logging.getLogger(__name__)

CHECKPOINT = LEASE = "relay"
BATCH = 500
LEASE_S = 4.0  # how soon another replica, or the restarted process, relays after a death
POLL_S = 0.2  # commits of other replicas and, on PostgreSQL, commits that an older transaction still hides
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
POLL_ALONE_S = 1.0  # SQLite has one process, whose commits all ring
HIDDEN_S = 0.02
STANDBY_S = 1.0
LAG_EVERY_S = 5.0


class Relay:
    """Runs in one greenlet. `room` is the service's; `age` says how long ago it last looked at the log."""

    def __init__(self, room: Any, uri: str) -> None:
        self._room = room
        self._service: str = room.service
        self._publisher = EventPublisher(uri, name=f"relay-{room.service}")
        self._holder = str(uuid.uuid4())
        self._lease_until = 0.0
        self._wake = Signal()
        self._poll_s = POLL_S if room.database.dialect == "postgresql" else POLL_ALONE_S
        self._stopping = False
        self._cursor: Any = None
        self._lag_at = 0.0
        self.looked_at = time.monotonic()
        self.failing: str | None = None
        room.on_commit(self._wake.set)

    @property
    def age(self) -> float:
        """Seconds since the relay last looked; grows when it hangs or fails."""
        return time.monotonic() - self.looked_at

    def run(self) -> None:
        """Relays until `stop`, whatever fails."""
        failures = 0
        soon = 0
        while not self._stopping:
            try:
                count = self.step()
                failures = 0
                self.failing = None
            except Exception as error:
                self._note(error, failures)
                eventlet.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                failures += 1
                continue
            if count == BATCH:
                continue
            soon = 0 if count else max(soon - 1, 0)
            # Woken and nothing to see: on PostgreSQL an older transaction may still hide what was committed.
            if self._wake.wait(HIDDEN_S if soon else self._poll_s if self._lease_until else STANDBY_S):
                soon = 10

    def step(self) -> int:
        """Publishes one batch if this replica holds the lease; how many events."""
        if not self._leased():
            self.looked_at = time.monotonic()
            return 0
        if self._cursor is None:
            self._cursor = self._room.checkpoints.load(CHECKPOINT)
        batch = self._room.log.read(self._cursor, BATCH)
        if batch.entries:
            self._publisher.publish(
                [
                    Outgoing(entry.event_id, entry.type, cloudevents.entry_to_bytes(entry, service=self._service))
                    for entry in disordered(batch.entries)
                ]
            )
            crash_point(f"{self._service}/relay/published")
            self._room.checkpoints.save(CHECKPOINT, batch.cursor)
            crash_point(f"{self._service}/relay/marked")
            metrics.EVENTS_PUBLISHED.labels(self._service).inc(len(batch.entries))
        self._cursor = batch.cursor
        self.looked_at = time.monotonic()
        if self.looked_at - self._lag_at > LAG_EVERY_S:
            self.measure()
        return len(batch.entries)

    def measure(self) -> tuple[int, float]:
        """Events not published yet and the age of the oldest; also for other replicas than the one that relays."""
        self._lag_at = time.monotonic()
        behind = self._room.log.backlog(self._room.checkpoints.load(CHECKPOINT))
        metrics.RELAY_LAG_EVENTS.labels(self._service).set(behind.events)
        metrics.RELAY_LAG_SECONDS.labels(self._service).set(behind.seconds)
        return behind.events, behind.seconds

    def stop(self) -> None:
        """Publishes what there is, as far as that goes at once, and gives the lease to whoever wants it."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """The last act, after `run` has ended."""
        try:
            while self.step():
                pass
            self._room.leases.release(LEASE, self._holder)
        except Exception as error:
            _log.info("the relay of %s leaves the rest to its next start: %s", self._service, error)
        self._publisher.close()

    def _leased(self) -> bool:
        now = time.monotonic()
        if now < self._lease_until - LEASE_S / 2:
            return True
        if not self._room.leases.take(LEASE, self._holder, LEASE_S):
            self._lease_until = 0.0
            self._cursor = None
            return False
        self._lease_until = now + LEASE_S
        return True

    def _note(self, error: Exception, failures: int) -> None:
        self.failing = str(error)
        self._cursor = None
        if failures in {0, 10} or failures % 100 == 0:
            unexpected = None if isinstance(error, LinkDownError) or is_outage(error) else error
            _log.warning("the relay of %s waits: %s", self._service, error, exc_info=unexpected)
