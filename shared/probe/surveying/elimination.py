# SPDX-License-Identifier: Apache-2.0
"""Finds out what a server accepts, and in which order: offer all, take out what it chose, offer the rest again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable, Generic, TypeVar

from shared.probe.conversation import Outcome
from shared.probe.outcome import Failed, Failure
from shared.probe.surveying.inquiry import Inquiry, together

K = TypeVar("K")
Choose = Callable[[tuple[K, ...]], Inquiry[Outcome[K]]]
SERVER, CLIENT, UNKNOWN = "server", "client", "unknown"

# A server refuses an offer by an alert, or hangs up on it. All else tells nothing of the offer.
_REFUSALS = frozenset((Failure.ALERT, Failure.CLOSED, Failure.RESET))


@dataclass(frozen=True)
class Found(Generic[K]):
    """What was accepted, in the order in which the server chose; `lacking` says why the search ended before its end,
    and is empty where it did not."""

    accepted: tuple[K, ...]
    lacking: str = ""


def refused(outcome: Failed) -> bool:
    """Whether the server looked at the offer and wanted none of it."""
    return outcome.failure in _REFUSALS


def eliminate(choose: Choose[K], candidates: Sequence[K]) -> Inquiry[Found[K]]:
    """Offers the candidates until the server wants none of those that are left."""
    left = list(candidates)
    accepted: list[K] = []
    while left:
        chosen = yield from choose(tuple(left))
        if isinstance(chosen, Failed):
            return Found(tuple(accepted), "" if refused(chosen) else f"{chosen.failure.value}: {chosen.detail}")
        if chosen not in left:
            return Found(tuple(accepted), "the server chose what was not offered")
        accepted.append(chosen)
        left.remove(chosen)
    return Found(tuple(accepted))


def eliminate_each(choose: Choose[K], chunks: Sequence[Sequence[K]]) -> Inquiry[list[Found[K]]]:
    """The same in several chunks side by side."""
    found = yield from together(*(eliminate(choose, chunk) for chunk in chunks))
    return [one if isinstance(one, Found) else Found((), str(one.detail)) for one in found]


def rank(
    choose: Choose[K], lists: Sequence[Sequence[K]], usual: Callable[[K], int]
) -> Inquiry[tuple[str, tuple[K, ...]]]:
    """Who decides between things that are all accepted, and the order of a server that does.

    `lists` are in the order in which the server chose, `usual` places things as most servers do. That guess is checked
    by offering each two neighbours in the wrong order, all at once; where it is wrong, one after the other is asked.
    """
    everything = _merged(lists, usual)
    if len(everything) < 2:
        return UNKNOWN, everything
    forward, backward = yield from together(choose(everything), choose(everything[::-1]))
    if forward == everything[0] and backward == everything[-1]:
        return CLIENT, everything
    if isinstance(forward, Failed) or forward != backward:
        return UNKNOWN, everything
    neighbours = list(zip(everything, everything[1:]))
    chosen = yield from together(*(choose((second, first)) for first, second in neighbours))
    if all(one == first for one, (first, _) in zip(chosen, neighbours)):
        return SERVER, everything
    found = yield from eliminate(choose, everything[::-1])
    rest = tuple(one for one in everything if one not in found.accepted)
    return (UNKNOWN if rest else SERVER), found.accepted + rest


def _merged(lists: Sequence[Sequence[K]], usual: Callable[[K], int]) -> tuple[K, ...]:
    waiting = [list(one) for one in lists if one]
    merged: list[K] = []
    while waiting:
        first = min(waiting, key=lambda one: usual(one[0]))
        merged.append(first.pop(0))
        waiting = [one for one in waiting if one]
    return tuple(merged)
