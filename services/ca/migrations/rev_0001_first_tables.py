# SPDX-License-Identifier: Apache-2.0
"""first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.eventstore import schema as store

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    store.version_1(op)
    op.create_table(
        "crls",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("this_update", sa.Text(), nullable=False),
        sa.Column("next_update", sa.Text(), nullable=False),
        sa.Column("der_base64", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issuer"),
    )
    op.create_table(
        "issuances",
        sa.Column("issuance_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("not_after", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issuance_id"),
        sa.UniqueConstraint("serial"),
    )
    op.create_index(op.f("ix_issuances_order_id"), "issuances", ["order_id"], unique=False)
    op.create_index("one_per_csr", "issuances", ["order_id", "csr_version"], unique=True)
    op.create_index("revoked", "issuances", ["revoked_at"], unique=False)
