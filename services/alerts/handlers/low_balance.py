# SPDX-License-Identifier: Apache-2.0
"""The alert about a deposit that runs low: raised once, resolved when it is filled up."""

from __future__ import annotations

from typing import NamedTuple

from services.alerts.handlers.watching import listened_rule, notify, record
from services.alerts.model import low_balance
from services.alerts.model.expiry import stream
from services.alerts.projections import watching as store
from shared.clock import derived_id, to_text
from shared.contracts.alerts import AlertRaised, AlertResolved
from shared.contracts.billing import TransactionPosted
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


class Seen(NamedTuple):
    """What billing said of an account's deposit; `balance` None when it has none."""

    account_id: str
    balance: int | None
    currency: str


def alert_of(account_id: str) -> str:
    """The id of the one alert about a deposit."""
    return derived_id(low_balance.KIND, account_id)


def on_transaction_posted(uow: UnitOfWork, envelope: Envelope[TransactionPosted]) -> None:
    """A deposit has moved: it is looked at, where somebody wants to know."""
    event = envelope.data
    if not any(line.account == f"funds:{event.account_id}" for line in event.lines):
        return
    standing = store.standing_of(uow.connection, alert_of(event.account_id))
    wanted = store.rule_of(uow.connection, event.account_id).low_balance is not None
    if wanted or (standing is not None and standing.state != "resolved"):
        ask(uow, event.account_id)


def ask(uow: UnitOfWork, account_id: str) -> None:
    """Has billing asked for the balance; of many movements in a row the last one counts."""
    uow.schedule("look_at_balance", account_id, {"account_id": account_id})


def review(uow: UnitOfWork, seen: Seen) -> None:
    """Raises or resolves the alert, whatever is due now."""
    alert_id = alert_of(seen.account_id)
    uow.lock(stream(alert_id))
    rule = listened_rule(uow.connection, seen.account_id)
    standing = store.standing_of(uow.connection, alert_id)
    open_ = standing is not None and standing.state != "resolved"
    if seen.balance is None or rule.low_balance is None or not low_balance.is_low(seen.balance, rule.low_balance):
        if open_:
            store.keep_alert(uow.connection, alert_id, state="resolved", resolved_at=to_text(uow.now))
            record(uow, AlertResolved(alert_id=alert_id, account_id=seen.account_id))
        return
    text = low_balance.sentence(seen.balance, rule.low_balance, seen.currency)
    if open_:
        store.keep_alert(uow.connection, alert_id, text=text)
        return
    store.keep_alert(
        uow.connection,
        alert_id,
        account_id=seen.account_id,
        fingerprint="",
        kind=low_balance.KIND,
        severity=low_balance.SEVERITY,
        step=0,
        text=text,
        state="open",
        raised_at=to_text(uow.now),
        resolved_at=None,
    )
    raised = AlertRaised(
        alert_id=alert_id,
        account_id=seen.account_id,
        kind=low_balance.KIND,
        fingerprint_sha256="",
        not_after="",
        severity=low_balance.SEVERITY,
    )
    record(uow, raised)
    if rule.email:
        notify(uow, alert_id)
