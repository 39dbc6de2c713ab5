# SPDX-License-Identifier: Apache-2.0
"""Puts the room together from settings; tests and benches put in their own clock, ids and database."""

from __future__ import annotations

from dataclasses import dataclass

from shared.eventstore.migrations import upgrade

from services.orders.projections import projections
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.settings import Settings


@dataclass(frozen=True)
class App:
    """The wired room. Orders needs nothing of the outside world but billing's quote, which its service method asks."""

    room: Room
    settings: Settings


def build(
    settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None, database: Database | None = None
) -> App:
    """Opens the database, brings its tables up to date, and returns the room."""
    database = database or Database.open("orders", settings)
    upgrade(database, projections)
    room = Room("orders", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds())
    return App(room=room, settings=settings)
