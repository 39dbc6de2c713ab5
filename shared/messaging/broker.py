# SPDX-License-Identifier: Apache-2.0
"""The embedded broker: exchanges, bindings and queues in the memory of one process.

It behaves as RabbitMQ does wherever nameko or this package relies on it: prefetch is counted per consumer, messages
that were not acknowledged go back when their consumer is lost, exclusive and auto-deleted queues disappear with their
owner, and publishing tells whether any queue took the message. Nothing survives the process: the event log does that.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

ROUTES_KEPT = 10_000


class BrokerError(Exception):
    """A refusal in the words of AMQP: `code` is the reply code of the protocol (404, 405, 406)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Item:
    """One published message, shared by all queues that hold it; never changed after publishing."""

    __slots__ = (
        "body",
        "content_encoding",
        "content_type",
        "exchange",
        "expires_at",
        "headers",
        "properties",
        "routing_key",
    )

    def __init__(
        self, body: Any, content_type: Any, content_encoding: Any, headers: dict[str, Any], properties: dict[str, Any]
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.content_encoding = content_encoding
        self.headers = headers
        self.properties = properties
        self.exchange = ""
        self.routing_key = ""
        expiration = properties.get("expiration")
        self.expires_at = time.monotonic() + int(expiration) / 1000 if expiration is not None else None


class Session:
    """One connection: the deliveries that wait for its reader, and whether it still lives."""

    def __init__(self) -> None:
        self.alive = True
        self.inbox: deque[Delivery] = deque()
        self.consumers: set[Subscription] = set()
        self.waiting = False
        self.latch = threading.Lock()
        self.latch.acquire()

    def wake(self) -> None:
        """Lets the reader look at its inbox. The broker's lock is held."""
        if self.waiting:
            self.waiting = False
            self.latch.release()


class Subscription:
    """One consumer of one queue, with its own prefetch window (0 = no limit)."""

    def __init__(
        self, session: Session, queue: str, callback: Callable[[Delivery], None], *, prefetch: int, no_ack: bool
    ) -> None:
        self.session = session
        self.queue = queue
        self.callback = callback
        self.prefetch = 0 if no_ack else prefetch
        self.no_ack = no_ack
        self.unsettled: dict[Delivery, None] = {}

    def has_room(self) -> bool:
        """Whether the window takes one more message."""
        return not self.prefetch or len(self.unsettled) < self.prefetch


class Delivery:
    """An item on its way to one consumer."""

    __slots__ = ("item", "redelivered", "subscription")

    def __init__(self, item: Item, redelivered: bool, subscription: Subscription) -> None:
        self.item = item
        self.redelivered = redelivered
        self.subscription = subscription


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


def topic_pattern(key: str) -> re.Pattern[str]:
    """The regular expression of a topic binding: `*` is one word, `#` any number of words."""
    parts = {"*": r"[^.]+", "#": r".*"}
    text = r"\.".join(parts.get(word, re.escape(word)) for word in key.split("."))
    return re.compile(text.replace(r"\..*", r"(?:\..*)?").replace(r".*\.", r"(?:.*\.)?"))


class Broker:
    """All state of one `embedded://` address. Every method is safe from any greenlet (or thread, unpatched)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: dict[str, str] = {}
        self._bindings: dict[str, dict[tuple[str, str], re.Pattern[str]]] = {}
        self._queues: dict[str, _Queue] = {}
        self._routes: dict[tuple[str, str], tuple[_Queue, ...]] = {}
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
            self._exchanges.clear()
            self._bindings.clear()
            self._queues.clear()
            self._routes.clear()

    def declare_exchange(self, name: str, kind: str) -> None:
        """Raises BrokerError 406 when it exists with another type."""
        with self._lock:
            if self._exchanges.setdefault(name, kind) != kind:
                raise BrokerError(406, f"PRECONDITION_FAILED - exchange {name!r} is of another type")
            self._bindings.setdefault(name, {})

    def has_exchange(self, name: str) -> bool:
        """Whether the exchange was declared; the default exchange always is."""
        return not name or name in self._exchanges

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
                self._routes.clear()
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
            if exchange not in self._exchanges:
                raise BrokerError(404, f"NOT_FOUND - no exchange {exchange!r}")
            self._bindings[exchange][(key, queue)] = topic_pattern(key)
            self._routes.clear()

    def unbind(self, queue: str, exchange: str, key: str) -> None:
        """Takes the binding away if it is there."""
        with self._lock:
            self._bindings.get(exchange, {}).pop((key, queue), None)
            self._routes.clear()

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
            route = self._routes.get((exchange, key))
            if route is None:
                route = self._route(exchange, key)
            for queue in route:
                queue.ready.append((item, False))
                self._pump(queue)
            return bool(route)

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

    def _route(self, exchange: str, key: str) -> tuple[_Queue, ...]:
        if not exchange:
            names = [key] if key in self._queues else []
        else:
            kind = self._exchanges.get(exchange)
            if kind is None:
                raise BrokerError(404, f"NOT_FOUND - no exchange {exchange!r}")
            bindings = self._bindings[exchange]
            if kind == "fanout":
                names = [queue for _, queue in bindings]
            elif kind == "topic":
                names = [queue for (_, queue), pattern in bindings.items() if pattern.fullmatch(key)]
            else:
                names = [queue for bound, queue in bindings if bound == key]
        route = tuple(self._queues[name] for name in dict.fromkeys(names))
        if len(self._routes) >= ROUTES_KEPT:
            self._routes.clear()
        self._routes[(exchange, key)] = route
        return route

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
        for bindings in self._bindings.values():
            for bound in [b for b in bindings if b[1] == queue.name]:
                del bindings[bound]
        self._routes.clear()


_brokers: dict[str, Broker] = {}


def broker(address: str) -> Broker:
    """The one broker of this process for an address (`embedded://` is the address `localhost`)."""
    return _brokers.setdefault(address, Broker())
