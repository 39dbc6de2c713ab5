# SPDX-License-Identifier: Apache-2.0
"""Puts the room together from settings; tests and benches put in their own clock, ids and database."""

from __future__ import annotations

from dataclasses import dataclass

from services.orders.projections import projections
from services.orders.projections.finding import count_by_status, managed_certificates
from services.orders.settings import OrdersSettings
from shared import metrics
from shared.clock import Clock, Ids, RandomIds, SystemClock, from_text
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.settings import Settings


@dataclass(frozen=True)
class App:
    """The wired room. Orders needs nothing of the outside world but billing's quote, which its service method asks."""

    room: Room
    settings: Settings
    replacing: OrdersSettings

    def measure(self) -> None:
        """Brings the metrics of this room up to date; called when somebody scrapes them."""
        with self.room.query() as connection:
            counts = count_by_status(connection)
            managed = managed_certificates(connection)
        metrics.ORDERS.clear()
        for kind, status, count in counts:
            metrics.ORDERS.labels(kind, status).set(count)
        metrics.CERTIFICATE_NOT_AFTER.clear()
        for number, not_after in managed:
            metrics.CERTIFICATE_NOT_AFTER.labels(str(number)).set(from_text(not_after).timestamp())


def build(
    settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None, database: Database | None = None
) -> App:
    """Opens the database and returns the room."""
    database = database or Database.open("orders", settings)
    room = Room("orders", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds())
    return App(room=room, settings=settings, replacing=OrdersSettings())
