# SPDX-License-Identifier: Apache-2.0
"""Puts the inventory together."""

from __future__ import annotations

from dataclasses import dataclass

from services.discovery.projections import projections
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.settings import Settings


@dataclass(frozen=True)
class App:
    """The room; it needs nothing of the outside world yet."""

    room: Room
    settings: Settings


def build(settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None) -> App:
    """Opens the database and returns the room."""
    database = Database.open("discovery", settings)
    room = Room("discovery", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds())
    return App(room=room, settings=settings)
