# SPDX-License-Identifier: Apache-2.0
"""Every name on the broker in one place. A name is a promise: a renamed queue is an orphan that fills for ever."""

from __future__ import annotations

from kombu import Exchange, Queue, binding

EVENTS_EXCHANGE = "certwright.events"
RPC_EXCHANGE = "nameko-rpc"


def events_exchange() -> Exchange:
    """Topic exchange of all events; routing keys are event types (`orders.OrderPlaced`)."""
    return Exchange(EVENTS_EXCHANGE, type="topic", durable=True)


def rpc_exchange() -> Exchange:
    """nameko's exchange of requests and replies."""
    return Exchange(RPC_EXCHANGE, type="topic", durable=True)


def rpc_queue(service: str) -> Queue:
    """Requests to a service, under nameko's name for it.

    It goes away with the last consumer, unlike nameko's: a request to a service that nobody runs is then refused at
    once, and none waits there to be executed long after its caller has gone.
    """
    return Queue(f"rpc-{service}", exchange=rpc_exchange(), routing_key=f"{service}.*", durable=True, auto_delete=True)


def rpc_routing_key(service: str, method: str) -> str:
    """Where requests for a method go."""
    return f"{service}.{method}"


def reply_queue(address: str) -> Queue:
    """Replies to one process; gone with its connection."""
    return Queue(
        f"rpc.reply-{address}", exchange=rpc_exchange(), routing_key=address, exclusive=True, auto_delete=True,
        durable=False,
    )  # fmt: skip


def subscription_name(service: str, method: str) -> str:
    """The stable name of a handler, in the inbox and on the broker."""
    return f"{service}.{method}"


def event_queue(service: str, method: str, types: tuple[str, ...]) -> Queue:
    """The durable queue of one handler, bound to the event types that it takes."""
    exchange = events_exchange()
    return Queue(
        f"events-{subscription_name(service, method)}",
        exchange=exchange,
        durable=True,
        bindings=[binding(exchange, routing_key=name) for name in types],
    )
