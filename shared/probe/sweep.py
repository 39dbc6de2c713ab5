# SPDX-License-Identifier: Apache-2.0
"""Collects the certificates of many endpoints: as many looks at once as the limits allow, one result for each.

    sweep = Sweep(targets.endpoints(), total=targets.count, limits=Limits(in_flight=1000))
    for sighting in sweep.run(): ...

With `syn`, and where this process may, SYNs of our own find out who is there, many thousands at once; only who answers
is connected to. IPv6 addresses are connected to in any case.

A look is a hello of TLS 1.2 and below and the chain that is answered in the clear; where the server refuses that, a
second connection with TLS 1.3. Memory is bounded by `Limits.in_flight`, whatever the number of endpoints.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Callable, NamedTuple, Union, cast

from shared.probe.chain import Chain, read_chain
from shared.probe.conversation import Conversation, Dial
from shared.probe.hello import TLS12, ClientHello
from shared.probe.loop import REFUSED, Limits, Loop
from shared.probe.outcome import Failed, Failure
from shared.probe.records import UNRECOGNIZED_NAME
from shared.probe.starttls import DEFAULT_PORTS, after_starttls
from shared.probe.syn import Knocker, knock_at, open_knocker
from shared.probe.targets import Endpoint

try:
    from shared.probe.tls13 import looks
except ImportError:  # no `cryptography`, as in the agent
    from shared.probe.openssl import looks

# What nearly every server has one of: RSA, ECDSA and DSA keys, with and without forward secrecy, down to 3DES, RC4,
# export and NULL. With most names the hello stays below 256 bytes: some old load balancers choke on 256 to 511 bytes.
_SUITES = (
    *(0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC009, 0xC013, 0xC00A, 0xC014, 0xC023, 0xC027, 0xC024, 0xC028),
    *(0x009E, 0x009F, 0xCCAA, 0x0033, 0x0039, 0x0067, 0x006B, 0x009C, 0x009D, 0x002F, 0x0035, 0x003C, 0x003D),
    *(0xC0AC, 0xC09E, 0xC09C, 0x0041, 0x0084, 0x0040, 0x0032, 0x0013, 0xC004, 0xC00E, 0x000A, 0x0016, 0xC008, 0xC012),
    *(0x0005, 0x0004, 0xC007, 0xC011, 0x0009, 0x0003, 0x0008, 0x003B, 0x0002, 0xC006),
)
_GROUPS = (29, 23, 24, 25, 22)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0203, 0x0201, 0x0402)
_RATED_OVER_S = 5.0
_USUAL = Limits()
_PAUSE_S = 0.002
_KNOCKS = 16_384  # at so many endpoints at once; this bounds memory
_SILENT = Failed(Failure.TIMEOUT, "no connection in time")

Look = Union[Chain, Failed]


class Sighting(NamedTuple):
    """What came of one endpoint. `position` counts the endpoints from the start of the whole list."""

    position: int
    endpoint: Endpoint
    outcome: Look

    @property
    def starttls(self) -> str:
        """The protocol in which TLS began, empty for none."""
        return protocol_of(self.endpoint)


@dataclass(frozen=True)
class Progress:
    """Where a sweep is. A sweep that starts at index `done` misses nothing that this one has not given out; `ended`
    counts what it has. `rate` in endpoints a second of late; `seconds_left` None while nobody can tell."""

    done: int
    ended: int
    total: int
    connected: int
    found: int
    rate: float
    seconds_left: float | None
    failures: dict[str, int]


def protocol_of(endpoint: Endpoint) -> str:
    """The protocol in which TLS begins at an endpoint: as it says, or what is usual on its port; empty for none."""
    return DEFAULT_PORTS.get(endpoint.port, "") if endpoint.starttls is None else endpoint.starttls


class Sweep:
    """One run over endpoints. Not thread-safe, but for `stop`."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        total: int,
        start: int = 0,
        limits: Limits = _USUAL,
        syn: bool = False,
        clock: Callable[[], float] = time.monotonic,
        each_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """`endpoints` begin at index `start` of `total`; `each_turn` is the loop's. `syn` asks for SYNs of our own; see
        `by_syn`. An address may then take `limits.connect_s` to answer, and the rate counts SYNs and connections."""
        self._endpoints = iter(endpoints)
        self._total = total
        self._next = start
        self._clock = clock
        self._each_turn = each_turn
        self._limits = limits
        self._knocker = open_knocker() if syn else None
        self._stopped = False
        self._loop = Loop(limits, clock=clock, each_turn=each_turn)
        self._open: dict[int, Endpoint] = {}  # in the order in which they were drawn
        self._again: deque[Dial[Chain]] = deque()
        self._hung_up: dict[int, Failed] = {}  # by index: what counts unless TLS 1.3 brings a chain
        self._knocking = False
        self._absent: deque[Sighting] = deque()  # ended and not given out
        self._look_by_tls13 = looks()
        self._ended = self._connected = self._found = 0
        self._failures: Counter[Failure] = Counter()
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def by_syn(self) -> bool:
        """Whether it sends SYNs of its own; False also where that was asked for and this process may not."""
        return self._knocker is not None

    def run(self) -> Iterator[Sighting]:
        """Looks, and yields each result as it comes: in no order, each index once."""
        self._marks.append((self._clock(), 0))
        drawn = self._drawn()
        if self._knocker is None:
            yield from self._look(drawn)
            return
        try:
            while not self._stopped and (block := dict(islice(drawn, self._block()))):
                self._knocking = True
                there = self._knock(self._knocker, block)
                while self._knocking and not self._stopped:
                    yield from self._look(there)
                    time.sleep(_PAUSE_S)
        finally:
            self._knocker.close()

    def stop(self) -> None:
        """Ends the run at once: open looks end as `stopped` and count as not done."""
        self._stopped = True
        self._loop.stop()

    def _drawn(self) -> Iterator[tuple[int, Endpoint]]:
        for endpoint in self._endpoints:
            index = self._next
            self._next = index + 1
            self._open[index] = endpoint
            yield index, endpoint

    def _look(self, drawn: Iterator[tuple[int, Endpoint] | None]) -> Iterator[Sighting]:
        for dial, outcome in self._loop.run(self._dials(drawn)):
            while self._absent:
                yield self._absent.popleft()
            index, first = cast("tuple[int, bool]", dial.tag)
            if outcome is REFUSED and first:  # most of a scan is this
                yield self._end(index, REFUSED)
                continue
            if isinstance(outcome, Failed) and outcome.failure is Failure.STOPPED:
                continue  # it stays open: whoever goes on looks again
            if first and isinstance(outcome, Failed) and _wants_tls13(outcome):
                self._again.append(self._second(index))
                if outcome.failure is not Failure.ALERT:
                    self._hung_up[index] = outcome
                continue
            before = self._hung_up.pop(index, None)
            yield self._end(index, before if before is not None and isinstance(outcome, Failed) else outcome)
        while self._absent:
            yield self._absent.popleft()

    def _block(self) -> int:
        """How many endpoints to knock at in one go: with a rate, as many as it allows while one waits."""
        rate = self._limits.rate
        return int(min(_KNOCKS, max(64, rate * self._limits.connect_s))) if rate else _KNOCKS

    def _knock(self, knocker: Knocker, block: dict[int, Endpoint]) -> Iterator[tuple[int, Endpoint] | None]:
        """Those that are to be connected to, as soon as they are known; the others are ended. None while one waits."""
        places: dict[tuple[str, int], list[int]] = {}
        for index, endpoint in block.items():
            if ":" in endpoint.address:
                yield index, endpoint
            else:
                places.setdefault((endpoint.address, endpoint.port), []).append(index)

        def stopped() -> bool:
            self._each_turn()
            return self._stopped

        answers = knock_at(
            knocker,
            places,
            wait_s=self._limits.connect_s,
            may_send=self._loop.may_dial,
            stopped=stopped,
            clock=self._clock,
        )
        for answer in answers:
            if answer is None:
                yield None
                continue
            place, is_open = answer
            for index in places[place]:
                if is_open:
                    yield index, block[index]
                else:
                    self._absent.append(self._end(index, _SILENT if is_open is None else REFUSED))
        self._knocking = False

    def progress(self) -> Progress:
        """How far it is."""
        now = self._clock()
        self._marks.append((now, self._ended))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _RATED_OVER_S:
            self._marks.popleft()
        since, ended = self._marks[0]
        rate = (self._ended - ended) / (now - since) if now > since else 0.0
        left = self._total - self._next + len(self._open)
        done = next(iter(self._open), self._next)
        seconds = left / rate if rate else (None if left else 0.0)
        failures = {failure.value: count for failure, count in sorted(self._failures.items())}
        return Progress(done, self._ended, self._total, self._connected, self._found, rate, seconds, failures)

    def _dials(self, drawn: Iterator[tuple[int, Endpoint] | None]) -> Iterator[Dial[Chain] | None]:
        """First looks; second ones as soon as they are known. None when only such can still come."""
        kind: tuple[object, ...] = ()
        talk: Callable[[], Conversation[Chain]] = partial(read_chain, b"")
        for one in drawn:
            while self._again:
                yield self._again.popleft()
            if one is None:
                yield None
                continue
            index, endpoint = one
            if kind != endpoint[1:]:  # of thousands in a row only the address differs
                kind, talk = endpoint[1:], self._first(endpoint)
            yield Dial(endpoint[0], endpoint[1], talk, (index, True))
        while True:
            yield self._again.popleft() if self._again else None

    def _first(self, endpoint: Endpoint) -> Callable[[], Conversation[Chain]]:
        return _behind_starttls(endpoint, partial(read_chain, _hello(endpoint.server_name)))

    def _second(self, index: int) -> Dial[Chain]:
        endpoint = self._open[index]
        talk = partial(self._look_by_tls13, endpoint.server_name)
        return Dial(endpoint.address, endpoint.port, _behind_starttls(endpoint, talk), (index, False))

    def _end(self, index: int, outcome: Look) -> Sighting:
        endpoint = self._open.pop(index)
        self._ended += 1
        if not isinstance(outcome, Failed):
            outcome = _checked(outcome)
        if isinstance(outcome, Failed):
            self._failures[outcome.failure] += 1
            self._connected += outcome.connected
        else:
            self._connected += 1
            self._found += 1
        return Sighting(index, endpoint, outcome)


@lru_cache(maxsize=64)
def _hello(server_name: str | None) -> bytes:
    return ClientHello(_SUITES, TLS12, server_name, _GROUPS, _SIGNATURES).pack()


def _behind_starttls(endpoint: Endpoint, talk: Callable[[], Conversation[Chain]]) -> Callable[[], Conversation[Chain]]:
    protocol = protocol_of(endpoint)
    return partial(after_starttls, protocol, talk) if protocol else talk


def _wants_tls13(outcome: Failed) -> bool:
    """Whether the refusal may mean: not that version. Servers word it in many ways, and some just hang up."""
    if outcome.failure in (Failure.CLOSED, Failure.RESET):
        return outcome.connected
    return outcome.failure is Failure.ALERT and outcome.alert != UNRECOGNIZED_NAME


def _checked(chain: Chain) -> Look:
    """The chain, if what came is at least DER of the length that it says (RFC 5280 §4.1); reading it is for others."""
    for der in chain.certificates:
        if not _is_sequence(der):
            return Failed(Failure.BAD_CERTIFICATE, "what was shown as a certificate is none", connected=True)
    return chain


def _is_sequence(der: bytes) -> bool:
    if len(der) < 2 or der[0] != 0x30:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    count = der[1] & 0x7F
    return 1 <= count <= 3 and len(der) == 2 + count + int.from_bytes(der[2 : 2 + count], "big")
