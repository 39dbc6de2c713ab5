# SPDX-License-Identifier: Apache-2.0
"""What another CA signs, and what the gateway answers while it looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply. Nothing in older logs belongs into these tables."""
    op.create_table(
        "upstream_issuances",
        sa.Column("issuance_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("order_url", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issuance_id"),
        sa.UniqueConstraint("order_url"),
    )
    op.create_index(op.f("ix_upstream_issuances_serial"), "upstream_issuances", ["serial"], unique=False)
    op.create_index("one_upstream_per_csr", "upstream_issuances", ["order_id", "csr_version"], unique=True)
    op.create_table(
        "challenge_answers",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("issuance_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index(op.f("ix_challenge_answers_issuance_id"), "challenge_answers", ["issuance_id"], unique=False)
