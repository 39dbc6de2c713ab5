# SPDX-License-Identifier: Apache-2.0
"""Scans, schedules, checks; brand, validation level, key, bookmarks, owner and tags of certificates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.discovery.model.sighting import read_pem

NEW = ("brand", "level", "spki")

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "checks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fqdn", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("starttls", sa.Text(), nullable=False),
        sa.Column("depth", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("steps_total", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("survey", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("checks_of_account", "checks", ["account_id", "number"], unique=True)
    op.create_index("checks_of_endpoint", "checks", ["account_id", "fqdn", "port", "number"], unique=False)
    op.create_table(
        "proved_names",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fqdn", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "fqdn"),
    )
    op.create_table(
        "scan_results",
        sa.Column("scan_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("starttls", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "address", "port", "name"),
    )
    op.create_index("scan_results_by_place", "scan_results", ["scan_id", "place", "name"], unique=False)
    op.create_table(
        "scan_schedules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("ports", sa.JSON(), nullable=False),
        sa.Column("exclude", sa.JSON(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Text(), nullable=False),
        sa.Column("quiet_until", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("last_scan_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_scan_schedules_account_id"), "scan_schedules", ["account_id"], unique=False)
    op.create_index(op.f("ix_scan_schedules_next_at"), "scan_schedules", ["next_at"], unique=False)
    op.create_table(
        "scans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("schedule_id", sa.Text(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("ports", sa.JSON(), nullable=False),
        sa.Column("exclude", sa.JSON(), nullable=False),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("named", sa.JSON(), nullable=True),
        sa.Column("name_problems", sa.JSON(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.Column("seconds_left", sa.Float(), nullable=True),
        sa.Column("failures", sa.JSON(), nullable=False),
        sa.Column("failing", sa.JSON(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("compared_with", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("scans_by_definition", "scans", ["account_id", "definition", "state"], unique=False)
    op.create_index("scans_of_account", "scans", ["account_id", "number"], unique=True)
    op.add_column("certificates", sa.Column("brand", sa.Text(), server_default="", nullable=False))
    op.add_column("certificates", sa.Column("level", sa.Text(), server_default="", nullable=False))
    op.add_column("certificates", sa.Column("spki", sa.Text(), server_default="", nullable=False))
    op.add_column("certificates", sa.Column("bookmarked", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("certificates", sa.Column("owner", sa.Text(), server_default="", nullable=False))
    op.add_column("certificates", sa.Column("tags", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("certificates", sa.Column("chain_pem", sa.Text(), server_default="", nullable=False))
    op.create_index("certificates_by_key", "certificates", ["account_id", "spki"], unique=False)
    for index, column in (("brand", "brand"), ("level", "level"), ("kind", "key_algorithm")):
        columns = ["account_id", column, "not_after", "fingerprint"]
        op.create_index(f"certificates_by_{index}", "certificates", columns, unique=False)
    _read_again(op.get_bind())


def _read_again(connection: sa.Connection) -> None:
    """What the new columns say of certificates that are known already."""
    table = sa.table("certificates", *(sa.column(name) for name in ("account_id", "fingerprint", "pem", *NEW)))
    known = connection.execute(sa.select(table.c.account_id, table.c.fingerprint, table.c.pem).where(table.c.pem != ""))
    for account_id, fingerprint, pem in known.all():
        found = read_pem(pem)
        if found is not None:
            this = sa.and_(table.c.account_id == account_id, table.c.fingerprint == fingerprint)
            connection.execute(sa.update(table).where(this).values({name: getattr(found, name) for name in NEW}))
