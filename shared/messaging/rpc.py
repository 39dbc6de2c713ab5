# SPDX-License-Identifier: Apache-2.0
"""Answering requests: `@rpc(PlaceOrder)` on a method of a service.

Decoded strictly, permitted, dropped when its deadline has passed. A ServiceError goes back to the caller; anything
else is logged here with its trace and reaches the caller as `internal`, without detail.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, ProviderCollector, SharedExtension, register_entrypoint

from shared import log, metrics
from shared.context import Context
from shared.contracts.base import Request
from shared.errors import Code, ServiceError
from shared.eventstore.database import is_outage
from shared.messaging import context as headers
from shared.messaging import topology, wire
from shared.messaging.intake import Intake
from shared.messaging.link import TRANSIENT, LinkDownError
from shared.messaging.outage import report
from shared.messaging.permission import require_permission

_log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
PREFETCH = 32
FAULT = ServiceError(Code.INTERNAL, "Something failed on our side. It has been logged.")
DATABASE_AWAY = ServiceError(Code.UNAVAILABLE, "The database does not answer. Try again.")


class RequestConsumer(SharedExtension, ProviderCollector):
    """The one consumer of `rpc-<service>`; hands each request to the entrypoint of its type."""

    intake = Intake()
    prefetch = PREFETCH

    def __init__(self) -> None:
        super().__init__()
        self.queue: Any = None
        self.entrypoints: dict[str, Rpc] = {}

    def setup(self) -> None:
        """Registers the queue."""
        if self.queue is None:
            self.queue = topology.rpc_queue(self.container.service_name)
            self.intake.register_provider(self)

    def add(self, entrypoint: Rpc) -> None:
        """Registers an entrypoint. Raises ValueError when two answer the same request."""
        method = entrypoint.request_type.METHOD
        if method in self.entrypoints:
            raise ValueError(f"{self.container.service_name} answers {method} twice")
        self.entrypoints[method] = entrypoint
        self.register_provider(entrypoint)

    def remove(self, entrypoint: Rpc) -> None:
        """Takes an entrypoint away; with the last one, consuming ends."""
        self.unregister_provider(entrypoint)
        if not self._providers:
            self.intake.unregister_provider(self)

    def handle_message(self, message: Any) -> None:
        """Called by the intake."""
        method = message.delivery_info["routing_key"].rpartition(".")[2]
        entrypoint = self.entrypoints.get(method)
        if entrypoint is None:
            refusal = ServiceError(Code.INVALID, f"The {self.container.service_name} service has no request {method}.")
            self.reply(message, wire.encode_error(refusal))
        else:
            entrypoint.handle_message(message)

    def reply(self, message: Any, body: bytes) -> None:
        """Sends the reply, if anybody asked for one, and acknowledges the request."""
        address = message.properties.get("reply_to")
        if address:
            try:
                self.container.client.link.publish(
                    body,
                    exchange=topology.RPC_EXCHANGE,
                    routing_key=address,
                    headers={},
                    properties={
                        "correlation_id": message.properties.get("correlation_id"),
                        "delivery_mode": TRANSIENT,
                    },
                )
            except LinkDownError as error:
                _log.warning("a reply was lost: %s", error)
        self.intake.ack_message(message)


class Rpc(Entrypoint):
    """Binds a method to a request type."""

    consumer = RequestConsumer()

    def __init__(self, request_type: type[Request[Any]]) -> None:
        super().__init__(expected_exceptions=ServiceError)
        self.request_type = request_type

    def setup(self) -> None:
        """Registers with the consumer."""
        self.consumer.add(self)

    def stop(self) -> None:
        """No more requests; running ones are answered."""
        self.consumer.remove(self)

    def handle_message(self, message: Any) -> None:
        """Checks a request and spawns the worker that answers it."""
        context = headers.from_headers(message.headers)
        if context.deadline and context.deadline <= time.time():
            metrics.RPC_EXPIRED.labels(self.container.service_name).inc()
            self.consumer.intake.ack_message(message)
            return
        started = time.monotonic()
        try:
            require_permission(self.request_type, context)
            request = wire.decode_call(message.body, self.request_type)
        except ServiceError as refusal:
            self._finish(message, started, wire.encode_error(refusal), refusal.code.value)
            return
        try:
            self.container.spawn_worker(
                self,
                (request, context),
                {},
                context_data={},
                handle_result=partial(self.handle_result, message, started, context),
            )
        except ContainerBeingKilled:
            self.consumer.intake.requeue_message(message)

    def handle_result(
        self, message: Any, started: float, context: Context, _worker: Any, result: Any, exc_info: ExcInfo | None
    ) -> tuple[Any, ExcInfo | None]:
        """Answers. Called in the worker."""
        code = "ok"
        error = exc_info[1] if exc_info else None
        if error is None:
            try:
                body = wire.encode_result(result)
            except (TypeError, ValueError, OverflowError) as unencodable:
                error = unencodable
        if isinstance(error, ServiceError):
            code = error.code.value
            body = wire.encode_error(error)
        elif error is not None:
            name = f"{self.container.service_name}.{self.request_type.METHOD}"
            log.bind(trace=context.trace_id, correlation=context.correlation_id, account=context.account_id)
            report(_log, error, "%s failed", name)
            answer = DATABASE_AWAY if is_outage(error) else FAULT
            code = answer.code.value
            body = wire.encode_error(answer)
        self._finish(message, started, body, code)
        return result, exc_info

    def _finish(self, message: Any, started: float, body: bytes, code: str) -> None:
        self.consumer.reply(message, body)
        seconds = time.monotonic() - started
        metrics.RPC_SECONDS.labels(self.container.service_name, self.request_type.METHOD, code).observe(seconds)


def rpc(request_type: type[Request[Any]]) -> Callable[[F], F]:
    """Has the method `(self, request, context) -> reply` answer this request. It stays callable as written."""

    def register(method: F) -> F:
        register_entrypoint(method, Rpc(request_type))
        return method

    return register
