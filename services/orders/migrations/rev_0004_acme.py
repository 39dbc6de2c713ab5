# SPDX-License-Identifier: Apache-2.0
"""ACME orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "acme_orders",
        sa.Column("acme_order_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("acme_account_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.Column("finalized", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=False),
        sa.Column("names_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("acme_order_id"),
    )
    op.create_index("acme_orders_of_names", "acme_orders", ["account_id", "names_key", "opened_at"], unique=False)
    op.create_index("acme_orders_of_acme_account", "acme_orders", ["acme_account_id", "acme_order_id"], unique=False)
    op.create_index("acme_orders_replacing", "acme_orders", ["replaces"], unique=False)
