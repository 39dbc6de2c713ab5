# SPDX-License-Identifier: Apache-2.0
"""The embedded broker: exchanges, bindings and queues in the memory of one process.

It behaves as RabbitMQ does wherever nameko or this package relies on it: prefetch is counted per consumer, messages
that were not acknowledged go back when their consumer is lost, exclusive and auto-deleted queues disappear with their
owner, and publishing tells whether any queue took the message. Nothing survives the process: the event log does that.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from shared.messaging.delivery import BrokerError, Delivery, Item, Session, Subscription
from shared.messaging.routing import Routing


class _Queue:
    __slots__ = ("auto_delete", "consumers", "form", "name", "owner", "ready", "turn")

    def __init__(self, name: str, owner: Session | None, auto_delete: bool, form: tuple[Any, ...]) -> None:
        self.name = name
        self.owner = owner
        self.auto_delete = auto_delete
        self.form = form
        self.ready: deque[tuple[Item, bool]] = deque()
        self.consumers: list[Subscription] = []
        self.turn = 0

    def next_consumer(self) -> Subscription | None:
        """Round robin over the consumers that have room."""
        count = len(self.consumers)
        for step in range(count):
            candidate = self.consumers[(self.turn + step) % count]
            if candidate.has_room():
                self.turn = (self.turn + step + 1) % count
                return candidate
        return None


class Broker:
    """All state of one `embedded://` address. Every method is safe from any greenlet (or thread, unpatched)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routing = Routing()
        self._queues: dict[str, _Queue] = {}
        self._sessions: set[Session] = set()
        self.refusing = False

    def connect(self) -> Session:
        """A new connection. Raises ConnectionRefusedError while the broker is told to refuse (`refusing`)."""
        if self.refusing:
            raise ConnectionRefusedError("the embedded broker is stopped")
        session = Session()
        with self._lock:
            self._sessions.add(session)
        return session

    def disconnect(self, session: Session) -> None:
        """Ends a connection: consumers gone, what they held goes back, exclusive queues are deleted."""
        with self._lock:
            session.alive = False
            self._sessions.discard(session)
            for subscription in list(session.consumers):
                self._detach(subscription, give_back=True)
            for queue in [q for q in self._queues.values() if q.owner is session]:
                self._delete(queue)
            session.inbox.clear()
            session.wake()

    def wipe(self) -> None:
        """Loses everything at once, as a broker does whose machine and disk are gone. Connections break."""
        with self._lock:
            for session in self._sessions:
                session.alive = False
                session.inbox.clear()
                session.consumers.clear()
                session.wake()
            self._sessions.clear()
            self._routing.clear()
            self._queues.clear()

    def declare_exchange(self, name: str, kind: str) -> None:
        """Raises BrokerError 406 when it exists with another type."""
        with self._lock:
            self._routing.declare(name, kind)

    def has_exchange(self, name: str) -> bool:
        """Whether the exchange was declared; the default exchange always is."""
        return self._routing.has(name)

    def declare_queue(
        self,
        name: str,
        session: Session,
        *,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: dict[str, Any],
    ) -> int:
        """Creates the queue or checks that it is the same; how many messages are ready. BrokerError 405, 406."""
        form = (durable, exclusive, auto_delete, arguments)
        with self._lock:
            queue = self._queues.get(name)
            if queue is None:
                # x-expires deletes a queue some time after its last consumer left; here that is at once, so that
                # reply queues of clients that come and go do not add up.
                vanishes = auto_delete or "x-expires" in arguments
                queue = self._queues[name] = _Queue(name, session if exclusive else None, vanishes, form)
            elif queue.owner is not None and queue.owner is not session:
                raise BrokerError(405, f"RESOURCE_LOCKED - queue {name!r} is exclusive to another connection")
            elif queue.form != form:
                raise BrokerError(406, f"PRECONDITION_FAILED - queue {name!r} exists with other properties")
            return len(queue.ready)

    def size(self, name: str) -> int:
        """Messages ready in the queue. Raises BrokerError 404."""
        with self._lock:
            return len(self._queue(name).ready)

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Raises BrokerError 404 for an unknown queue or exchange."""
        with self._lock:
            self._queue(queue)
            self._routing.bind(queue, exchange, key)

    def unbind(self, queue: str, exchange: str, key: str) -> None:
        """Takes the binding away if it is there."""
        with self._lock:
            self._routing.unbind(queue, exchange, key)

    def delete_queue(self, name: str) -> int:
        """Deletes the queue with its messages and bindings; how many messages it held."""
        with self._lock:
            queue = self._queues.get(name)
            if queue is None:
                return 0
            count = len(queue.ready)
            self._delete(queue)
            return count

    def purge(self, name: str) -> int:
        """Drops the ready messages; how many there were. Raises BrokerError 404."""
        with self._lock:
            queue = self._queue(name)
            count = len(queue.ready)
            queue.ready.clear()
            return count

    def publish(self, item: Item, exchange: str, key: str) -> bool:
        """Puts the item on every queue that is bound to it; False when there is none. BrokerError 404."""
        item.exchange = exchange
        item.routing_key = key
        with self._lock:
            taken = False
            for name in self._routing.route(exchange, key):
                queue = self._queues.get(name)
                if queue is not None:
                    queue.ready.append((item, False))
                    self._pump(queue)
                    taken = True
            return taken

    def get(self, name: str, subscription: Subscription) -> Delivery | None:
        """Takes one message off a queue for `subscription`, which need not be subscribed."""
        with self._lock:
            queue = self._queue(name)
            self._drop_expired(queue)
            if not queue.ready:
                return None
            item, redelivered = queue.ready.popleft()
            delivery = Delivery(item, redelivered, subscription)
            if not subscription.no_ack:
                subscription.unsettled[delivery] = None
                subscription.session.consumers.add(subscription)
            return delivery

    def subscribe(self, subscription: Subscription) -> None:
        """Starts deliveries. Raises BrokerError 404, 405."""
        with self._lock:
            queue = self._queue(subscription.queue)
            if queue.owner is not None and queue.owner is not subscription.session:
                raise BrokerError(405, f"RESOURCE_LOCKED - queue {queue.name!r} is exclusive to another connection")
            queue.consumers.append(subscription)
            subscription.session.consumers.add(subscription)
            self._pump(queue)

    def cancel(self, subscription: Subscription) -> None:
        """Stops deliveries. What the consumer's code already holds stays with it until it settles."""
        with self._lock:
            self._detach(subscription, give_back=False)
            if not subscription.unsettled:
                subscription.session.consumers.discard(subscription)

    def settle(self, delivery: Delivery, *, requeue: bool = False) -> None:
        """Ends a delivery: done with, or back to the front of its queue."""
        with self._lock:
            subscription = delivery.subscription
            if subscription.unsettled.pop(delivery, self) is not None:
                return  # given back already: its connection was lost meanwhile
            queue = self._queues.get(subscription.queue)
            if queue is None:
                return
            if requeue:
                queue.ready.appendleft((delivery.item, True))
            if queue.ready:
                self._pump(queue)

    def next_delivery(self, session: Session, timeout: float | None) -> Delivery | None:
        """Waits for the next message of this connection; None after `timeout`. ConnectionResetError when lost."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if not session.alive:
                    raise ConnectionResetError("the embedded broker dropped the connection")
                if session.inbox:
                    return session.inbox.popleft()
                session.waiting = True
            remaining = -1.0 if deadline is None else max(deadline - time.monotonic(), 0)
            if session.latch.acquire(timeout=remaining):
                continue
            with self._lock:
                if session.waiting:
                    session.waiting = False
                    return None
            session.latch.acquire()

    def _queue(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            raise BrokerError(404, f"NOT_FOUND - no queue {name!r}")
        return queue

    def _pump(self, queue: _Queue) -> None:
        self._drop_expired(queue)
        while queue.ready:
            subscription = queue.next_consumer()
            if subscription is None:
                return
            item, redelivered = queue.ready.popleft()
            delivery = Delivery(item, redelivered, subscription)
            if not subscription.no_ack:
                subscription.unsettled[delivery] = None
            subscription.session.inbox.append(delivery)
            subscription.session.wake()
            self._drop_expired(queue)

    def _drop_expired(self, queue: _Queue) -> None:
        while queue.ready:
            expires_at = queue.ready[0][0].expires_at
            if expires_at is None or expires_at > time.monotonic():
                return
            queue.ready.popleft()

    def _detach(self, subscription: Subscription, *, give_back: bool) -> None:
        session = subscription.session
        queue = self._queues.get(subscription.queue)
        if queue is not None and subscription in queue.consumers:
            queue.consumers.remove(subscription)
            queue.turn = 0
        waiting = [d for d in session.inbox if d.subscription is subscription]
        for delivery in waiting:
            session.inbox.remove(delivery)
        if give_back:
            returned = list(subscription.unsettled)
            subscription.unsettled.clear()
            session.consumers.discard(subscription)
        else:
            returned = [d for d in waiting if subscription.unsettled.pop(d, self) is None]
        if queue is None:
            return
        for delivery in reversed(returned):
            queue.ready.appendleft((delivery.item, True))
        if queue.auto_delete and not queue.consumers:
            self._delete(queue)
        elif queue.ready:
            self._pump(queue)

    def _delete(self, queue: _Queue) -> None:
        if self._queues.get(queue.name) is queue:
            del self._queues[queue.name]
        self._routing.forget(queue.name)


_brokers: dict[str, Broker] = {}


def broker(address: str) -> Broker:
    """The one broker of this process for an address (`embedded://` is the address `localhost`)."""
    return _brokers.setdefault(address, Broker())
