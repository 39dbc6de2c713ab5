# SPDX-License-Identifier: Apache-2.0
"""Sending mails: the intention is a job, the mail has the same Message-ID however often it is sent."""

from __future__ import annotations

from typing import Any, Protocol

from services.alerts.handlers import low_balance, proof_missing, telling, watching
from services.alerts.model.letter import welcome_letter
from services.alerts.ports import Balances, Contacts, Hooks, Proofs
from services.alerts.projections import watching as store
from shared.clock import from_text
from shared.context import system
from shared.eventstore.jobs import Jobs
from shared.eventstore.room import Room
from shared.mail.message import Mail, Mailer
from shared.sealing import Sealer
from shared.settings import Settings

jobs = Jobs()


class MailingApp(Protocol):
    """What sending needs of the service."""

    room: Room
    settings: Settings
    contacts: Contacts
    balances: Balances
    proofs: Proofs
    mailer: Mailer
    hooks: Hooks
    sealer: Sealer


# Three days of tries: a mail server that is away over a weekend loses no mail.
BACKOFF = (5, 30, 300, 1800, 7200, 14400)


@jobs.kind("mail", attempts=30, backoff=BACKOFF, timeout=120)
def send_mail(app: MailingApp, payload: dict[str, Any]) -> None:
    """Writes to the rule's addresses, or to the account's contact; not when the alert was resolved meanwhile."""
    with app.room.query() as connection:
        row = store.find_alert(connection, payload["alert_id"])
        if row is None or row.state == "resolved" or row.muted:
            return
        rule = store.rule_of(connection, row.account_id)
    if not rule.email:
        return
    at = from_text(payload["at"])
    letter = telling.letter_of(row, payload["at"], app.settings.public_url)
    for number, address in enumerate(rule.addresses or [app.contacts.contact_of(row.account_id).email], 1):
        key = f"alert-{row.alert_id}-{payload['number']}-{number}"
        app.mailer.send(Mail(to=address, subject=letter.headline, text=letter.text, key=key), at)
    app.room.execute(watching.record_notified, row.alert_id, system("alerts", account_id=row.account_id))


@jobs.kind("look_at_balance", attempts=30, backoff=BACKOFF, timeout=60)
def look_at_balance(app: MailingApp, payload: dict[str, Any]) -> None:
    """Asks billing what a deposit holds, and raises or resolves the alert about it."""
    account_id = payload["account_id"]
    found = app.balances.balance_of(account_id)
    seen = low_balance.Seen(account_id, found.balance if found.deposit else None, found.currency)
    app.room.execute(low_balance.review, seen, system("alerts", account_id=account_id))


@jobs.kind(proof_missing.LOOK, attempts=30, backoff=BACKOFF, timeout=60)
def look_at_proofs(app: MailingApp, payload: dict[str, Any]) -> None:
    """Asks validation what an order still has to prove, and raises or resolves the alert about it."""
    account_id, order_id = payload["account_id"], payload["order_id"]
    missing = app.proofs.missing(account_id, order_id, payload["csr_version"])
    seen = proof_missing.Seen(account_id, order_id, missing)
    app.room.execute(proof_missing.review, seen, system("alerts", account_id=account_id))


@jobs.kind("welcome", attempts=30, backoff=BACKOFF, timeout=120)
def send_welcome(app: MailingApp, payload: dict[str, Any]) -> None:
    """Tells the contact of a new account the order number that opens the sign-in."""
    account_id = payload["account_id"]
    contact = app.contacts.contact_of(account_id)
    letter = welcome_letter(contact, payload["order_number"], url=app.settings.public_url)
    key = f"welcome-{account_id}"
    app.mailer.send(
        Mail(to=contact.email, subject=letter.headline, text=letter.text, key=key), from_text(payload["at"])
    )


@jobs.kind(telling.JOB, attempts=30, backoff=BACKOFF, timeout=60)
def deliver(app: MailingApp, payload: dict[str, Any]) -> None:
    """One alert, or a day's, over one channel."""
    telling.deliver(app, payload)
