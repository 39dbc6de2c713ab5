# SPDX-License-Identifier: Apache-2.0
"""The tables of billing's read model; every one is folded from the events."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()

charges = sa.Table(
    "charges",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("quote_id", sa.Text, unique=True),  # a quote serves one order: the key decides a race
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("checkout_url", sa.Text, nullable=False),
    sa.Column("decline_reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("paid_at", sa.Text),
    sa.Column("opened_at", sa.Text, nullable=False),
)

intents = sa.Table(
    "intents",
    projections.metadata,
    sa.Column("intent_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
)

ledger_lines = sa.Table(
    "ledger_lines",
    projections.metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),  # of the ledger stream: the order of the statement
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("ledger_account", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("balance", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    # The id of a transaction follows from its order and purpose: posted twice, it fails here.
    sa.UniqueConstraint("transaction_id", "line"),
)

balances = sa.Table(
    "balances",
    projections.metadata,
    # Shared ledger accounts such as revenue are kept per customer: one row for all would make every sale wait in line.
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("ledger_account", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    # Our debt to a customer is a credit; a debit would be an overdraft, and there is none (invariant I6).
    sa.CheckConstraint("substr(ledger_account, 1, 6) <> 'funds:' OR amount <= 0", name="no_overdraft"),
)

deposits = sa.Table(
    "deposits",
    projections.metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
)

vouchers = sa.Table(
    "vouchers",
    projections.metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("products", sa.JSON, nullable=False),
    sa.Column("valid_from", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Text, nullable=False),
    sa.Column("max_uses", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
    # Two orders that want the last use take turns; whatever happens, no third one gets in.
    sa.CheckConstraint("max_uses = 0 OR uses <= max_uses", name="no_use_too_many"),
)

# Where each invoice is found; what it says stands in its event.
invoices = sa.Table(
    "invoices",
    projections.metadata,
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, unique=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
