# SPDX-License-Identifier: Apache-2.0
"""How a service takes messages off the broker: nameko's queue consumer with its known faults cured.

Messages arrive undecoded, so that nothing is acknowledged and dropped because it cannot be read; prefetch is set per
consumer; a stopping service keeps its channel until the running work has acknowledged; a lost broker is looked for
within seconds (docs/adr/0001).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import partial
from typing import Any

import eventlet
from kombu import Connection, Consumer
from kombu.utils.limits import TokenBucket
from nameko.messaging import QueueConsumer, QueueConsumerStopped

from shared.messaging.link import CONNECT_TIMEOUT_S, HEARTBEAT_S

_log = logging.getLogger(__name__)

RESTARTS_PER_S = 5
POLL_S = 0.25  # how soon a stop is noticed while no message comes


class _Consumer(Consumer):
    """Sets its own prefetch right before it starts: RabbitMQ gives each consumer what was set last."""

    def __init__(self, *args: Any, own_prefetch: int, **kwargs: Any) -> None:
        self.own_prefetch = own_prefetch
        super().__init__(*args, **kwargs)

    def consume(self, no_ack: bool | None = None) -> None:
        """Starts the consumer."""
        self.qos(prefetch_count=self.own_prefetch)
        super().consume(no_ack=no_ack)


class Intake(QueueConsumer):
    """One connection and channel per service for everything it consumes. Providers have `queue` and `prefetch`."""

    def __init__(self) -> None:
        super().__init__()
        self._restarts = TokenBucket(RESTARTS_PER_S)

    @property
    def connection(self) -> Connection:
        """Parameters of the connection; kombu clones and opens it."""
        return Connection(
            self.amqp_uri,
            heartbeat=HEARTBEAT_S,
            connect_timeout=CONNECT_TIMEOUT_S,
            transport_options={"client_properties": {"connection_name": f"intake-{self.container.service_name}"}},
        )

    @property
    def connected(self) -> bool:
        """Whether the consumers run as far as is known."""
        return self._consumers_ready.ready() and self._holding

    _holding = False

    @property
    def restart_limit(self) -> TokenBucket:
        """How often a lost connection is opened again: kombu's one a second is slow for a broker beside us."""
        return self._restarts

    def run(self, **_: Any) -> None:
        """Consumes until it is stopped, whatever happens to the connection."""
        while not self.should_stop:
            try:
                super().run(safety_interval=POLL_S)
            except QueueConsumerStopped:
                raise
            except Exception:
                # kombu raises AttributeError and the like when a socket vanishes under it
                _log.warning("consuming stopped unexpectedly; starting again", exc_info=True)
                eventlet.sleep(POLL_S)

    @contextmanager
    def establish_connection(self) -> Generator[Connection, None, None]:
        """Opens the connection, trying for ever at short intervals."""
        self._holding = False
        with self.create_connection() as connection:
            connection.ensure_connection(
                self.on_connection_error, self.connect_max_retries, interval_start=0.2, interval_step=0.3,
                interval_max=2.0,
            )  # fmt: skip
            yield connection

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Iterable[Consumer]:
        """One consumer per provider, with raw messages."""
        self._consumers = {
            provider: _Consumer(
                channel,
                queues=[provider.queue],
                on_message=partial(self._take, provider),
                own_prefetch=provider.prefetch,
            )
            for provider in self._providers
        }
        return list(self._consumers.values())

    def on_consume_ready(self, connection: Any, channel: Any, consumers: Any, **kwargs: Any) -> None:
        """The consumers run."""
        self._holding = True
        super().on_consume_ready(connection, channel, consumers)

    def on_consume_end(self, connection: Any, channel: Any) -> None:
        """The consumers are gone, with or without the connection."""
        self._holding = False

    def on_connection_revived(self) -> None:
        """Says so, unless it is the first time."""
        if self._consumers_ready.ready():
            _log.info("%s is connected to the message broker again", self.container.service_name)

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """Says so, without the password in the URI."""
        _log.warning("the message broker does not answer (%s); trying again in %.1f s", exc, interval)

    def ack_message(self, message: Any) -> None:
        """Acknowledges, unless the connection is lost; the broker then delivers the message again."""
        with contextlib.suppress(Exception):  # a connection that vanishes in this moment fails in many ways
            super().ack_message(message)

    def requeue_message(self, message: Any) -> None:
        """Gives back, unless the connection is lost; the broker then has it already."""
        with contextlib.suppress(Exception):
            super().requeue_message(message)

    def on_iteration(self) -> None:
        """Stops once nothing is consumed and nothing that was taken is still being worked on."""
        self._cancel_consumers_if_requested()
        if not self._consumers and not self.container.busy:
            self.should_stop = True

    def _take(self, provider: Any, message: Any) -> None:
        try:
            provider.handle_message(message)
        except Exception:
            # A fault of ours; the message stays unacknowledged and comes back with the next connection.
            _log.exception("a message could not be handed over")
