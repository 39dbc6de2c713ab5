# SPDX-License-Identifier: Apache-2.0
"""When the newest certificate began, what continues an order, and how its names are proved: for the forecast."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

TOLD = ("orders.AuthorizationRecorded", "orders.OrganizationValidated", "orders.CertIssued", "orders.OrderRenewed")

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply. All of it follows from the log, so it is filled from it."""
    op.add_column("orders", sa.Column("begins_at", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("renewed_by", sa.Text(), nullable=True))
    op.create_table(
        "proofs",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("fqdn", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "fqdn"),
    )
    op.create_index(op.f("ix_proofs_account_id"), "proofs", ["account_id"], unique=False)
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    events = sa.table("events", sa.column("position"), sa.column("type"), sa.column("occurred_at"), sa.column("data"))
    orders = sa.table("orders", *map(sa.column, ("order_id", "account_id", "begins_at", "renewed_by")))
    proofs: dict[tuple[str, str], dict[str, Any]] = {}
    begins: dict[str, str] = {}
    renewed: dict[str, str] = {}
    told = (
        sa.select(events.c.type, events.c.occurred_at, events.c.data)
        .where(events.c.type.in_(TOLD))
        .order_by(events.c.position)
    )
    for row in connection.execute(told):
        event = json.loads(row.data)
        order_id = event["order_id"]
        if row.type == "orders.CertIssued":
            begins[order_id] = event["not_before"]
            continue
        if row.type == "orders.OrderRenewed":
            renewed[order_id] = event["by_order_id"]
            continue
        fqdn = event.get("fqdn", "")
        proofs[order_id, fqdn] = {
            "order_id": order_id,
            "fqdn": fqdn,
            "method": event.get("method", "organization"),
            "recorded_at": row.occurred_at,
            "expires_at": event.get("expires_at"),
        }
    owners = connection.execute(sa.select(orders.c.order_id, orders.c.account_id))
    accounts = {row.order_id: row.account_id for row in owners}
    for order_id, moment in begins.items():
        connection.execute(orders.update().where(orders.c.order_id == order_id).values(begins_at=moment))
    for order_id, by in renewed.items():
        connection.execute(orders.update().where(orders.c.order_id == order_id).values(renewed_by=by))
    rows = [{**proof, "account_id": accounts[order_id]} for (order_id, _), proof in proofs.items()]
    table = sa.table("proofs", *(sa.column(name) for name in
        ("order_id", "fqdn", "account_id", "method", "recorded_at", "expires_at")))  # fmt: skip
    if rows:
        connection.execute(table.insert(), rows)
