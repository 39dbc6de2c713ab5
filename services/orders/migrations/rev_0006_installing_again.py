# SPDX-License-Identifier: Apache-2.0
"""Which installations are to be tried again, and when. Events from before name no such moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "installing_again",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("again_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "server_id", "site_id"),
    )
    op.create_index(op.f("ix_installing_again_again_at"), "installing_again", ["again_at"], unique=False)
