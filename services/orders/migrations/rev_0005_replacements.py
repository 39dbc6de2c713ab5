# SPDX-License-Identifier: Apache-2.0
"""When each order is reissued, what its certificate is, where it is served; and mass replacements."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from services.orders.model.renewal import TRY_AGAIN
from services.orders.projections.folding import key_type_of, renewal_of
from shared.clock import from_text, to_text

TOLD = (
    "orders.OrderPlaced", "orders.CSRSubmitted", "orders.CertIssued", "orders.CSRRequested", "orders.ReissueRequested",
    "orders.CSRRejected", "orders.IssuanceFailed", "orders.CertRevoked", "orders.CertInstalled",
)  # fmt: skip

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply. All of it follows from the log, so it is filled from it."""
    for name in ("renew_at", "serial", "issuer", "key_type"):
        op.add_column("orders", sa.Column(name, sa.Text(), nullable=True))
    for name in ("key_server_id", "channel"):
        op.add_column("orders", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        with op.batch_alter_table("orders") as table:
            table.alter_column(name, server_default=None)
    op.create_index("orders_by_renewal", "orders", ["renew_at"], unique=False)
    op.create_table(
        "placed_sites",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "server_id", "site_id"),
    )
    op.create_table(
        "replacements",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("replacement_id", "account_id", "status")),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "selection", "started_at", "started_by")),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("sites", sa.Integer(), nullable=False),
        sa.Column("revocation_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("replacement_id"),
    )
    op.create_index(op.f("ix_replacements_status"), "replacements", ["status"], unique=False)
    op.create_table(
        "replacement_orders",
        sa.Column("replacement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("order_id", "account_id", "common_name", "way", "server_id", "state", "old_serial")
        ),
        sa.Column("old_version", sa.Integer(), nullable=False),
        sa.Column("new_serial", sa.Text(), nullable=False),
        sa.Column("sites", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("open_sites", "code", "reason")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("begun_at", "issued_at", "seen_at", "old_revoked_at")),
        sa.PrimaryKeyConstraint("replacement_id", "number"),
    )
    op.create_index(op.f("ix_replacement_orders_order_id"), "replacement_orders", ["order_id"], unique=False)
    op.create_index(
        "replacement_orders_by_state", "replacement_orders", ["replacement_id", "state", "number"], unique=False
    )
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    events = sa.table("events", sa.column("position"), sa.column("type"), sa.column("occurred_at"), sa.column("data"))
    columns = ("order_id", "term_ends_at", "renew_at", "serial", "issuer", "key_type", "key_server_id", "channel")
    orders = sa.table("orders", *map(sa.column, columns))
    terms = {row.order_id: row.term_ends_at for row in connection.execute(sa.select(orders))}
    known: dict[str, dict[str, Any]] = {}
    sites: dict[tuple[str, str, str], int] = {}
    told = (
        sa.select(events.c.type, events.c.occurred_at, events.c.data)
        .where(events.c.type.in_(TOLD))
        .order_by(events.c.position)
    )
    for row in connection.execute(told):
        event = json.loads(row.data)
        order_id = event["order_id"]
        kind = row.type.removeprefix("orders.")
        if kind == "CertInstalled":
            sites[order_id, event["server_id"], event["site_id"]] = event["csr_version"]
        else:
            order = known.setdefault(order_id, {})
            order |= _told(kind, event, order, at=row.occurred_at, term=terms[order_id])
    for order_id, values in known.items():
        connection.execute(orders.update().where(orders.c.order_id == order_id).values(**values))
    placed = sa.table("placed_sites", *map(sa.column, ("order_id", "server_id", "site_id", "csr_version")))
    rows = [
        {"order_id": order_id, "server_id": server_id, "site_id": site_id, "csr_version": version}
        for (order_id, server_id, site_id), version in sites.items()
    ]
    if rows:
        connection.execute(placed.insert(), rows)


def _told(kind: str, event: dict[str, Any], order: dict[str, Any], *, at: str, term: str) -> dict[str, Any]:
    """The columns that an event sets."""
    match kind:
        case "OrderPlaced":
            return {"channel": event.get("channel", "")}
        case "CSRSubmitted":
            return {"key_server_id": event.get("server_id", "")}
        case "CertIssued":
            return {
                "serial": event["serial"],
                "issuer": event["issuer"],
                "key_type": key_type_of(event["certificate_pem"]),
                "renew_at": renewal_of(event["order_id"], event["not_before"], event["not_after"], term),
            }
        case "CertRevoked":
            return {"renew_at": event["revoked_at"]} if event["serial"] == order.get("serial") else {}
        case "CSRRejected" | "IssuanceFailed":
            return {"renew_at": to_text(from_text(at) + TRY_AGAIN) if order.get("serial") else None}
        case _:
            return {"renew_at": None}
