# SPDX-License-Identifier: Apache-2.0
"""Scans that an agent runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    for table in ("scans", "scan_schedules"):
        for name in ("agent_id", "agent_name"):
            op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("scans", sa.Column("part", sa.Text(), server_default="", nullable=False))
    op.add_column("scans", sa.Column("run", sa.Integer(), server_default="0", nullable=False))
    op.add_column("scans", sa.Column("report", sa.Integer(), server_default="0", nullable=False))
    op.add_column("scans", sa.Column("heard_at", sa.Text(), nullable=True))
    op.create_index("scans_of_agent", "scans", ["agent_id", "state"], unique=False)
