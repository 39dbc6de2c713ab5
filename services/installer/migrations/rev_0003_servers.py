# SPDX-License-Identifier: Apache-2.0
"""Servers have a table of their own: an agent may reach several. Each agent's host is the first of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXTS = ("label", "given_name", "address", "user", "state", "detail", "host_key", "host_key_seen", "version", "os",
    "host_name", "web_servers")  # fmt: skip


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "servers",
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("taken_name", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.PrimaryKeyConstraint("server_id"),
    )
    op.create_index("servers_page", "servers", ["account_id", "created_at", "server_id"], unique=False)
    op.create_index("servers_agent", "servers", ["agent_id"], unique=False)
    op.create_index("servers_name", "servers", ["account_id", "taken_name"], unique=True)
    _hosts_of_agents()
    op.drop_index("agents_server_name", "agents")
    with op.batch_alter_table("agents") as batch:
        batch.drop_column("server_name")
        batch.drop_column("taken_server_name")


def _hosts_of_agents() -> None:
    names = ("server_id", "agent_id", "account_id", "enrolled_at", "server_name", "taken_server_name", "removed")
    agents = sa.table("agents", *(sa.column(name) for name in names))
    chosen = sa.select(agents).where(agents.c.server_id != "", sa.not_(sa.type_coerce(agents.c.removed, sa.Boolean)))
    connection = op.get_bind()
    rows = [
        {
            **dict.fromkeys(_TEXTS, ""),
            "server_id": one.server_id,
            "agent_id": one.agent_id,
            "account_id": one.account_id,
            "ref": "",
            "created_at": one.enrolled_at,
            "given_name": one.server_name,
            "taken_name": one.taken_server_name,
            "port": 0,
            "web_servers": "[]",
        }
        for one in connection.execute(chosen)
    ]
    if rows:
        connection.execute(sa.insert(sa.table("servers", *(sa.column(name) for name in rows[0]))), rows)
