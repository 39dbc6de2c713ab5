# SPDX-License-Identifier: Apache-2.0
"""Billing's read model: charges, intents, ledger lines with running balances, deposits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.billing.model.ledger import deposit_of, funds
from services.billing.tables import balances, charges, deposits, intents, ledger_lines, projections
from shared.contracts import billing as contract
from shared.eventsourcing.envelope import Envelope


@projections.on(contract.ChargeOpened)
def _opened(connection: sa.Connection, envelope: Envelope[contract.ChargeOpened]) -> None:
    event = envelope.data
    _insert_charge(
        connection,
        envelope.occurred_at,
        order_id=event.order_id,
        number=event.number,
        account_id=event.account_id,
        purpose=event.purpose,
        quote_id=event.quote_id or None,
        amount=event.amount,
        currency=event.currency,
        status="open",
    )


@projections.on(contract.ChargeRefused)
def _refused(connection: sa.Connection, envelope: Envelope[contract.ChargeRefused]) -> None:
    event = envelope.data
    _insert_charge(
        connection,
        envelope.occurred_at,
        order_id=event.order_id,
        account_id=event.account_id,
        status="refused",
        decline_reason=event.reason,
    )


def _insert_charge(connection: sa.Connection, opened_at: str, **values: Any) -> None:
    blank = {
        "number": 0, "purpose": "order", "quote_id": None, "amount": 0, "currency": "", "attempt": 0,
        "checkout_url": "", "decline_reason": "", "source": "", "paid_at": None,
    }  # fmt: skip
    connection.execute(sa.insert(charges), {**blank, "opened_at": opened_at, **values})


def _change(connection: sa.Connection, order_id: str, **values: Any) -> None:
    connection.execute(sa.update(charges).where(charges.c.order_id == order_id).values(**values))


@projections.on(contract.PaymentStarted)
def _started(connection: sa.Connection, envelope: Envelope[contract.PaymentStarted]) -> None:
    event = envelope.data
    _change(connection, event.order_id, status="started", attempt=event.attempt, checkout_url="", decline_reason="")


@projections.on(contract.PaymentIntentCreated)
def _created(connection: sa.Connection, envelope: Envelope[contract.PaymentIntentCreated]) -> None:
    event = envelope.data
    row = {"intent_id": event.intent_id, "order_id": event.order_id, "attempt": event.attempt}
    connection.execute(sa.insert(intents), row)
    current = charges.c.attempt == event.attempt
    connection.execute(
        sa.update(charges).where(charges.c.order_id == event.order_id, current).values(checkout_url=event.checkout_url)
    )


@projections.on(contract.PaymentDeclined)
def _declined(connection: sa.Connection, envelope: Envelope[contract.PaymentDeclined]) -> None:
    event = envelope.data
    _change(connection, event.order_id, status="open", checkout_url="", decline_reason=event.reason)


@projections.on(contract.PaymentCaptured)
def _captured(connection: sa.Connection, envelope: Envelope[contract.PaymentCaptured]) -> None:
    event = envelope.data
    paid = {"source": event.source, "paid_at": envelope.occurred_at}
    _change(connection, event.order_id, status="paid", checkout_url="", decline_reason="", **paid)


@projections.on(contract.ChargeCancelled)
def _cancelled(connection: sa.Connection, envelope: Envelope[contract.ChargeCancelled]) -> None:
    _change(connection, envelope.data.order_id, status="cancelled", checkout_url="")


@projections.on(contract.RefundIssued)
def _refunded(connection: sa.Connection, envelope: Envelope[contract.RefundIssued]) -> None:
    _change(connection, envelope.data.order_id, status="refunded")


@projections.on(contract.DepositOpened)
def _deposit(connection: sa.Connection, envelope: Envelope[contract.DepositOpened]) -> None:
    event = envelope.data
    row = {"account_id": event.account_id, "currency": event.currency, "opened_at": envelope.occurred_at}
    connection.execute(sa.insert(deposits), row)


@projections.on(contract.TransactionPosted)
def _posted(connection: sa.Connection, envelope: Envelope[contract.TransactionPosted]) -> None:
    event = envelope.data
    rows = []
    for number, line in enumerate(event.lines):
        key = {"account_id": event.account_id, "ledger_account": line.account, "currency": event.currency}
        mine = sa.and_(*(balances.c[name] == value for name, value in key.items()))
        # Not an upsert: its insert would be checked for an overdraft before it is known to be an update.
        added = sa.update(balances).where(mine).values(amount=balances.c.amount + line.amount)
        balance = connection.execute(added.returning(balances.c.amount)).scalar()
        if balance is None:
            balance = line.amount
            connection.execute(sa.insert(balances), {**key, "amount": balance})
        entry = {"version": envelope.version, "line": number, "transaction_id": event.transaction_id}
        facts = {"at": envelope.occurred_at, "text": event.text, "order_id": event.order_id}
        rows.append({**key, **entry, **facts, "amount": line.amount, "balance": balance})
    if rows:
        connection.execute(sa.insert(ledger_lines), rows)


# --- queries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deposit:
    """A deposit account; `balance` is what the customer may spend."""

    currency: str
    balance: int


def find_charge(connection: sa.Connection, order_id: str) -> tuple[str, contract.ChargeView] | None:
    """The account and the charge of an order; None when billing has not heard of it."""
    row = connection.execute(sa.select(charges).where(charges.c.order_id == order_id)).mappings().first()
    if row is None:
        return None
    fields = {name: row[name] for name in contract.ChargeView.__struct_fields__}
    return row["account_id"], contract.ChargeView(**fields)


def order_of_intent(connection: sa.Connection, intent_id: str) -> str | None:
    """The order that an intent is to pay."""
    return connection.execute(sa.select(intents.c.order_id).where(intents.c.intent_id == intent_id)).scalar()


def order_of_quote(connection: sa.Connection, quote_id: str) -> str | None:
    """The order that used a quote."""
    return connection.execute(sa.select(charges.c.order_id).where(charges.c.quote_id == quote_id)).scalar()


def find_deposit(connection: sa.Connection, account_id: str) -> Deposit | None:
    """The deposit account of a customer; None before the first top-up was paid."""
    held = sa.and_(
        balances.c.account_id == deposits.c.account_id,
        balances.c.ledger_account == funds(account_id),
        balances.c.currency == deposits.c.currency,
    )
    found = connection.execute(
        sa.select(deposits.c.currency, balances.c.amount)
        .select_from(deposits.outerjoin(balances, held))
        .where(deposits.c.account_id == account_id)
    ).first()
    return None if found is None else Deposit(found[0], deposit_of(found[1] or 0))


def statement(
    connection: sa.Connection, account_id: str, *, limit: int, before: int | None
) -> list[tuple[int, contract.StatementLine]]:
    """Movements of a deposit account, newest first, each with its place in the ledger; `before` is such a place."""
    mine = sa.and_(ledger_lines.c.account_id == account_id, ledger_lines.c.ledger_account == funds(account_id))
    chosen = sa.select(ledger_lines).where(mine).order_by(ledger_lines.c.version.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(ledger_lines.c.version < before)
    return [
        (
            row.version,
            contract.StatementLine(
                id=row.transaction_id,
                at=row.at,
                text=row.text,
                amount=-row.amount,
                balance=deposit_of(row.balance),
                currency=row.currency,
                order_id=row.order_id,
            ),
        )
        for row in connection.execute(chosen)
    ]


def count_statement(connection: sa.Connection, account_id: str) -> int:
    """How many movements a deposit account has."""
    mine = sa.and_(ledger_lines.c.account_id == account_id, ledger_lines.c.ledger_account == funds(account_id))
    return connection.execute(sa.select(sa.func.count()).select_from(ledger_lines).where(mine)).scalar_one()


def check_ledger(connection: sa.Connection) -> contract.LedgerCheck:
    """The sums of every transaction and every ledger account. `accounts` are summed over customers, per currency;
    `funds` stands for all deposits together. The values of `accounts` sum to zero per currency."""
    columns = ledger_lines.c
    off = sa.or_(sa.func.sum(columns.amount) != 0, sa.func.count(columns.currency.distinct()) != 1)
    wrong = sa.select(columns.transaction_id).group_by(columns.transaction_id).having(off)
    unbalanced = [row[0] for row in connection.execute(wrong.order_by(columns.transaction_id))]
    count = sa.select(sa.func.count(columns.transaction_id.distinct()))
    totals: dict[str, int] = {}
    total = sa.cast(sa.func.sum(balances.c.amount), sa.BigInteger)
    grouped = sa.select(balances.c.ledger_account, balances.c.currency, total)
    for name, currency, amount in connection.execute(grouped.group_by(balances.c.ledger_account, balances.c.currency)):
        key = f"{name.partition(':')[0]} {currency}"
        totals[key] = totals.get(key, 0) + amount
    return contract.LedgerCheck(
        transactions=connection.execute(count).scalar_one(), unbalanced=unbalanced, accounts=totals
    )


def check_sums(connection: sa.Connection) -> Iterator[str]:
    """What `certwright verify` says of the ledger: every transaction and currency sums to zero, no deposit is
    overdrawn, and every balance is the sum of its lines. One sentence per fault."""
    found = check_ledger(connection)
    for transaction_id in found.unbalanced:
        yield f"transaction {transaction_id} does not sum to zero"
    columns = ledger_lines.c
    key = (columns.account_id, columns.ledger_account, columns.currency)
    total = sa.cast(sa.func.sum(columns.amount), sa.BigInteger)
    sums = {tuple(row[:3]): row[3] for row in connection.execute(sa.select(*key, total).group_by(*key))}
    held = {tuple(row[:3]): row[3] for row in connection.execute(sa.select(balances))}
    for place in sorted(sums.keys() | held.keys()):
        account_id, name, currency = place
        if sums.get(place, 0) != held.get(place, 0):
            yield f"the balance of {name} in {currency} of account {account_id} is not the sum of its lines"
        if name == funds(account_id) and held.get(place, 0) > 0:
            yield f"the deposit of account {account_id} is overdrawn"
