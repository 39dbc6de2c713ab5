# SPDX-License-Identifier: Apache-2.0
"""Findings of sites, their keys, what was brought to them, and the orders that cover names."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from shared.clock import from_text, to_text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.add_column("sites", sa.Column("ends_at", sa.Text(), nullable=False, server_default=""))
    op.create_index("sites_ending", "sites", ["ends_at"], unique=False)
    op.create_table(
        "site_findings",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "kind"),
    )
    op.create_index(op.f("ix_site_findings_kind"), "site_findings", ["kind"], unique=False)
    op.create_index(op.f("ix_site_findings_server_id"), "site_findings", ["server_id"], unique=False)
    op.create_table(
        "site_keys",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("spki_sha256", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "spki_sha256"),
    )
    op.create_index(op.f("ix_site_keys_spki_sha256"), "site_keys", ["spki_sha256"], unique=False)
    op.create_index(op.f("ix_site_keys_server_id"), "site_keys", ["server_id"], unique=False)
    op.create_table(
        "brought",
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id"),
    )
    op.create_table(
        "covering",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index(op.f("ix_covering_account_id"), "covering", ["account_id"], unique=False)
    connection = op.get_bind()
    _sites(connection)
    _brought(connection)


def _sites(connection: sa.Connection) -> None:
    """End and keys of what was reported before; `covering` fills itself from the log of orders."""
    columns = ("site_id", "server_id", "account_id", "ends_at", "view")
    sites = sa.table("sites", *(sa.column(name) for name in columns))
    keys = sa.table("site_keys", *(sa.column(name) for name in ("site_id", "spki_sha256", "server_id", "account_id")))
    for row in connection.execute(sa.select(sites)).all():
        bindings = json.loads(row.view)["bindings"]
        held = [one["certificate"] for one in bindings if one.get("certificate")]
        served = [one["certificate"] for one in bindings if one.get("certificate") and one["tls"]]
        end = min(filter(None, (_moment(one["not_after"]) for one in served)), default="")
        connection.execute(sa.update(sites).where(sites.c.site_id == row.site_id).values(ends_at=end))
        who = {"site_id": row.site_id, "server_id": row.server_id, "account_id": row.account_id}
        rows = [{**who, "spki_sha256": key} for key in sorted({one["spki_sha256"].lower() for one in held})]
        if rows:
            connection.execute(sa.insert(keys), rows)


def _brought(connection: sa.Connection) -> None:
    events = sa.table("events", *(sa.column(name) for name in ("position", "type", "data")))
    brought = sa.table("brought", *(sa.column(name) for name in ("site_id", "order_id", "installation_id")))
    chosen = sa.select(events.c.data).where(events.c.type == "installer.DeploymentSucceeded")
    last = {}
    for (text,) in connection.execute(chosen.order_by(events.c.position)):
        event = json.loads(text)
        last[event["site_id"]] = {name: event[name] for name in ("site_id", "order_id", "installation_id")}
    if last:
        connection.execute(sa.insert(brought), list(last.values()))


def _moment(text: str) -> str:
    try:
        return to_text(from_text(text))
    except ValueError:
        return ""
