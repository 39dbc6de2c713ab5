# SPDX-License-Identifier: Apache-2.0
"""A read model: tables, and one function per event that keeps them. Applied in the transaction of the events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event

F = TypeVar("F", bound=Callable[[sa.Connection, Envelope[Any]], None])


class Projections:
    """`metadata` holds folded tables, which `rebuild` empties, folds again and compares; `state` holds tables that are
    written by handlers directly and are no function of the log.

    The functions see the envelope without its cursor, because a place in the log is known only after the commit.

    >>> projections = Projections()
    >>> orders = sa.Table("orders", projections.metadata, ...)
    >>> @projections.on(OrderPlaced)
    ... def _placed(connection: sa.Connection, envelope: Envelope[OrderPlaced]) -> None: ...
    """

    def __init__(self) -> None:
        self.metadata = sa.MetaData()
        self.state = sa.MetaData()
        self._steps: dict[type[Event], list[Callable[[sa.Connection, Envelope[Any]], None]]] = {}

    def on(self, *event_types: type[Event]) -> Callable[[F], F]:
        """Registers a function for event types; several functions of one type run in the order of registration."""

        def register(step: F) -> F:
            for event_type in event_types:
                self._steps.setdefault(event_type, []).append(step)
            return step

        return register

    def apply(self, connection: sa.Connection, envelopes: Iterable[Envelope[Any]]) -> None:
        """Folds `envelopes` into the tables through `connection`."""
        steps = self._steps
        for envelope in envelopes:
            for step in steps.get(type(envelope.data), ()):
                step(connection, envelope)
