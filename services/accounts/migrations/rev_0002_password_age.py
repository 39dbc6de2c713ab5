# SPDX-License-Identifier: Apache-2.0
"""When each password was set, and whether it must be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("password_changed_at", sa.Text(), nullable=False, server_default=""))
    op.add_column("users", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    users = sa.table("users", sa.column("created_at"), sa.column("password_changed_at"))
    op.execute(sa.update(users).values(password_changed_at=users.c.created_at))
