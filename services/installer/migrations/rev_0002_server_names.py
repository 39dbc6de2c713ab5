# SPDX-License-Identifier: Apache-2.0
"""Names of servers, host names of contacts, kinds of jobs."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("agents", sa.Column("server_name", sa.Text(), nullable=False, server_default=""))
    op.add_column("agents", sa.Column("taken_server_name", sa.Text(), nullable=True))
    op.create_index("agents_server_name", "agents", ["account_id", "taken_server_name"], unique=True)
    op.add_column("contacts", sa.Column("hostname", sa.Text(), nullable=False, server_default=""))
    op.add_column("agent_jobs", sa.Column("kind", sa.Text(), nullable=False, server_default=""))
    _fill("contacts", "agent_id", "facts", "hostname")
    _fill("agent_jobs", "job_id", "view", "kind")


def _fill(table: str, key: str, source: str, column: str) -> None:
    """Takes a field of the JSON that stands beside the new column."""
    rows = sa.table(table, sa.column(key), sa.column(source), sa.column(column))
    connection = op.get_bind()
    for name, text in connection.execute(sa.select(rows.c[key], rows.c[source])).all():
        found = json.loads(text).get(column, "")
        connection.execute(sa.update(rows).where(rows.c[key] == name).values({column: found}))
