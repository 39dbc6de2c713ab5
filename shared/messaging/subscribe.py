# SPDX-License-Identifier: Apache-2.0
"""Reacting to events: `@subscribe(PaymentCaptured)` on a method of a service.

nameko loses the event of a handler that raised, or redelivers it hundreds of times a second. Here a failure is written
into the service's inbox with the time of its next try, the message is acknowledged, and what never works is parked
where an operator sees it. The broker is only a doorbell: catch-up brings what it lost (docs/adr/0004).
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from greenlet import GreenletExit
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint

from shared import log, metrics
from shared.crashpoint import crash_point
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
from shared.eventstore.retries import NotYet
from shared.messaging import cloudevents, topology
from shared.messaging.intake import Intake
from shared.messaging.outage import report

_log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
PREFETCH = 8
REMEMBERED = 10_000


class Subscription(Entrypoint):
    """Binds a method to event types. `name` is the handler's stable name, also in the inbox."""

    intake = Intake()
    prefetch = PREFETCH

    def __init__(self, *event_types: type[Event]) -> None:
        super().__init__()
        self.types = tuple(event_type.TYPE for event_type in event_types)
        self.name = ""
        self.queue: Any = None
        self._recent: OrderedDict[str, None] = OrderedDict()

    def bind(self, container: Any, method_name: str) -> Any:
        """nameko's binding, and the names that follow from it."""
        bound = super().bind(container, method_name)
        bound.name = topology.subscription_name(container.service_name, method_name)
        bound.queue = topology.event_queue(container.service_name, method_name, bound.types)
        return bound

    def setup(self) -> None:
        """Registers the queue."""
        self.intake.register_provider(self)

    def stop(self) -> None:
        """No more events from the broker; running handlers finish."""
        self.intake.unregister_provider(self)

    def handle_message(self, message: Any) -> None:
        """Reads an event and spawns the worker that handles it."""
        crash_point(f"{self.container.service_name}/{self.method_name}/received")
        try:
            envelope = cloudevents.from_bytes(message.body)
        except cloudevents.UnreadableEventError as error:
            self.record_unreadable(message.body, error, error.event_id)
            self.intake.ack_message(message)
            return
        if envelope.event_id in self._recent:
            self.intake.ack_message(message)
            return
        try:
            self.container.spawn_worker(
                self,
                (envelope,),
                {},
                context_data={},
                handle_result=partial(self.handle_result, message, envelope, time.monotonic()),
            )
        except ContainerBeingKilled:
            self.intake.requeue_message(message)

    def handle_result(
        self, message: Any, envelope: Envelope[Any], started: float, _worker: Any, result: Any, exc_info: Any
    ) -> tuple[Any, Any]:
        """Settles the delivery. Called in the worker."""
        self.settle(envelope, exc_info[1] if exc_info else None, started, path="broker")
        self.intake.ack_message(message)
        return result, exc_info

    def run(self, envelope: Envelope[Any], *, path: str) -> bool:
        """Runs the handler and waits for it: for catch-up and retries. False when not even a failure was recorded."""
        settled: bool = self.container.run_apart(partial(self._run, envelope, path))
        return settled

    def _run(self, envelope: Envelope[Any], path: str) -> bool:
        started = time.monotonic()
        failure: BaseException | None = None
        try:
            getattr(self.container.new_service(), self.method_name)(envelope)
        except (GreenletExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            failure = error
        return self.settle(envelope, failure, started, path=path)

    def settle(self, envelope: Envelope[Any], error: BaseException | None, started: float, *, path: str) -> bool:
        """Counts the outcome and records a failure in the inbox; False when that was not possible."""
        metrics.EVENT_SECONDS.labels(self.name).observe(time.monotonic() - started)
        if error is None:
            metrics.EVENTS_HANDLED.labels(self.name, path).inc()
            self._recent[envelope.event_id] = None
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
            return True
        cause = envelope.metadata
        log.bind(
            trace=cause.trace_id, correlation=cause.correlation_id, account=cause.account_id, event=envelope.event_id
        )
        outcome = self._record(partial(self.container.app.room.inbox.record_failure, envelope, self.name, error))
        if outcome is None:
            return False
        if outcome.delay_s is None:
            metrics.EVENTS_PARKED.labels(self.name).inc()
            _log.error("%s gave up after %d attempts: dead letter", self.name, outcome.attempts, exc_info=error)
        else:
            metrics.EVENTS_FAILED.labels(self.name).inc()
            level = logging.DEBUG if isinstance(error, NotYet) else logging.WARNING
            text = "%s failed (attempt %d), next try in %.1f s: %s: %s"
            _log.log(level, text, self.name, outcome.attempts, outcome.delay_s, type(error).__name__, error)
            self.container.wake_retries(outcome.delay_s)
        return True

    def record_unreadable(self, body: bytes | str, error: BaseException, event_id: str = "") -> bool:
        """Parks a message that this code cannot read; False when that was not possible."""
        _log.error("%s got a message that is no readable event: %s", self.name, error)
        inbox = self.container.app.room.inbox
        recorded = self._record(lambda: inbox.record_unreadable(body, self.name, error, event_id) or True)
        metrics.EVENTS_PARKED.labels(self.name).inc()
        return recorded is not None

    def unseen(self, event_ids: list[str]) -> set[str]:
        """Which of these events this handler has neither done nor recorded as failing."""
        candidates = [event_id for event_id in event_ids if event_id not in self._recent]
        return set(candidates) - self.container.app.room.inbox.known(candidates, self.name)

    def _record(self, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except Exception as error:
            # Without its database the service cannot even note the failure. Catch-up brings the event again, since its
            # checkpoint cannot have passed it.
            report(_log, error, "%s: a failed event could not be recorded; catch-up will bring it again", self.name)
            return None


def subscribe(*event_types: type[Event]) -> Callable[[F], F]:
    """Has the method `(self, envelope)` take these events. Its name is part of a durable queue: never rename it.

    The method must go through `self.app.room.react(…, name="<service>.<method>")`, whose inbox mark makes the effect
    happen once, however often and in whatever order the event comes.
    """

    def register(method: F) -> F:
        register_entrypoint(method, Subscription(*event_types))
        return method

    return register
