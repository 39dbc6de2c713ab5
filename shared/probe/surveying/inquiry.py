# SPDX-License-Identifier: Apache-2.0
"""Many questions to one server at once. A question may need several connections, one after the other or side by side.

An inquiry is a generator: it yields an `Ask` (one fresh connection) and gets the outcome, or a `Together` (further
inquiries, held side by side) and gets the list of their results. `Inquirer` holds all of them over one `Loop`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, TypeVar, cast

from shared.probe.conversation import Conversation, Dial, Outcome, T
from shared.probe.loop import Limits, Loop
from shared.probe.outcome import Failed, Failure, ProbeError

K = TypeVar("K")
Inquiry = Generator[Any, Any, K]
Opening = Callable[[Callable[[], Conversation[Any]]], Conversation[Any]]

_FRUITLESS = frozenset((Failure.NOT_TLS, Failure.TIMEOUT, Failure.NO_STARTTLS, Failure.TOO_LONG, Failure.MALFORMED))
_HUNG_UP = frozenset((Failure.RESET, Failure.CLOSED))
_NO_WAY_IN = frozenset((Failure.REFUSED, Failure.TIMEOUT, Failure.UNREACHABLE))
# So many outcomes of one such kind, and nothing else, mean that the rest would end likewise.
_ENOUGH = 6
# A server that hung up so often on a connection that was alone does so on purpose, and is not asked twice any more.
_CONFIRMED = 3
_RETRIES = 3


@dataclass(frozen=True)
class Ask(Generic[T]):
    """One conversation on a connection of its own. `what` is for whoever watches. `port` other than 0 is another port
    of the same address, where no STARTTLS is said."""

    talk: Callable[[], Conversation[T]]
    what: str
    port: int = 0


@dataclass(frozen=True)
class Together:
    """Inquiries to hold side by side."""

    inquiries: Sequence[Inquiry[Any]]


def ask(what: str, talk: Callable[[], Conversation[T]], port: int = 0) -> Inquiry[Outcome[T]]:
    """The outcome of one conversation."""
    return cast("Outcome[T]", (yield Ask(talk, what, port)))


def together(*inquiries: Inquiry[Any]) -> Inquiry[list[Any]]:
    """The results of all, in this order; an inquiry that broke by ProbeError has the `Failed` of it as its result."""
    return cast("list[Any]", (yield Together(inquiries)))


class _Task:
    """An inquiry under way, and where its result belongs."""

    def __init__(self, inquiry: Inquiry[Any], parent: _Task | None, place: int) -> None:
        self.inquiry = inquiry
        self.parent = parent
        self.place = place
        self.results: list[Any] = []
        self.missing = 0


@dataclass
class _Wish:
    task: _Task
    asked: Ask[Any]
    tries: int = 0
    not_before: float = 0.0
    alone: bool = False
    among: int = 0  # how many connections were allowed when it began


@dataclass
class Inquirer:
    """Holds inquiries with `address:port`, at most `at_once` connections at a time, until `deadline_s` (of `clock`) or
    until `stopped` says True.

    A server that refuses or resets what it answered before is asked again with fewer connections at once, down to one.
    What the deadline cuts gets `Failure.STOPPED`, so that every inquiry ends by itself and can say what it lacks.
    """

    address: str
    port: int
    limits: Limits = field(default_factory=Limits)
    at_once: int = 12
    deadline_s: float = 30.0
    opening: Opening | None = None
    progress: Callable[[int, int, str], None] | None = None
    stopped: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    connections: int = 0
    _ready: deque[tuple[_Task, Any]] = field(default_factory=deque)
    _wishes: deque[_Wish] = field(default_factory=deque)
    _alone: deque[_Wish] = field(default_factory=deque)  # to be asked while nothing else is
    _solo: bool = False
    _throttles: bool = False
    _open: int = 0
    _done: int = 0
    _connected: bool = False
    _fruitful: bool = False
    _fruitless: dict[Failure, int] = field(default_factory=dict)
    _confirmed: int = 0
    _hopeless: Failed | None = None
    _result: Any = None

    def hold(self, inquiry: Inquiry[K]) -> K:
        """The result of the inquiry and all that it asks for. Raises what its code raises, never for the network."""
        self._ends_at = self.clock() + self.deadline_s
        self._result = Failed(Failure.STOPPED, "nothing was asked")
        self._ready.append((_Task(inquiry, None, 0), None))
        self._advance()
        while self._wishes or self._alone:
            self._loop = Loop(self.limits, clock=self.clock)
            for dial, outcome in self._loop.run(_Dials(self._next_dial)):
                self._open -= 1
                self._take(cast("_Wish", dial.tag), outcome)
                self._advance()
            if self._over():
                self._drop(
                    Failed(
                        Failure.STOPPED, "the survey was stopped" if self.stopped() else "the survey's time was over"
                    )
                )
            elif self._wishes:
                time.sleep(max(0.0, self._wishes[0].not_before - self.clock()))
        return cast("K", self._result)

    @property
    def hopeless(self) -> Failed | None:
        """Why nothing more was asked, where the server gave no hope of an answer."""
        return self._hopeless

    def _over(self) -> bool:
        return self.stopped() or self.clock() >= self._ends_at

    def _next_dial(self) -> Dial[Any] | None:
        if self._over():
            self._loop.stop()
            return None
        if self._alone:
            if self._open:
                return None
            wish = self._alone.popleft()
            self._solo = True
        elif self._solo or not self._wishes or self._open >= self.at_once or self._wishes[0].not_before > self.clock():
            return None
        else:
            wish = self._wishes.popleft()
        self._open += 1
        wish.among = self.at_once
        self.connections += 1
        talk = wish.asked.talk
        if self.opening is not None and not wish.asked.port:
            opening, then = self.opening, talk

            def talk() -> Conversation[Any]:
                return opening(then)

        return Dial(self.address, wish.asked.port or self.port, talk, wish)

    def _take(self, wish: _Wish, outcome: Outcome[Any]) -> None:
        """Hands an outcome on, unless it looks as if the server had had too much of us."""
        self._solo = False
        if not wish.asked.port and self._judge(wish, outcome):
            wish.tries += 1
            if wish.alone:
                self._alone.append(wish)
            else:
                wish.not_before = self.clock() + 0.05 * 2**wish.tries
                self._wishes.append(wish)
            return
        self._deliver(wish, outcome)
        if self._hopeless is not None:
            self._drop(self._hopeless)

    def _judge(self, wish: _Wish, outcome: Outcome[Any]) -> bool:
        """Whether to ask once more."""
        if not isinstance(outcome, Failed) or outcome.failure is Failure.ALERT:
            if wish.alone:  # the same question has an answer now: it was one of too many
                self._throttles = True
                self._slow_down(wish)
                self._wishes.extendleft(self._relieved())
            self._connected = self._fruitful = True
            return False
        self._connected = self._connected or outcome.connected
        if not outcome.connected and outcome.failure in _NO_WAY_IN:
            if not self._connected:
                self._hopeless = self._hopeless or outcome
                return False
            self._slow_down(wish)
            return wish.tries < _RETRIES
        if outcome.failure in _HUNG_UP:
            if not wish.alone and (self._throttles or self._confirmed < _CONFIRMED):
                wish.alone = True
                return True
            self._confirmed += wish.alone
        if not self._fruitful:
            self._lose_hope(outcome)
        return False

    def _lose_hope(self, outcome: Failed) -> None:
        count = self._fruitless[outcome.failure] = self._fruitless.get(outcome.failure, 0) + 1
        if outcome.failure in _FRUITLESS | _HUNG_UP and count >= _ENOUGH:
            self._hopeless = self._hopeless or outcome

    def _slow_down(self, wish: _Wish) -> None:
        """Halves the connections, once for all those that were begun together."""
        if wish.among <= self.at_once:
            self.at_once = max(1, self.at_once // 2)

    def _relieved(self) -> list[_Wish]:
        """Those that waited to be alone, and may go with the others now that these are fewer."""
        relieved = [wish for wish in self._alone if wish.tries < _RETRIES]
        self._alone = deque(wish for wish in self._alone if wish.tries >= _RETRIES)
        for wish in relieved:
            wish.alone = False
        return relieved

    def _drop(self, failed: Failed) -> None:
        while self._wishes or self._alone:
            self._deliver((self._wishes or self._alone).popleft(), failed)
            self._advance()

    def _deliver(self, wish: _Wish, outcome: Outcome[Any]) -> None:
        self._done += 1
        if self.progress is not None:
            self.progress(self._done, self._done + len(self._wishes) + len(self._alone) + self._open, wish.asked.what)
        self._ready.append((wish.task, outcome))

    def _advance(self) -> None:
        """Lets every inquiry that has its answer go on to its next question."""
        while self._ready:
            task, answer = self._ready.popleft()
            try:
                wanted = task.inquiry.send(answer)
            except StopIteration as end:
                self._finish(task, end.value)
                continue
            except ProbeError as error:
                self._finish(task, error.failed())
                continue
            if isinstance(wanted, Ask):
                self._wishes.append(_Wish(task, wanted))
            else:
                task.results = [None] * len(wanted.inquiries)
                task.missing = len(task.results)
                self._ready.extend((_Task(one, task, place), None) for place, one in enumerate(wanted.inquiries))
                if not task.missing:
                    self._ready.append((task, []))

    def _finish(self, task: _Task, result: Any) -> None:
        parent = task.parent
        if parent is None:
            self._result = result
            return
        parent.results[task.place] = result
        parent.missing -= 1
        if not parent.missing:
            self._ready.append((parent, parent.results))


class _Dials:
    """An iterator that is asked again after it gave None."""

    def __init__(self, draw: Callable[[], Dial[Any] | None]) -> None:
        self._draw = draw

    def __iter__(self) -> _Dials:
        return self

    def __next__(self) -> Dial[Any] | None:
        return self._draw()
