# SPDX-License-Identifier: Apache-2.0
"""One connection to the broker that many greenlets publish over and one thread reads.

kombu's pooled producers hold a connection per publisher, read the socket before every publish and know nothing of a
broken connection until they use it. A link notices at once, tells its owner, and opens again when it is needed next.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from kombu import Connection, Queue

from shared.messaging import embedded

_log = logging.getLogger(__name__)

HEARTBEAT_S = 20
CONNECT_TIMEOUT_S = 3.0
GOODBYE_S = 2.0
REFUSE_S = 0.3  # after a failed attempt, everybody is refused at once for so long, instead of queueing for the next
CLOSE = (10, 50)  # connection.close of AMQP 0-9-1
TRANSIENT = 1
PERSISTENT = 2


embedded.register()


class LinkDownError(ConnectionError):
    """There is no connection to the broker, or it broke while it was used."""


def open_connection(uri: str, *, name: str, heartbeat: int = HEARTBEAT_S) -> Connection:
    """A connected kombu connection. Raises LinkDownError."""
    connection = Connection(
        uri,
        heartbeat=heartbeat,
        connect_timeout=CONNECT_TIMEOUT_S,
        transport_options={"client_properties": {"connection_name": name}},
    )
    try:
        connection.connect()
    except (*connection.connection_errors, OSError) as error:
        raise LinkDownError(f"the message broker does not answer: {error}") from error
    # py-amqp reads the socket before each publish to learn whether the broker is short of memory. Another greenlet
    # reads that socket here, and eventlet allows one reader; a blocked broker shows as a missed deadline instead.
    properties = getattr(connection.connection, "client_properties", None)
    if properties:
        properties.get("capabilities", {})["connection.blocked"] = False
    return connection


class _Line:
    """The state of one established connection, thrown away when it breaks."""

    def __init__(self, connection: Connection, channel: Any) -> None:
        self.connection = connection
        self.established = connection.connection  # kombu's property would connect anew when this one is lost
        self.channel = channel
        self.alive = True
        self.reader: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection is up as far as its library knows."""
        return bool(self.established.connected)

    def end(self) -> None:
        """Has the reader leave, which then closes the socket.

        Nobody else may close it: eventlet would still listen on its number when the next socket, perhaps a database's,
        gets the same one ("second simultaneous read").
        """
        # asked first, since py-amqp's `transport` opens a new connection where there is none
        wire = getattr(self.established.transport, "sock", None) if self.connected else None
        if wire is None:
            self.connection.collect()  # the embedded broker has no socket, a broken connection no more
            return
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Says goodbye to the broker; the reader sees the answer and ends."""
        established = self.established
        if hasattr(established, "send_method"):
            established.is_closing = True
            established.send_method(CLOSE, "BsBB", (200, "", 0, 0))
            if self.reader is not None:
                self.reader.join(GOODBYE_S)


class Link:
    """A publisher, and optionally the consumer of one exclusive queue. Safe from any greenlet or thread."""

    def __init__(
        self,
        uri: str,
        *,
        name: str,
        queue: Queue | None = None,
        on_message: Callable[[Any], None] = lambda _message: None,
        on_return: Callable[[Any], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        self.uri = uri
        self.name = name
        self._queue = queue
        self._on_message = on_message
        self._on_return = on_return
        self._on_lost = on_lost
        self._opening = threading.Lock()
        self._line: _Line | None = None
        self._closed = False
        self._failed_at = float("-inf")

    @property
    def connected(self) -> bool:
        """Whether the last that was heard of the connection is that it lives."""
        line = self._line
        return line is not None and line.alive

    def open(self) -> None:
        """Connects if need be. Raises LinkDownError."""
        self._open()

    def publish(
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        headers: dict[str, Any],
        properties: dict[str, Any],
        mandatory: bool = False,
    ) -> None:
        """Sends without waiting for a confirmation. Raises LinkDownError; an unroutable one goes to `on_return`."""
        line = self._open()
        try:
            message = line.channel.prepare_message(
                body, content_type="application/json", content_encoding="utf-8", headers=headers, properties=properties
            )
            line.channel.basic_publish(message, exchange, routing_key, mandatory=mandatory)
        except (*line.connection.connection_errors, *line.connection.channel_errors, OSError) as error:
            self._lost(line, str(error))
            raise LinkDownError(f"the connection to the message broker broke: {error}") from error

    def close(self) -> None:
        """Leaves for good."""
        self._closed = True
        line, self._line = self._line, None
        if line is not None and line.alive:
            with contextlib.suppress(Exception):
                line.leave()
            self._lost(line, "the connection was closed")

    def _open(self) -> _Line:
        line = self._line
        if line is not None and line.alive:
            return line
        with self._opening:
            line = self._line
            if line is not None and line.alive:
                return line
            if self._closed:
                raise LinkDownError("the link is closed")
            if time.monotonic() - self._failed_at < REFUSE_S:
                raise LinkDownError("the message broker did not answer a moment ago")
            try:
                line = self._connect()
            except LinkDownError:
                self._failed_at = time.monotonic()
                raise
            self._line = line
            line.reader = threading.Thread(target=self._read, args=(line,), name=f"link-{self.name}", daemon=True)
            line.reader.start()
            return line

    def _connect(self) -> _Line:
        connection = open_connection(self.uri, name=self.name)
        try:
            return self._establish(connection)
        except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
            connection.collect()
            raise LinkDownError(f"the message broker refused: {error}") from error

    def _establish(self, connection: Connection) -> _Line:
        channel = connection.channel()
        if self._on_return is not None:
            handler = self._on_return

            def returned(_error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
                handler(message)

            channel.events["basic_return"].add(returned)
        if self._queue is not None:
            consuming = connection.channel()
            queue = self._queue(consuming)
            queue.declare()
            on_message = self._on_message
            to_python = consuming.message_to_python
            consuming.basic_consume(
                queue.name, no_ack=True, consumer_tag=self.name, callback=lambda raw: on_message(to_python(raw))
            )
        return _Line(connection, channel)

    def _read(self, line: _Line) -> None:
        connection, established = line.connection, line.established
        transport = connection.transport
        beat_at = time.monotonic()
        reason = "closed"
        try:
            while line.alive and line.connected:
                with contextlib.suppress(TimeoutError):
                    transport.drain_events(established, timeout=HEARTBEAT_S / 4)
                if time.monotonic() - beat_at >= HEARTBEAT_S / 4:
                    transport.heartbeat_check(established)
                    beat_at = time.monotonic()
        except (*connection.connection_errors, *connection.channel_errors, OSError) as error:
            reason = str(error)
        except Exception as error:
            # kombu raises AttributeError and the like when its socket vanishes under it
            reason = repr(error)
        self._lost(line, reason)
        with contextlib.suppress(Exception):  # a broken connection may fail in any way; there is nothing to lose
            connection.collect()

    def _lost(self, line: _Line, reason: str) -> None:
        if not line.alive:
            return
        line.alive = False
        if not self._closed:
            _log.warning("lost the connection to the message broker (%s): %s", self.name, reason)
        with contextlib.suppress(Exception):
            line.end()
        if self._on_lost is not None:
            self._on_lost(reason)
