# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: the feed of an account, pushed. One poller per process wakes all streams when the log grows.

A stream reads only its own account's events and only after the poller has seen something new, so that a thousand idle
streams cost one question per half second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator

import msgspec

from gateway.exchange import Exchange, Rpc
from gateway.problems import RefusedError
from shared.context import system
from shared.contracts.alerts import FeedPage, GetFeedHead, ReadFeed
from shared.errors import Code, ServiceError

logger = logging.getLogger("certwright.gateway")
HEARTBEAT_S = 15.0
PATIENCE = 10
RETRY = b"retry: 2000\n\n"
_encode = msgspec.json.Encoder().encode


def event_bytes(page: FeedPage) -> bytes:
    """Events in the form of the HTML standard: `id` is the position, `data` one CloudEvent as JSON."""
    return b"".join(b"id: %d\ndata: %b\n\n" % (entry.position, _encode(entry.cloudevent)) for entry in page.events)


class Streams:
    """All open event streams of this process."""

    def __init__(
        self,
        rpc: Rpc,
        *,
        poll: float = 0.5,
        heartbeat: float = HEARTBEAT_S,
        most: int = 1000,
        most_per_actor: int = 20,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rpc = rpc
        self._poll = poll
        self._heartbeat = heartbeat
        self._most = most
        self._most_per_actor = most_per_actor
        self._monotonic = monotonic
        self._head = -1
        self._news = threading.Condition()
        self._open: Counter[str] = Counter()
        self._poller: threading.Thread | None = None
        self._closing = threading.Event()

    def open(
        self, exchange: Exchange, asked: ReadFeed, last: str | None, still_welcome: Callable[[], bool]
    ) -> Iterable[bytes]:
        """The bytes of a stream that goes on after `last` (an event's id), or begins now.

        Raises RefusedError for a bad id, ServiceError `rate_limited` for too many streams and what the feed says.
        """
        actor = exchange.context.actor
        if last is not None and not (last.isascii() and last.isdigit() and len(last) < 16):
            raise RefusedError("malformed", "Last-Event-ID is the id of an event of this stream.")
        if self._closing.is_set():
            raise ServiceError(Code.UNAVAILABLE, "This process is about to stop.")
        if self._open.total() >= self._most or self._open[actor] >= self._most_per_actor:
            raise ServiceError(Code.RATE_LIMITED, "Too many event streams are open.", extra={"retry_after": "10"})
        after = int(last) if last is not None else self._ask_head()
        # The first page is read here, so that a refusal is still a problem document.
        first = msgspec.structs.replace(asked, after=after)
        page = exchange.send(first)
        return _Stream(self, exchange, first, page, still_welcome)

    def close(self) -> None:
        """Ends all streams, so that a stopping process does not wait for them; clients come back by themselves."""
        self._closing.set()
        with self._news:
            self._news.notify_all()

    @property
    def count(self) -> int:
        """How many streams are open."""
        return self._open.total()

    def entered(self, actor: str) -> None:
        """Counts a stream that begins."""
        with self._news:
            self._open[actor] += 1
            if self._poller is None:
                self._poller = threading.Thread(target=self._watch, name="event-streams", daemon=True)
                self._poller.start()

    def left(self, actor: str) -> None:
        """Counts a stream that has ended."""
        with self._news:
            self._open[actor] -= 1
            if self._open[actor] <= 0:
                del self._open[actor]

    def run(self, exchange: Exchange, asked: ReadFeed, page: FeedPage, welcome: Callable[[], bool]) -> Generator[bytes]:
        """The chunks of one stream, `page` being its first events."""
        yield RETRY + event_bytes(page)
        after, misses = page.next_after, 0
        while not self._closing.is_set():
            if not self._wait(after):
                if self._closing.is_set() or not welcome():
                    return
                yield b": still here\n\n"
                continue
            try:
                page = exchange.send(msgspec.structs.replace(asked, after=after))
            except ServiceError as error:
                misses += 1
                if misses > PATIENCE or error.code not in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}:
                    logger.info("an event stream ends: %s", error)
                    return
                self._closing.wait(min(self._poll * misses, 5.0))
                continue
            misses = 0
            after = page.next_after
            if page.events:
                yield event_bytes(page)

    def _wait(self, after: int) -> bool:
        """Whether the log has grown beyond `after` before the next heartbeat is due."""
        until = self._monotonic() + self._heartbeat
        with self._news:
            while self._head <= after and not self._closing.is_set():
                left = until - self._monotonic()
                if left <= 0:
                    return False
                self._news.wait(left)
        return not self._closing.is_set()

    def _watch(self) -> None:
        misses = 0
        while not self._idle():
            try:
                head = self._ask_head()
                misses = 0
            except ServiceError:
                misses = min(misses + 1, PATIENCE)
            else:
                if head > self._head:
                    with self._news:
                        self._head = head
                        self._news.notify_all()
            self._closing.wait(self._poll * (1 + misses))

    def _idle(self) -> bool:
        with self._news:
            if self._open.total() and not self._closing.is_set():
                return False
            self._poller = None
            return True

    def _ask_head(self) -> int:
        return self._rpc.send(GetFeedHead(), system("gateway")).next_after


class _Stream:
    """The iterable that the WSGI server drives; counted while it is driven, whoever ends it."""

    def __init__(
        self,
        streams: Streams,
        exchange: Exchange,
        asked: ReadFeed,
        page: FeedPage,
        welcome: Callable[[], bool],
    ) -> None:
        self._streams = streams
        self._actor = exchange.context.actor
        self._chunks = streams.run(exchange, asked, page, welcome)
        self._counted = True
        streams.entered(self._actor)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Called by the server when the client has gone."""
        if self._counted:
            self._counted = False
            self._streams.left(self._actor)
        self._chunks.close()
