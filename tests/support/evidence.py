# SPDX-License-Identifier: Apache-2.0
"""Looks into every database of a cluster from outside: what is wrong with an order, or with history, in sentences."""

from __future__ import annotations

import sqlite3
import time

import sqlalchemy as sa

from certwright.commands.history import room_of
from certwright.rooms import ROOMS
from services.billing.model.ledger import CARD_CLEARING
from services.billing.tables import balances
from shared.eventsourcing.envelope import Cursor
from shared.eventstore import rebuild, verify
from shared.settings import Settings

ONCE = {
    "orders": ("OrderPlaced", "OrderPaid", "IssuanceRequested", "CertIssued", "CertInstalled"),
    "billing": ("ChargeOpened", "PaymentCaptured"),
    "ca": ("IssuanceAccepted", "CertificateSigned"),
}


class Evidence:
    """The rooms of a cluster without their services, and the payment provider's own book."""

    def __init__(self, cluster):
        environment = cluster.operator_environment()
        settings = Settings(database_url=environment["DATABASE_URL"], data_dir=cluster.folder / "evidence")
        self.rooms = {name: room_of(name, settings) for name in ROOMS}
        self.book = cluster.folder / "data" / "billing" / "sandbox_provider.sqlite3"

    def discovered(self, order):
        """Whether discovery has heard of the order's certificate."""
        self._reconnect()
        fingerprint = order["certificate"]["fingerprint_sha256"]
        return any(event.data.get("fingerprint_sha256") == fingerprint for event in self._events("discovery"))

    def _reconnect(self):
        for room, _ in self.rooms.values():
            room.database.close()  # the server may have been another one meanwhile

    def against(self, order, *, installed=True, source="card"):
        """Everything that should not be, as sentences. `source` is what paid for the order: card or funds."""
        self._reconnect()
        events = {name: list(self._events(name)) for name in ROOMS}
        return [
            *self._effects(order, events, unseen=() if installed else ("CertInstalled",)),
            *self._money(order if source == "card" else None),
            *self._source(order, events, source),
            *self._accounts(order, events),
            *self._history(),
            *self._dead_letters(),
        ]

    def _events(self, name):
        room, _ = self.rooms[name]
        cursor = Cursor()
        while True:
            batch = room.log.read(cursor, 1000)
            yield from batch.entries
            cursor = batch.cursor
            if not batch.entries:
                if not room.log.backlog(cursor).events:
                    return
                time.sleep(0.02)  # an older transaction still hides what was committed after it began

    def _effects(self, order, events, *, unseen):
        for service, names in ONCE.items():
            mine = [e.type for e in events[service] if e.data.get("order_id") == order["order_id"]]
            for name in names:
                if name not in unseen and mine.count(f"{service}.{name}") != 1:
                    yield f"{service}.{name} happened {mine.count(f'{service}.{name}')} times: {mine}"
        signed = [e for e in events["ca"] if e.type == "ca.CertificateSigned"]
        fingerprint = order["certificate"]["fingerprint_sha256"]
        seen = [e for e in events["discovery"] if e.data.get("fingerprint_sha256") == fingerprint]
        if len(seen) != 1:
            yield f"the certificate was discovered {len(seen)} times"
        if len({e.data["serial"] for e in signed}) != len(signed):
            yield "a serial number was used twice"

    @staticmethod
    def _source(order, events, source):
        mine = [e for e in events["billing"] if e.data.get("order_id") == order["order_id"]]
        paid = [(e.data["source"], e.data["amount"]) for e in mine if e.type == "billing.PaymentCaptured"]
        if paid != [(source, order["amount"])]:
            yield f"paid was {paid}, not {order['amount']} by {source}"

    def _money(self, order):
        """The provider's book and the ledger agree; with an order, its price was taken from the card once."""
        db = sqlite3.connect(self.book)
        try:
            captures = self._captures(db, order) if order else []
            kept = db.execute(
                "SELECT coalesce(sum(CASE kind WHEN 'capture' THEN amount ELSE -amount END), 0) FROM movements"
            ).fetchone()[0]
        finally:
            db.close()
        if order and captures != [(order["amount"], order["currency"])]:
            yield f"the provider took {captures} for {order['amount']} {order['currency']}"
        room, _ = self.rooms["billing"]
        with room.query() as connection:
            booked = connection.execute(
                sa.select(sa.func.sum(balances.c.amount)).where(balances.c.ledger_account == CARD_CLEARING)
            ).scalar()
        if booked != kept:
            yield f"the ledger has {booked} from cards, the provider's book {kept}"

    @staticmethod
    def _captures(db, order):
        return db.execute(
            "SELECT m.amount, m.currency FROM movements m JOIN intents i ON i.id = m.intent_id "
            "WHERE i.order_id = ? AND m.kind = 'capture'",
            (order["order_id"],),
        ).fetchall()

    def _accounts(self, order, events):
        for name in ROOMS:
            for event in events[name]:
                if event.data.get("order_id") == order["order_id"]:
                    owner = event.metadata.get("account_id")
                    if owner != order["account_id"]:
                        yield f"{event.type} carries the account {owner}"

    def _history(self):
        for name, (room, checks) in self.rooms.items():
            yield from (f"{name}: {fault}" for fault in verify.verify(room.database, checks).faults)
            yield from (f"{name}: {difference}" for difference in rebuild.check(room).differences)

    def _dead_letters(self):
        for name, (room, _) in self.rooms.items():
            for letter in room.dead_letters.list().items:
                yield f"{name}: dead letter {letter.name} {letter.subject}: {letter.error[-1500:]}"
