# SPDX-License-Identifier: Apache-2.0
"""The deposit below which an alert begins, and the words of alerts that are about no certificate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.add_column("settings", sa.Column("low_balance", sa.BigInteger(), nullable=True))
    op.add_column("alerts", sa.Column("text", sa.Text(), nullable=False, server_default=""))
