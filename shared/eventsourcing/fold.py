# SPDX-License-Identifier: Apache-2.0
"""State is what is left when events are folded, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from shared.eventsourcing.event import Event

S = TypeVar("S")
E = TypeVar("E", bound=Event)


class Fold(Generic[S]):
    """A table of `(state, event) -> state` functions. They never raise and never validate: history is fact.

    >>> order = Fold(Order)
    >>> @order.on(OrderPaid)
    ... def _paid(state: Order, event: OrderPaid) -> Order: ...
    """

    def __init__(self, initial: Callable[[], S]) -> None:
        self.initial = initial
        self._steps: dict[type[Event], Callable[[S, Any], S]] = {}

    def on(self, event_type: type[E]) -> Callable[[Callable[[S, E], S]], Callable[[S, E], S]]:
        """Registers the step for one event type."""

        def register(step: Callable[[S, E], S]) -> Callable[[S, E], S]:
            self._steps[event_type] = step
            return step

        return register

    def step(self, state: S, fact: Event) -> S:
        """Folds one event onto `state`."""
        step = self._steps.get(type(fact))
        return state if step is None else step(state, fact)

    def __call__(self, events: Iterable[Event], state: S | None = None) -> S:
        """Folds `events` onto `state` (or the initial state). Types without a step leave it as it is."""
        current = self.initial() if state is None else state
        steps = self._steps
        for fact in events:
            step = steps.get(type(fact))
            if step is not None:
                current = step(current, fact)
        return current
