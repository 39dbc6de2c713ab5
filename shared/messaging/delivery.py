# SPDX-License-Identifier: Apache-2.0
"""What moves inside the embedded broker: published items, connections, consumers, and deliveries to them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any


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
