# SPDX-License-Identifier: Apache-2.0
"""Knocks at many IPv4 addresses by TCP SYNs of its own, to learn who is there before anybody connects.

No socket and no timer is spent on an address that keeps silent. What comes back is known by a cookie: the sequence
number that was sent is a keyed hash of address and port, and an answer names it plus one (RFC 9293 §3.5). The kernel
knows nothing of these connections and ends those that are answered by a reset. Needs CAP_NET_RAW; others connect.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import time
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Callable, NamedTuple

_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; not in Python's socket before 3.13
_RECEIVE_BUFFER = 8 << 20
_AT_ONCE, _MANY = 64, 1024  # packets between two looks at the answers, and between two pauses
# A header of 24 bytes: ports, sequence, acknowledgement 0, flags, window, checksum, urgent, and the usual option: a
# SYN without a maximum segment size is dropped by some (RFC 9293 §3.7.1).
_HEADER = struct.Struct("!HHIIBBHHHBBH")
_MSS, _WINDOW = 1460, 64240


class Answer(NamedTuple):
    """An address that answered: `open` by a SYN, else by a reset."""

    address: str
    port: int
    open: bool


class Knocker:
    """A raw socket with a source port of its own. Raises PermissionError where this process may not, OSError."""

    def __init__(self) -> None:
        # Nothing listens on it and nothing is dialled from it: it keeps the port from everybody else.
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.bind(("", 0))
        self._port = int(self._reserved.getsockname()[1])
        try:
            self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        except OSError:
            self._reserved.close()
            raise
        self._raw.setblocking(False)
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        _attach(self._raw, self._port)
        self._route = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._routed, self._source_sum = b"", 0  # the network, of 256 addresses, that was asked for last
        self._key = os.urandom(16)
        # What is the same in every packet; the checksum runs over it too (RFC 9293 §3.1).
        self._constant = self._port + (6 << 12 | _SYN) + _WINDOW + 0x0204 + _MSS + socket.IPPROTO_TCP + _HEADER.size

    def close(self) -> None:
        """Closes its sockets."""
        for one in (self._raw, self._route, self._reserved):
            one.close()

    def knock(self, address: str, port: int) -> bool:
        """Sends a SYN; False when no packet can leave for there. Raises BlockingIOError when the queue is full."""
        target = socket.inet_aton(address)
        try:
            if target[:3] != self._routed:
                # The source that the kernel would take, as the checksum has to know it; nothing is sent by this.
                self._route.connect((address, port))
                self._source_sum = _words(socket.inet_aton(self._route.getsockname()[0]))
                self._routed = target[:3]
            self._raw.sendto(self._packet(target, port), (address, 0))
        except BlockingIOError:
            raise
        except OSError:
            return False
        return True

    def answers(self) -> Iterator[Answer]:
        """Those that have come. What does not know its cookie is left out."""
        while True:
            try:
                packet = self._raw.recv(256)
            except BlockingIOError:
                return
            start = (packet[0] & 15) * 4
            if len(packet) < start + 20:
                continue
            port, _, _, acknowledged = struct.unpack_from("!HHII", packet, start)
            flags, source = packet[start + 13], packet[12:16]
            if (acknowledged - 1) & 0xFFFFFFFF == self._cookie(source, port) and flags & _ACK:
                yield Answer(socket.inet_ntoa(source), port, not flags & _RST)

    def _packet(self, address: bytes, port: int) -> bytes:
        cookie = self._cookie(address, port)
        total = self._constant + self._source_sum + _words(address) + port + (cookie >> 16) + (cookie & 0xFFFF)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return _HEADER.pack(self._port, port, cookie, 0, 6 << 4, _SYN, _WINDOW, ~total & 0xFFFF, 0, 2, 4, _MSS)

    def _cookie(self, address: bytes, port: int) -> int:
        said = hashlib.blake2s(address + port.to_bytes(2, "big"), key=self._key, digest_size=4).digest()
        return int.from_bytes(said, "big")


def _words(address: bytes) -> int:
    return (address[0] << 8 | address[1]) + (address[2] << 8 | address[3])


def open_knocker() -> Knocker | None:
    """A knocker, or None where this process may not have one."""
    try:
        return Knocker()
    except OSError:
        return None


def knock_at(
    knocker: Knocker,
    places: Iterable[tuple[str, int]],
    *,
    wait_s: float,
    may_send: Callable[[], bool] = lambda: True,
    stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[tuple[str, int], bool | None] | None]:
    """Yields each (address, port) once: True for open, False for refused, None for one that kept silent for `wait_s`.
    None instead of that means: nothing to do just now, come back within milliseconds and do something else meanwhile.

    Who has not answered after a third of the wait is asked once more, for the sake of lost packets. `may_send` is
    asked before each packet and keeps the rate; `stopped` many times a second, and True ends all at once.
    """
    knocking = _Knocking(knocker, dict.fromkeys(places), may_send, stopped, clock)
    yield from knocking.send()
    yield from knocking.wait(clock() + wait_s / 3)
    began = clock()
    yield from knocking.send()
    yield from knocking.wait(began + wait_s * 2 / 3)  # the second round lies within the wait
    if not knocking.ended:
        for place in knocking.waiting:
            yield place, None


@dataclass
class _Knocking:
    """Who has not answered yet, and how to go on."""

    knocker: Knocker
    waiting: dict[tuple[str, int], None]
    may_send: Callable[[], bool]
    stopped: Callable[[], bool]
    clock: Callable[[], float]
    ended: bool = False

    def send(self) -> Iterator[tuple[tuple[str, int], bool] | None]:
        """A packet to each that has not answered; the answers that come meanwhile."""
        for count, place in enumerate(list(self.waiting)):
            while place in self.waiting and not (self.may_send() and self._sent(place)):
                yield from self._taken()
                if self.ended:
                    return
                yield None
            if count % _AT_ONCE == 0:
                yield from self._taken()
                if self.ended:
                    return
            if count % _MANY == _MANY - 1:
                yield None

    def wait(self, until: float) -> Iterator[tuple[tuple[str, int], bool] | None]:
        """The answers that come until then."""
        while self.waiting and not self.ended:
            yield from self._taken()
            if self.clock() >= until:
                return
            yield None

    def _sent(self, place: tuple[str, int]) -> bool:
        try:
            self.knocker.knock(*place)
        except BlockingIOError:
            return False
        return True

    def _taken(self) -> Iterator[tuple[tuple[str, int], bool]]:
        self.ended = self.ended or self.stopped()
        for address, port, is_open in self.knocker.answers():
            if (address, port) in self.waiting:
                del self.waiting[address, port]
                yield (address, port), is_open


def _attach(raw: socket.socket, port: int) -> None:
    """Lets the kernel pass only answers to our port (Linux: Documentation/networking/filter.rst)."""
    program = b"".join(
        struct.pack("HBBI", *step)
        for step in (
            (0xB1, 0, 0, 0),  # X = length of the IP header
            (0x48, 0, 0, 2),  # A = destination port
            (0x15, 0, 3, port),
            (0x50, 0, 0, 13),  # A = flags
            (0x45, 0, 1, _ACK),
            (0x06, 0, 0, 0xFFFF),
            (0x06, 0, 0, 0),
        )
    )
    kept = array("B", program)  # the kernel copies it
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program) // 8, kept.buffer_info()[0]))
