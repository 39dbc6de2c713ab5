# SPDX-License-Identifier: Apache-2.0
"""The second and later tries of reactions that failed, when their time has come; one replica at a time does it."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from shared.eventstore.inbox import DueRetry
from shared.messaging import cloudevents
from shared.messaging.outage import report
from shared.messaging.signal import Signal
from shared.messaging.subscribe import Subscription

_log = logging.getLogger(__name__)

LEASE = "retries"
LEASE_S = 6.0  # renewed before each try, so that the tries of a process that died pass on in seconds
PERIOD_S = 1.0
BATCH = 50


class RetryLoop:
    """Runs in one greenlet per service."""

    def __init__(self, container: Any, subscriptions: list[Subscription]) -> None:
        self._room = container.app.room
        self._service: str = container.service_name
        self._handlers = {subscription.name: subscription for subscription in subscriptions}
        self._holder = str(uuid.uuid4())
        self._wake = Signal()
        self._stopping = False
        self._next_s = 0.0

    def run(self) -> None:
        """Tries what is due until `stop`."""
        while not self._stopping:
            try:
                self.step()
            except Exception as error:
                report(_log, error, "%s could not look for failed events", self._service)
            pause, self._next_s = min(PERIOD_S, self._next_s or PERIOD_S), 0.0
            self._wake.wait(pause)

    def step(self) -> int:
        """Runs what is due now; how many."""
        due = self._room.inbox.due_retries(BATCH)
        if not due:
            return 0
        count = 0
        for retry in due:
            if self._stopping or not self._room.leases.take(LEASE, self._holder, LEASE_S):
                break
            handler = self._handlers.get(retry.name)
            if handler is None:
                _log.error("no handler %s exists any more for event %s", retry.name, retry.event_id)
                gone = LookupError(f"no handler {retry.name} exists any more")
                self._room.inbox.record_unreadable(retry.text or str(retry.envelope), retry.name, gone, retry.event_id)
            else:
                self._again(handler, retry)
            count += 1
        self._room.leases.release(LEASE, self._holder)
        return count

    def wake(self, after_s: float) -> None:
        """Something will be due in `after_s` seconds: look no later than that."""
        self._next_s = min(after_s, self._next_s or after_s)
        self._wake.set()

    def stop(self) -> None:
        """Ends `run` after the event that is being handled."""
        self._stopping = True
        self._wake.set()

    def _again(self, handler: Subscription, retry: DueRetry) -> None:
        if retry.envelope is not None:
            handler.run(retry.envelope, path="retry")
            return
        try:
            envelope = cloudevents.from_bytes(retry.text)
        except cloudevents.UnreadableEventError as error:
            handler.record_unreadable(retry.text, error, retry.event_id)
            return
        handler.run(envelope, path="retry")
        if retry.event_id != envelope.event_id:  # it was recorded under an id made from its text
            with self._room.database.write() as connection:
                self._room.inbox.mark_done(connection, retry.event_id, retry.name)
