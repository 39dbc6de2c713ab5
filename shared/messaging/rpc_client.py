# SPDX-License-Identifier: Apache-2.0
"""Asking a service: typed, with a deadline, one reply queue per process.

nameko's proxies wait for ever, confirm every publish and hold a reply queue per proxy. Here a request is published
without a confirmation but `mandatory`: a service that nobody runs is known at once, anything lost ends at the deadline.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from itertools import count
from typing import Any, TypeVar

from shared import metrics
from shared.context import Context
from shared.contracts.base import Request
from shared.errors import Code, ServiceError
from shared.messaging import context as headers
from shared.messaging import topology, wire
from shared.messaging.link import TRANSIENT, Link, LinkDownError

R = TypeVar("R")
MARGIN = 0.05
MARGIN_MAX_S = 0.25


class _Pending:
    """One request that waits for its reply. The lock is the cheapest latch that greenlets and threads share."""

    __slots__ = ("body", "error", "latch")

    def __init__(self) -> None:
        self.body: bytes | str = b""
        self.error: ServiceError | None = None
        self.latch = threading.Lock()
        self.latch.acquire()


def hop_deadline(context: Context, timeout: float, now: float) -> float:
    """Until when the next hop may take: the own timeout, and a little less than what the caller has left."""
    deadline = now + timeout
    if context.deadline:
        left = context.deadline - now
        deadline = min(deadline, context.deadline - min(left * MARGIN, MARGIN_MAX_S))
    return deadline


class RpcClient:
    """Sends requests from anywhere: services, the gateway's greenlets, scripts, tests. Connects when first used."""

    def __init__(self, uri: str, *, name: str = "client") -> None:
        self._address = str(uuid.uuid4())
        self._pending: dict[str, _Pending] = {}
        self._numbers = count(random.randrange(1 << 32))  # noqa: S311 - only to tell requests of one process apart
        self.link = Link(
            uri,
            name=f"{name}-{self._address[:8]}",
            queue=topology.reply_queue(self._address),
            on_message=self._replied,
            on_return=self._returned,
            on_lost=self._lost,
        )

    def send(self, request: Request[R], context: Context, *, service: str | None = None, timeout: float = 10.0) -> R:
        """The typed reply. `service` is needed for the requests that every service answers.

        Raises the ServiceError that the service answered with; `unavailable` when nobody runs the service or the
        broker is away; `deadline_exceeded` when no answer came in `timeout` seconds or before the context's deadline.
        The outcome of a write is unknown then: repeat it with the same `command_id`.
        """
        kind = type(request)
        target = service or kind.SERVICE
        started = time.monotonic()
        code = "ok"
        try:
            body = self._call(request, context, target, timeout)
            reply: R = wire.decode_reply(body, kind)
        except ServiceError as error:
            code = error.code.value
            raise
        else:
            return reply
        finally:
            metrics.RPC_CLIENT_SECONDS.labels(target, kind.METHOD, code).observe(time.monotonic() - started)

    def close(self) -> None:
        """Leaves; whoever waits gets `unavailable`."""
        self.link.close()

    def _call(self, request: Request[Any], context: Context, target: str, timeout: float) -> bytes | str:
        now = time.time()
        deadline = hop_deadline(context, timeout, now)
        if deadline <= now:
            raise _too_late(target)
        correlation = f"{next(self._numbers):x}"
        pending = self._pending[correlation] = _Pending()
        try:
            self.link.publish(
                wire.encode_call(request),
                exchange=topology.RPC_EXCHANGE,
                routing_key=topology.rpc_routing_key(target, type(request).METHOD),
                headers=headers.to_headers(context, deadline),
                properties={
                    "reply_to": self._address,
                    "correlation_id": correlation,
                    "delivery_mode": TRANSIENT,
                    # the broker drops it when nobody waits any longer
                    "expiration": str(max(int((deadline - now) * 1000), 1)),
                },
                mandatory=True,
            )
            if not pending.latch.acquire(timeout=max(deadline - time.time(), 0.001)):
                raise _too_late(target)
        except LinkDownError as error:
            raise ServiceError(Code.UNAVAILABLE, "The message broker cannot be reached.") from error
        finally:
            self._pending.pop(correlation, None)
        if pending.error is not None:
            raise pending.error
        return pending.body

    def _replied(self, message: Any) -> None:
        pending = self._pending.pop(message.properties.get("correlation_id"), None)
        if pending is not None:
            pending.body = message.body
            pending.latch.release()

    def _returned(self, message: Any) -> None:
        pending = self._pending.pop(message.properties.get("correlation_id"), None)
        if pending is not None:
            pending.error = ServiceError(Code.UNAVAILABLE, "This part of Certwright is not running at the moment.")
            pending.latch.release()

    def _lost(self, _reason: str) -> None:
        waiting, self._pending = self._pending, {}
        for pending in waiting.values():
            pending.error = ServiceError(Code.UNAVAILABLE, "The message broker was lost while waiting for the answer.")
            pending.latch.release()


def _too_late(target: str) -> ServiceError:
    return ServiceError(Code.DEADLINE_EXCEEDED, f"The {target} service did not answer in time.")


_shared: dict[str, RpcClient] = {}


def shared_client(uri: str) -> RpcClient:
    """The one client of this process for a broker."""
    client = _shared.get(uri)
    if client is None:
        client = _shared[uri] = RpcClient(uri)
    return client
