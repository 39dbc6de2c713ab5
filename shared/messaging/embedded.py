# SPDX-License-Identifier: Apache-2.0
"""The kombu transport `embedded://`: RabbitMQ's manners without RabbitMQ, inside one process.

kombu's own `memory://` polls once a second, counts prefetch per channel (nameko shares one channel between requests,
events and replies: a deadlock under load) and leaves out `content_type`, without which nameko's replies fail. Hence an
own transport over `shared.messaging.broker`; see docs/adr/0002-embedded-broker.md.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any, ClassVar

from amqp.exceptions import ChannelError, NotFound, PreconditionFailed, RecoverableConnectionError, ResourceLocked
from amqp.exceptions import ConnectionError as AmqpConnectionError
from amqp.protocol import queue_declare_ok_t
from kombu.transport import TRANSPORT_ALIASES, base

from shared.messaging.broker import Broker, broker
from shared.messaging.delivery import BrokerError, Delivery, Item, Session, Subscription

SCHEME = "embedded"
_ERRORS = {404: NotFound, 405: ResourceLocked, 406: PreconditionFailed}


class EmbeddedMessage(base.Message):
    """A delivered message. The body is what was published, bytes or text."""


@contextmanager
def _as_amqp() -> Generator[None, None, None]:
    """Turns the broker's refusals into the exceptions that kombu and nameko know."""
    try:
        yield
    except BrokerError as refusal:
        raise _ERRORS[refusal.code](str(refusal)) from refusal
    except ConnectionError as lost:
        raise RecoverableConnectionError(str(lost)) from lost


class Channel(base.StdChannel):
    """The calls of AMQP 0-9-1 that kombu makes, over the broker's methods."""

    Message = EmbeddedMessage
    no_ack_consumers = None

    def __init__(self, connection: EmbeddedConnection) -> None:
        self.connection: EmbeddedConnection | None = connection
        self.channel_id = next(connection.channel_ids)
        self.events: dict[str, set[Callable[..., Any]]] = defaultdict(set)
        self.is_open = True
        self._prefetch = 0
        self._tags = count(1)
        self._consumers: dict[str, Subscription] = {}
        self._unsettled: dict[int, Delivery] = {}
        self._getters: dict[tuple[str, bool], Subscription] = {}

    def exchange_declare(self, exchange: str, type: str = "direct", passive: bool = False, **_: Any) -> None:
        """Declares, or with `passive` only looks."""
        link = self._link()
        with _as_amqp():
            if not passive:
                link.broker.declare_exchange(exchange, type)
            elif not link.broker.has_exchange(exchange):
                raise BrokerError(404, f"NOT_FOUND - no exchange {exchange!r}")

    def queue_declare(
        self,
        queue: str = "",
        passive: bool = False,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = False,
        arguments: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """Declares, or with `passive` only looks; `(queue, message_count, consumer_count)`."""
        link = self._link()
        name = queue or f"amq.gen-{uuid.uuid4()}"
        with _as_amqp():
            if passive:
                size = link.broker.size(name)
            else:
                size = link.broker.declare_queue(
                    name,
                    link.session,
                    durable=durable,
                    exclusive=exclusive,
                    auto_delete=auto_delete,
                    arguments=arguments or {},
                )
        return queue_declare_ok_t(name, size, 0)

    def queue_bind(self, queue: str, exchange: str, routing_key: str = "", **_: Any) -> None:
        """Binds a queue to an exchange."""
        with _as_amqp():
            self._link().broker.bind(queue, exchange, routing_key)

    def queue_unbind(self, queue: str, exchange: str, routing_key: str = "", **_: Any) -> None:
        """Takes a binding away."""
        self._link().broker.unbind(queue, exchange, routing_key)

    def queue_delete(self, queue: str, **_: Any) -> int:
        """Deletes a queue; how many messages went with it."""
        return self._link().broker.delete_queue(queue)

    def queue_purge(self, queue: str, **_: Any) -> int:
        """Empties a queue; how many messages went."""
        with _as_amqp():
            return self._link().broker.purge(queue)

    def prepare_message(
        self,
        body: Any,
        priority: int | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> Item:
        """The broker's form of a message. nameko reads `content_type` from the properties, as AMQP has it there."""
        fields = {"content_type": content_type, "priority": priority, **(properties or {})}
        return Item(body, content_type, content_encoding, headers or {}, fields)

    def basic_publish(
        self, msg: Item, exchange: str = "", routing_key: str = "", mandatory: bool = False, **_: Any
    ) -> None:
        """Publishes. With `mandatory`, a message that no queue takes is refused before this returns."""
        link = self._link()
        with _as_amqp():
            routed = link.broker.publish(msg, exchange, routing_key)
        if mandatory and not routed:
            refusal = ChannelError("NO_ROUTE", (60, 40), "Basic.return", 312)
            handlers = self.events.get("basic_return")
            if not handlers:
                raise refusal
            for handler in list(handlers):
                handler(refusal, exchange, routing_key, EmbeddedMessage(**_fields(msg)))

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Callable[[EmbeddedMessage], None], consumer_tag: str = "", **_: Any
    ) -> str:
        """Starts a consumer with the prefetch that is set now, as RabbitMQ does with `basic.qos` per consumer."""
        link = self._link()
        tag = consumer_tag or f"ctag-{uuid.uuid4()}"

        def deliver(delivery: Delivery) -> None:
            callback(self._message(delivery, tag))

        subscription = Subscription(link.session, queue, deliver, prefetch=self._prefetch, no_ack=no_ack)
        with _as_amqp():
            link.broker.subscribe(subscription)
        self._consumers[tag] = subscription
        return tag

    def basic_cancel(self, consumer_tag: str, **_: Any) -> None:
        """Stops a consumer. Unacknowledged messages stay with this channel, as in AMQP."""
        subscription = self._consumers.pop(consumer_tag, None)
        if subscription is not None and self.connection is not None:
            self.connection.broker.cancel(subscription)

    def basic_get(self, queue: str, no_ack: bool = False, **_: Any) -> EmbeddedMessage | None:
        """One message, or None."""
        link = self._link()
        key = (queue, no_ack)
        if key not in self._getters:
            self._getters[key] = Subscription(link.session, queue, lambda _d: None, prefetch=0, no_ack=no_ack)
        with _as_amqp():
            delivery = link.broker.get(queue, self._getters[key])
        return None if delivery is None else self._message(delivery, "")

    def basic_ack(self, delivery_tag: int, multiple: bool = False, **_: Any) -> None:
        """Done with; `multiple` means this tag and all before it."""
        self._settle(delivery_tag, multiple=multiple, requeue=False)

    def basic_reject(self, delivery_tag: int, requeue: bool = False, **_: Any) -> None:
        """Not done with: back to the queue, or dropped."""
        self._settle(delivery_tag, multiple=False, requeue=requeue)

    def basic_recover(self, requeue: bool = True, **_: Any) -> None:
        """Everything unacknowledged goes back."""
        for tag in list(self._unsettled):
            self._settle(tag, multiple=False, requeue=requeue)

    def basic_qos(self, prefetch_size: int = 0, prefetch_count: int = 0, apply_global: bool = False) -> None:
        """Sets the prefetch of consumers started from now on."""
        self._prefetch = prefetch_count

    def message_to_python(self, raw_message: EmbeddedMessage) -> EmbeddedMessage:
        """Messages arrive ready."""
        return raw_message

    def close(self) -> None:
        """Cancels its consumers and gives back what was not acknowledged."""
        if not self.is_open:
            return
        self.is_open = False
        for tag in list(self._consumers):
            self.basic_cancel(tag)
        link, self.connection = self.connection, None
        if link is not None:
            for delivery in reversed(self._unsettled.values()):
                link.broker.settle(delivery, requeue=True)
            self._unsettled.clear()
            link.channels.discard(self)

    def _message(self, delivery: Delivery, consumer_tag: str) -> EmbeddedMessage:
        tag = next(self._tags)
        if not delivery.subscription.no_ack:
            self._unsettled[tag] = delivery
        item = delivery.item
        message = EmbeddedMessage(**_fields(item), channel=self, delivery_tag=tag)
        message.delivery_info = {
            "consumer_tag": consumer_tag,
            "delivery_tag": tag,
            "redelivered": delivery.redelivered,
            "exchange": item.exchange,
            "routing_key": item.routing_key,
        }
        return message

    def _settle(self, delivery_tag: int, *, multiple: bool, requeue: bool) -> None:
        link = self._link()
        tags = [tag for tag in self._unsettled if tag <= delivery_tag] if multiple else [delivery_tag]
        for tag in tags:
            delivery = self._unsettled.pop(tag, None)
            if delivery is not None:
                link.broker.settle(delivery, requeue=requeue)

    def _link(self) -> EmbeddedConnection:
        link = self.connection
        if link is None or not link.session.alive:
            raise RecoverableConnectionError("the channel is closed")
        return link


def _fields(item: Item) -> dict[str, Any]:
    return {
        "body": item.body,
        "content_type": item.content_type,
        "content_encoding": item.content_encoding,
        "headers": dict(item.headers),
        "properties": item.properties,
    }


class EmbeddedConnection:
    """What `establish_connection` returns: one session with the broker and its channels."""

    def __init__(self, client: Any, hub: Broker) -> None:
        self.client = client
        self.broker = hub
        self.session: Session = hub.connect()
        self.channels: set[Channel] = set()
        self.channel_ids = count(1)
        self.transport = None  # py-amqp's connections have one

    @property
    def connected(self) -> bool:
        """Whether the session still lives."""
        return self.session.alive

    def channel(self) -> Channel:
        """A new channel."""
        channel = Channel(self)
        self.channels.add(channel)
        return channel

    def close(self) -> None:
        """Gives everything back and leaves."""
        self.broker.disconnect(self.session)
        for channel in list(self.channels):
            channel.is_open = False
            channel.connection = None
        self.channels.clear()


class Transport(base.Transport):
    """Registered with kombu as `embedded`; the host part of the URI names one of several separate brokers."""

    Connection = EmbeddedConnection
    driver_type = SCHEME
    driver_name = SCHEME
    connection_errors = (AmqpConnectionError, OSError)
    channel_errors = (ChannelError,)
    recoverable_connection_errors = (RecoverableConnectionError, OSError)
    recoverable_channel_errors = (ChannelError,)
    implements = base.Implements(
        asynchronous=False, exchange_type=frozenset({"direct", "topic", "fanout"}), heartbeats=False
    )
    default_connection_params: ClassVar[dict[str, Any]] = {"hostname": "localhost"}

    def establish_connection(self) -> EmbeddedConnection:
        """Connects to the broker that the URI names."""
        return EmbeddedConnection(self.client, broker(self.client.hostname or "localhost"))

    def create_channel(self, connection: EmbeddedConnection) -> Channel:
        """A new channel on the connection."""
        return connection.channel()

    def close_connection(self, connection: EmbeddedConnection) -> None:
        """Ends the connection."""
        connection.close()

    def verify_connection(self, connection: EmbeddedConnection) -> bool:
        """Whether the connection still lives."""
        return connection.session.alive

    def drain_events(self, connection: EmbeddedConnection, timeout: float | None = None, **_: Any) -> None:
        """Hands one message to its consumer; waits for it. Raises TimeoutError (`socket.timeout`)."""
        with _as_amqp():
            delivery = connection.broker.next_delivery(connection.session, timeout)
        if delivery is None:
            raise TimeoutError
        delivery.subscription.callback(delivery)

    def driver_version(self) -> str:
        """It has none of its own."""
        return "N/A"


def register() -> None:
    """Makes kombu know `embedded://`."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
