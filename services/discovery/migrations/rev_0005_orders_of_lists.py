# SPDX-License-Identifier: Apache-2.0
"""An index for each order of the inventory's lists, instead of one that held all of their columns."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

ORDERS = {
    "name": "common_name",
    "subject": "subject",
    "issuer": "issuer",
    "start": "not_before",
    "sighting": "last_seen_at",
}


def upgrade() -> None:
    """Apply."""
    op.drop_index("certificates_by_name", "certificates")
    for index, column in ORDERS.items():
        op.create_index(f"certificates_by_{index}", "certificates", ["account_id", column, "fingerprint"], unique=False)
