# SPDX-License-Identifier: Apache-2.0
"""Places with fewer indexes: a scan writes one for each host."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    for index in ("certificate", "server", "source"):
        op.drop_index(f"places_by_{index}", "places")
    op.create_index("places_by_certificate", "places", ["account_id", "fingerprint", "source"], unique=False)
    named = sa.text("server_id <> ''")
    op.create_index(
        "places_by_server",
        "places",
        ["account_id", "server_id", "fingerprint"],
        unique=False,
        sqlite_where=named,
        postgresql_where=named,
    )
