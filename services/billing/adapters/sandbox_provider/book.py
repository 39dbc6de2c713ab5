# SPDX-License-Identifier: Apache-2.0
"""What the sandbox provider remembers: payments, movements of money, notices to deliver. One SQLite file."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from services.billing.adapters.sandbox_provider.cards import Card, Fault
from shared.clock import Clock, SystemClock

EXPIRES_S = 24 * 3600

SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, label TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL, return_url TEXT NOT NULL, webhook_url TEXT NOT NULL, status TEXT NOT NULL,
    reason TEXT NOT NULL, fault TEXT NOT NULL, created_at REAL NOT NULL, payer TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS movements (
    idempotency_key TEXT PRIMARY KEY, intent_id TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, notice_id TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL,
    attempts INTEGER NOT NULL, due_at REAL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class RefusedError(Exception):
    """A request that breaks a rule; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class IntentRow:
    """A payment. `status`: pending, requires_action, captured, declined, expired."""

    id: str
    idempotency_key: str
    order_id: str
    label: str
    amount: int
    currency: str
    return_url: str
    webhook_url: str
    status: str
    reason: str
    fault: str
    created_at: float
    payer: str  # JSON, or empty

    @property
    def open(self) -> bool:
        """Whether it can still be paid."""
        return self.status in {"pending", "requires_action"}


COLUMNS = ", ".join(field.name for field in fields(IntentRow))


@dataclass(frozen=True)
class Delivery:
    """A notice on its way."""

    number: int
    notice_id: str
    url: str
    body: str
    attempts: int


class Book:
    """Every method is one transaction."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.executescript(SCHEMA)
            if "payer" not in {row[1] for row in db.execute("PRAGMA table_info(intents)")}:
                db.execute("ALTER TABLE intents ADD COLUMN payer TEXT NOT NULL DEFAULT ''")

    def _now(self) -> float:
        return self._clock.now().timestamp()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.commit()
        finally:
            db.close()

    def fact(self, name: str, value: str | None = None) -> str:
        """A remembered text such as a secret; `value` is kept when there is none yet."""
        with self._open() as db:
            if value is not None:
                db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def keep_fact(self, name: str, value: str) -> None:
        """Remembers a text, whatever it was before."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def create(
        self,
        *,
        key: str,
        order_id: str,
        label: str,
        amount: int,
        currency: str,
        return_url: str,
        webhook_url: str,
        payer: dict[str, str] | None = None,
    ) -> IntentRow:
        """A new payment, or the one that `key` made. Raises RefusedError 422 when it was made with other parameters."""
        wanted = (order_id, label, amount, currency, return_url, webhook_url)
        who = json.dumps(payer, sort_keys=True) if payer else ""
        with self._open() as db:
            found = self._find(db, "idempotency_key", key)
            if found is not None:
                had = (
                    found.order_id,
                    found.label,
                    found.amount,
                    found.currency,
                    found.return_url,
                    found.webhook_url,
                )
                if (*had, found.payer) != (*wanted, who):
                    raise RefusedError(422, "This idempotency key was used with other parameters.")
                return found
            intent_id = "pi_" + secrets.token_urlsafe(24)
            row = (intent_id, key, *wanted, "pending", "", "", self._now(), who)
            db.execute(f"INSERT INTO intents ({COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - constants
            return IntentRow(*row)

    def get(self, intent_id: str) -> IntentRow:
        """A payment; one that nobody paid for a day expires here. Raises RefusedError 404."""
        with self._open() as db:
            return self._current(db, intent_id)

    def _current(self, db: sqlite3.Connection, intent_id: str) -> IntentRow:
        found = self._find(db, "id", intent_id)
        if found is None:
            raise RefusedError(404, "There is no such payment.")
        if found.open and found.created_at + EXPIRES_S < self._now():
            self._set(db, intent_id, "expired", "The payment page expired.")
            found = self._find(db, "id", intent_id)
        assert found is not None  # noqa: S101 - rows are never deleted
        return found

    def _find(self, db: sqlite3.Connection, column: str, value: str) -> IntentRow | None:
        row = db.execute(f"SELECT {COLUMNS} FROM intents WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - constants
        return IntentRow(*row) if row else None

    def _set(self, db: sqlite3.Connection, intent_id: str, status: str, reason: str = "") -> None:
        db.execute("UPDATE intents SET status = ?, reason = ? WHERE id = ?", (status, reason, intent_id))

    def confirm(self, intent_id: str, card: Card, base_url: str) -> tuple[IntentRow, bool]:
        """What a card does to an open payment, and whether the page is to answer with an error this time.

        A payment that is final stays as it is: a form sent twice takes the money once.
        """
        with self._open() as db:
            intent = self._current(db, intent_id)
            if not intent.open:
                return intent, False
            if card.fault is Fault.ERROR_THEN_OK and intent.fault != card.fault:
                db.execute("UPDATE intents SET fault = ? WHERE id = ?", (card.fault, intent_id))
                return intent, True
            db.execute("UPDATE intents SET fault = ? WHERE id = ?", (card.fault, intent_id))
            if card.decline:
                self._finish(db, intent_id, "declined", card.decline, base_url)
            elif card.authenticate:
                self._set(db, intent_id, "requires_action")
            else:
                self._finish(db, intent_id, "captured", "", base_url)
            return self._current(db, intent_id), False

    def authenticate(self, intent_id: str, *, approve: bool, base_url: str) -> IntentRow:
        """The bank's page was answered. Raises RefusedError 409 when nothing waits for it."""
        with self._open() as db:
            intent = self._current(db, intent_id)
            if intent.status == "requires_action":
                status, reason = ("captured", "") if approve else ("declined", "The bank did not confirm the payment.")
                self._finish(db, intent_id, status, reason, base_url)
            elif intent.open:
                raise RefusedError(409, "Enter a card first.")
            return self._current(db, intent_id)

    def _finish(self, db: sqlite3.Connection, intent_id: str, status: str, reason: str, base_url: str) -> None:
        self._set(db, intent_id, status, reason)
        intent = self._current(db, intent_id)
        now = self._now()
        if status == "captured":
            row = (f"capture:{intent_id}", intent_id, "capture", intent.amount, intent.currency, now)
            db.execute("INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?)", row)
        if intent.fault == Fault.WEBHOOK_NEVER:
            return
        notice = {"type": f"payment.{status}", "timestamp": now, "data": describe(intent, base_url)}
        notice_id = "msg_" + secrets.token_urlsafe(16)
        for _ in range(2 if intent.fault == Fault.WEBHOOK_TWICE else 1):
            db.execute(
                "INSERT INTO deliveries (notice_id, url, body, attempts, due_at) VALUES (?, ?, ?, 0, ?)",
                (notice_id, intent.webhook_url, json.dumps(notice), now),
            )

    def refund(self, intent_id: str, *, key: str, amount: int) -> None:
        """Gives a captured payment back, once per key. Raises RefusedError 404, 409 or 422."""
        with self._open() as db:
            intent = self._current(db, intent_id)
            known = db.execute("SELECT intent_id, amount FROM movements WHERE idempotency_key = ?", (key,)).fetchone()
            if known is not None:
                if known != (intent_id, amount):
                    raise RefusedError(422, "This idempotency key was used with other parameters.")
                return
            total = "SELECT coalesce(sum(amount), 0) FROM movements WHERE intent_id = ? AND kind = 'refund'"
            refunded: int = db.execute(total, (intent_id,)).fetchone()[0]
            if intent.status != "captured" or amount <= 0 or refunded + amount > intent.amount:
                raise RefusedError(422, "Nothing or not as much was captured.")
            row = (key, intent_id, "refund", amount, intent.currency, self._now())
            db.execute("INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?)", row)

    def movements(self) -> list[dict[str, Any]]:
        """Every capture and refund, in order: what a ledger is reconciled with."""
        with self._open() as db:
            rows = db.execute("SELECT intent_id, kind, amount, currency FROM movements ORDER BY at, rowid").fetchall()
        return [dict(zip(("intent_id", "kind", "amount", "currency"), row, strict=True)) for row in rows]

    def due(self) -> list[Delivery]:
        """Notices whose time has come."""
        query = (
            "SELECT number, notice_id, url, body, attempts FROM deliveries WHERE due_at <= ? ORDER BY number LIMIT 20"
        )
        with self._open() as db:
            return [Delivery(*row) for row in db.execute(query, (self._now(),))]

    def delivered(self, delivery: Delivery, again_after_s: float | None) -> None:
        """A notice was accepted or given up (None), or is to be sent again after so many seconds."""
        due_at = None if again_after_s is None else self._now() + again_after_s
        with self._open() as db:
            db.execute(
                "UPDATE deliveries SET attempts = attempts + 1, due_at = ? WHERE number = ?", (due_at, delivery.number)
            )


def describe(intent: IntentRow, base_url: str) -> dict[str, Any]:
    """A payment as programs see it."""
    return {
        "id": intent.id,
        "order_id": intent.order_id,
        "idempotency_key": intent.idempotency_key,
        "status": intent.status,
        "amount": intent.amount,
        "currency": intent.currency,
        "checkout_url": f"{base_url}/pay/{intent.id}",
        "reason": intent.reason,
    }
