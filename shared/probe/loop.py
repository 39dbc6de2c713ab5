# SPDX-License-Identifier: Apache-2.0
"""Has thousands of conversations at once in one thread: an own loop over non-blocking sockets and epoll.

Why not asyncio's streams: docs/adr/0016-own-probe.md. Memory is bounded by `Limits.in_flight`, whatever the number of
dials: they are drawn from an iterator, and results go out as they come.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable

from shared.probe.conversation import Conversation, Dial, Outcome
from shared.probe.outcome import Failed, Failure, ProbeError

_TICK_S = 0.05
_RECEIVE = 16 * 1024
_MOST_HELD = 256  # dials that wait for their host, while those behind them go on
_EVENTS = 512  # in one turn
_MOST_DONE = 256  # dials that failed at once, in one turn
# SO_LINGER 0 ends a connection by a reset: no TIME_WAIT is left, on either side.
_AT_ONCE = struct.pack("ii", 1, 0)
_DIALLING = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EISCONN, 0}
_NEW = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_ENDING = ~(select.EPOLLOUT | select.EPOLLIN)


@dataclass(frozen=True)
class Limits:
    """Bounds of one run. Times in seconds, for each connection; `rate` in new connections a second, 0 for no limit;
    `received` in bytes for each connection; `per_host` in open connections with one address, 0 for no limit."""

    in_flight: int = 5000
    connect_s: float = 3.0
    talk_s: float = 8.0
    rate: float = 0.0
    received: int = 512 * 1024
    per_host: int = 0


def _silence() -> Conversation[Any]:
    yield b""


_SILENCE = _silence()
REFUSED = Failed(Failure.REFUSED, "connection refused")


class _Drawn(Enum):
    FULL = 0
    WAITS = 1  # for the rate
    NOTHING = 2


class _Connection:
    __slots__ = ("connected", "dial", "expires", "fd", "received", "socket", "talk", "unsent")

    def __init__(self, dial: Dial[Any], sock: socket.SocketType, fd: int, expires: set[int]) -> None:
        self.dial = dial
        self.socket = sock
        self.fd = fd
        self.expires = expires  # the descriptors that expire together with this one
        self.talk: Conversation[Any] = _SILENCE  # until it is connected
        self.unsent = b""
        self.received = 0
        self.connected = False


class Loop:
    """One run of conversations. Not thread-safe, but for `stop`."""

    def __init__(
        self,
        limits: Limits = Limits(),
        *,
        clock: Callable[[], float] = time.monotonic,
        each_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """`each_turn` is called many times a second, also while nothing ends; what was yielded before is then dealt
        with."""
        self._limits = limits
        self._clock = clock
        self._each_turn = each_turn
        self._stopped = False
        self._open: dict[int, _Connection] = {}
        self._wheel: dict[int, set[int]] = {}  # tick of the deadline: descriptors
        self._turned = 0
        self._busy = 0  # turns in a row that did not see to the end of what had happened
        self._now = 0.0  # read once a turn: ticks are much longer than turns
        self._done: deque[tuple[Dial[Any], Outcome[Any]]] = deque()
        self._spare: socket.SocketType | None = None  # of IPv4, whose last dial was refused at once
        self._allowed = 0.0
        self._rated_at = 0.0
        self._room = _make_room(limits.in_flight)
        self._per_host = limits.per_host
        self._at: Counter[str] = Counter()  # open connections by address, where these are limited
        self._held: deque[Dial[Any]] = deque()

    def stop(self) -> None:
        """Ends the run within a tick: open connections end as `stopped`, no dial is drawn any more."""
        self._stopped = True

    def run(self, dials: Iterable[Dial[Any] | None]) -> Iterator[tuple[Dial[Any], Outcome[Any]]]:
        """Draws dials and yields each with its outcome, in the order in which they end.

        An iterator that is at its end, or gives None, is asked again after the next outcomes: they may bring it more.
        """
        source = iter(dials)
        self._epoll = select.epoll()
        self._now = self._clock()
        self._turned = int(self._now / _TICK_S)
        self._wheel.clear()
        try:
            while not self._stopped:
                self._each_turn()
                self._now = self._clock()  # also behind a pause of whoever takes the outcomes
                drawn = self._draw(source)
                if self._open or self._done:
                    if self._turn_events(0 if self._done else _TICK_S):
                        self._expire()
                elif drawn is _Drawn.WAITS:
                    time.sleep(_TICK_S if self._limits.rate < 1 / _TICK_S else 1 / self._limits.rate)
                else:
                    return  # nothing is under way that could bring the source a further dial
                while self._done:
                    yield self._done.popleft()
            for connection in list(self._open.values()):
                self._end(connection, Failed(Failure.STOPPED, "the scan was stopped", connected=connection.connected))
            while self._done:
                yield self._done.popleft()
        finally:
            for connection in list(self._open.values()):
                connection.socket.close()
            self._open.clear()
            if self._spare is not None:
                self._spare.close()
                self._spare = None
            self._epoll.close()

    def _draw(self, source: Iterator[Dial[Any] | None]) -> _Drawn:
        """Starts what may be started. Some dials that failed at once end the round, so that their outcomes get out."""
        soon = self._expiry(self._limits.connect_s)
        rated = self._limits.rate > 0
        while len(self._open) < self._room and len(self._done) < _MOST_DONE:
            if rated and not self._rate_allows():
                return _Drawn.WAITS
            dial = self._next(source) if self._per_host else next(source, None)
            if dial is None:
                return _Drawn.NOTHING
            self._allowed -= rated
            self._start(dial, soon)
        return _Drawn.FULL

    def _next(self, source: Iterator[Dial[Any] | None]) -> Dial[Any] | None:
        """The first dial whose host is not busy; None while there is none, then an open connection will end."""
        for _ in range(len(self._held)):
            held = self._held.popleft()
            if self._at[held.address] < self._per_host:
                return held
            self._held.append(held)
        while len(self._held) < _MOST_HELD:
            dial = next(source, None)
            if dial is None or self._at[dial.address] < self._per_host:
                return dial
            self._held.append(dial)
        return None

    def may_dial(self) -> bool:
        """Whether the rate allows one more packet that opens a connection; if so, it is taken from it."""
        if not self._limits.rate:
            return True
        if not self._rate_allows():
            return False
        self._allowed -= 1
        return True

    def _rate_allows(self) -> bool:
        rate = self._limits.rate
        now = self._clock()
        self._allowed = min(self._allowed + (now - self._rated_at) * rate, max(1.0, rate * _TICK_S))
        self._rated_at = now
        return self._allowed >= 1

    def _start(self, dial: Dial[Any], soon: set[int]) -> None:
        address = dial.address
        is_ipv6 = ":" in address
        sock = None if is_ipv6 else self._spare
        try:
            if sock is None:
                # The type below `socket.socket`: the same calls at two thirds of the cost of one that is refused.
                sock = socket.SocketType(socket.AF_INET6 if is_ipv6 else socket.AF_INET, _NEW, 0)
            else:
                self._spare = None
        except OSError as error:
            self._done.append((dial, Failed(_reason(error.errno), str(error)[:200])))
            return
        where = (address, dial.port)
        try:
            code = sock.connect_ex(where)
            if code == errno.EINPROGRESS:
                # Nothing answers as soon as this machine itself, and a near network is not much later: a refusal is
                # there by now. The second call tells it, and Linux leaves the socket fit for the next dial.
                code = sock.connect_ex(where)
        except (OSError, OverflowError, ValueError) as error:
            sock.close()
            self._done.append((dial, Failed(Failure.BAD_ADDRESS, str(error)[:200])))
            return
        if code == errno.ECONNREFUSED:
            if is_ipv6:
                sock.close()
            else:
                self._spare = sock
            self._done.append((dial, REFUSED))
            return
        if code not in _DIALLING:
            sock.close()
            self._done.append((dial, Failed(_reason(code), _words(code), connected=code == errno.ECONNRESET)))
            return
        fd = sock.fileno()
        self._open[fd] = _Connection(dial, sock, fd, soon)
        if self._per_host:
            self._at[address] += 1
        soon.add(fd)
        # Edge-triggered: one registration serves the connection from the dial to the last byte.
        self._epoll.register(fd, _EDGES)

    def _turn_events(self, timeout: float) -> bool:
        """Deals with what happened; False when more has happened already: whoever takes the outcomes may have come back
        late, and what answered meanwhile answered in time. True all the same once every connection had its turn."""
        later = self._expiry(self._limits.talk_s)
        happened = self._epoll.poll(timeout, _EVENTS)
        for fd, mask in happened:
            connection = self._open.get(fd)
            if connection is None:
                continue
            if not connection.connected and not self._connect(connection, mask, later):
                continue
            if connection.unsent and mask & select.EPOLLOUT and not self._send(connection):
                continue
            if mask & ~select.EPOLLOUT:
                # No further edge tells of an end that came together with the last bytes.
                self._receive(connection, ending=bool(mask & _ENDING))
        self._busy = 0 if len(happened) < _EVENTS else self._busy + 1
        if self._busy * _EVENTS > self._room:
            self._busy = 0
        return self._busy == 0

    def _connect(self, connection: _Connection, mask: int, later: set[int]) -> bool:
        code = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if mask & _ENDING else 0
        if code:
            # A reset, unlike a refusal, comes behind a connection that was up.
            refused = code == errno.ECONNREFUSED
            why = REFUSED if refused else Failed(_reason(code), _words(code), connected=code == errno.ECONNRESET)
            self._end(connection, why)
            return False
        connection.connected = True
        connection.expires.discard(connection.fd)
        connection.expires = later
        later.add(connection.fd)
        connection.talk = connection.dial.talk()
        return self._advance(connection, None)

    def _advance(self, connection: _Connection, received: bytes | None) -> bool:
        """Hands on what came (None starts); False when that ended the conversation."""
        talk = connection.talk
        try:
            answer = next(talk) if received is None else talk.send(received)
        except StopIteration as end:
            self._end(connection, end.value)
            return False
        except ProbeError as error:
            self._end(connection, error.failed())
            return False
        if received == b"":
            self._end(connection, Failed(Failure.CLOSED, "the peer hung up in the middle", connected=True))
            return False
        if answer:
            connection.unsent += answer
            return self._send(connection)
        return True

    def _send(self, connection: _Connection) -> bool:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            return True
        except OSError as error:
            return self._broken(connection, error)
        connection.unsent = connection.unsent[sent:]
        return True

    def _receive(self, connection: _Connection, *, ending: bool) -> None:
        while True:
            try:
                received = connection.socket.recv(_RECEIVE)
            except BlockingIOError:
                return
            except OSError as error:
                self._broken(connection, error)
                return
            connection.received += len(received)
            if connection.received > self._limits.received:
                much = f"more than {self._limits.received} bytes"
                self._end(connection, Failed(Failure.TOO_LONG, much, connected=True))
                return
            if not self._advance(connection, received) or (len(received) < _RECEIVE and not ending):
                return

    def _broken(self, connection: _Connection, error: OSError) -> bool:
        reset = error.errno in (errno.ECONNRESET, errno.EPIPE)
        failure = Failure.RESET if reset else _reason(error.errno)
        self._end(connection, Failed(failure, _words(error.errno or 0), connected=True))
        return False

    def _end(self, connection: _Connection, outcome: Outcome[Any]) -> None:
        del self._open[connection.fd]
        if self._per_host:
            self._leave(connection.dial.address)
        connection.expires.discard(connection.fd)
        if connection.connected:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        connection.socket.close()  # takes it out of the epoll set too
        self._done.append((connection.dial, outcome))

    def _leave(self, address: str) -> None:
        self._at[address] -= 1
        if not self._at[address]:
            del self._at[address]  # of all the hosts of a scan, those that are busy are kept

    def _expiry(self, seconds: float) -> set[int]:
        """The descriptors that expire so many seconds from now."""
        return self._wheel.setdefault(int((self._now + seconds) / _TICK_S) + 2, set())

    def _expire(self) -> None:
        now = int(self._now / _TICK_S)
        while self._turned < now:
            self._turned += 1
            for fd in list(self._wheel.pop(self._turned, ())):
                connection = self._open[fd]
                what = "answer" if connection.connected else "connection"
                self._end(connection, Failed(Failure.TIMEOUT, f"no {what} in time", connected=connection.connected))


def _make_room(in_flight: int) -> int:
    """How many sockets may be open: what was asked for, as far as the process may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = in_flight + 64
    if soft != resource.RLIM_INFINITY and soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # where whoever runs it forbids to change limits
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return in_flight if soft == resource.RLIM_INFINITY else max(1, min(in_flight, soft - 64))


def _reason(code: int | None) -> Failure:
    if code == errno.ECONNREFUSED:
        return Failure.REFUSED
    if code == errno.ETIMEDOUT:
        return Failure.TIMEOUT
    if code in (errno.ECONNRESET, errno.EPIPE):
        return Failure.RESET
    return Failure.UNREACHABLE


def _words(code: int) -> str:
    return os.strerror(code).lower() if code else "unknown error"
