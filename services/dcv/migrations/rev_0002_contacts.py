# SPDX-License-Identifier: Apache-2.0
"""By which method each validation mail proves its name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("challenge_mails", sa.Column("method", sa.Text(), nullable=False, server_default="email"))
