# SPDX-License-Identifier: Apache-2.0
"""Which issuing CA signed: there may be several by now, and each has its own list."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
AT_ONCE = 1000


def upgrade() -> None:
    """Apply. The names stand in the log."""
    op.add_column("issuances", sa.Column("issuer", sa.Text(), nullable=False, server_default=""))
    _fill(op.get_bind())
    with op.batch_alter_table("issuances") as table:
        table.alter_column("issuer", server_default=None)
    op.create_index("last_of_issuer", "issuances", ["issuer", "not_after"], unique=False)


def _fill(connection: sa.Connection) -> None:
    events = sa.table("events", sa.column("position"), sa.column("type"), sa.column("data"))
    issuances = sa.table("issuances", sa.column("issuance_id"), sa.column("issuer"))
    change = (
        issuances.update().where(issuances.c.issuance_id == sa.bindparam("of")).values(issuer=sa.bindparam("named"))
    )
    last = -1
    while True:
        accepted = (
            sa.select(events.c.position, events.c.data)
            .where(events.c.type == "ca.IssuanceAccepted", events.c.position > last)
            .order_by(events.c.position)
            .limit(AT_ONCE)
        )
        rows = connection.execute(accepted).all()
        if not rows:
            return
        read = (json.loads(row.data) for row in rows)
        connection.execute(change, [{"of": each["issuance_id"], "named": each["issuer"]} for each in read])
        last = rows[-1].position
