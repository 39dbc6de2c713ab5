# SPDX-License-Identifier: Apache-2.0
"""An index for an account's orders by status."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_index("orders_of_account_by_status", "orders", ["account_id", "status", "number"], unique=False)
