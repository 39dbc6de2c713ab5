# SPDX-License-Identifier: Apache-2.0
"""Alerts that nobody wants mails about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.add_column("alerts", sa.Column("muted", sa.Integer(), nullable=False, server_default="0"))
