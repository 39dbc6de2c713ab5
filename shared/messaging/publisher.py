# SPDX-License-Identifier: Apache-2.0
"""Publishing events in batches, confirmed once per batch: a confirmation per message costs three times as much."""

from __future__ import annotations

import contextlib
import time
from typing import Any, NamedTuple

from kombu import Connection

from shared.messaging import topology
from shared.messaging.cloudevents import CONTENT_TYPE
from shared.messaging.link import PERSISTENT, LinkDownError, open_connection

CONFIRM_TIMEOUT_S = 30.0


class Outgoing(NamedTuple):
    """One event on its way: its type is the routing key."""

    event_id: str
    type: str
    body: bytes


class EventPublisher:
    """A connection of its own in confirm mode. For one greenlet at a time; opens again after a failure."""

    def __init__(self, uri: str, *, name: str) -> None:
        self._uri = uri
        self._name = name
        self._connection: Connection | None = None
        self._channel: Any = None
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._confirming = False
        self._refused = False

    def publish(self, batch: list[Outgoing]) -> None:
        """Returns when the broker has all of them. Raises LinkDownError; then any of them may have been published."""
        connection, channel = self._open()
        try:
            for event in batch:
                message = channel.prepare_message(
                    event.body,
                    content_type=CONTENT_TYPE,
                    content_encoding="utf-8",
                    headers={},
                    properties={"delivery_mode": PERSISTENT, "message_id": event.event_id},
                )
                self._sent += 1
                if self._confirming:
                    self._unconfirmed.add(self._sent)
                channel.basic_publish(message, topology.EVENTS_EXCHANGE, event.type)
            self._await_confirmations(connection)
        except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
            self.close()
            raise LinkDownError(f"events could not be published: {error}") from error
        except BaseException:
            self.close()  # killed in the middle: the count of confirmations is worth nothing any more
            raise

    def close(self) -> None:
        """Gives the connection up."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):  # a broken connection may fail in any way; there is nothing to lose
                connection.collect()

    def _await_confirmations(self, connection: Connection) -> None:
        deadline = time.monotonic() + CONFIRM_TIMEOUT_S
        established = connection.connection  # asked once: kombu would connect anew after a loss
        while self._unconfirmed:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the broker does not confirm")
            if not established.connected:
                raise ConnectionError("the connection is gone")
            connection.transport.drain_events(established, timeout=left)
        if self._refused:
            raise ConnectionError("the broker refused a message")

    def _open(self) -> tuple[Connection, Any]:
        if self._connection is not None:
            return self._connection, self._channel
        connection = open_connection(self._uri, name=self._name, heartbeat=0)
        try:
            channel = connection.channel()
            topology.events_exchange()(channel).declare()
            self._sent = 0
            self._unconfirmed.clear()
            self._refused = False
            self._confirming = hasattr(channel, "confirm_select")
            if self._confirming:  # the embedded broker has the message when publish returns
                channel.confirm_select()
                channel.events["basic_ack"].add(self._acked)
                channel.events["basic_nack"].add(self._nacked)
        except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
            connection.collect()
            raise LinkDownError(f"the message broker refused: {error}") from error
        self._connection, self._channel = connection, channel
        return connection, channel

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {open_tag for open_tag in self._unconfirmed if open_tag > tag}
        else:
            self._unconfirmed.discard(tag)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = True
        self._acked(tag, multiple)
