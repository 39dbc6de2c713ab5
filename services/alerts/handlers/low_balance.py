# SPDX-License-Identifier: Apache-2.0
"""The alert about a deposit that runs low: raised once, resolved when it is filled up."""

from __future__ import annotations

from typing import NamedTuple

from services.alerts.handlers.lasting import About, is_open, settle
from services.alerts.handlers.watching import listened_rule
from services.alerts.model import low_balance
from services.alerts.projections import watching as store
from shared.clock import derived_id
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
    wanted = store.rule_of(uow.connection, event.account_id).low_balance is not None
    if wanted or is_open(uow, alert_of(event.account_id)):
        ask(uow, event.account_id)


def ask(uow: UnitOfWork, account_id: str) -> None:
    """Has billing asked for the balance; of many movements in a row the last one counts."""
    uow.schedule("look_at_balance", account_id, {"account_id": account_id})


def review(uow: UnitOfWork, seen: Seen) -> None:
    """Raises or resolves the alert, whatever is due now."""
    rule = listened_rule(uow.connection, seen.account_id)
    text = ""
    if seen.balance is not None and rule.low_balance is not None and low_balance.is_low(seen.balance, rule.low_balance):
        text = low_balance.sentence(seen.balance, rule.low_balance, seen.currency)
    about = About(alert_of(seen.account_id), seen.account_id, low_balance.KIND, low_balance.SEVERITY)
    settle(uow, about, text, told=rule.email)
