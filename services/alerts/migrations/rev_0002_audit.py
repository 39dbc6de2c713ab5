# SPDX-License-Identifier: Apache-2.0
"""Who did it and in which words, for the audit log."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from services.alerts.model.audit import by_person, summary_of

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("feed", sa.Column("actor", sa.Text(), nullable=False, server_default=""))
    op.add_column("feed", sa.Column("by_person", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("feed", sa.Column("subject", sa.Text(), nullable=False, server_default=""))
    op.add_column("feed", sa.Column("summary", sa.Text(), nullable=False, server_default=""))
    _fill()
    people = sa.text("by_person = 1")
    op.create_index(
        "feed_by_person",
        "feed",
        ["account_id", "position"],
        unique=False,
        sqlite_where=people,
        postgresql_where=people,
    )


def _fill() -> None:
    """Takes from each CloudEvent what stands beside it from now on."""
    names = ("position", "type", "cloudevent", "actor", "by_person", "subject", "summary")
    feed = sa.table("feed", *(sa.column(name) for name in names))
    connection = op.get_bind()
    after = -1
    chosen = sa.select(feed.c.position, feed.c.type, feed.c.cloudevent).order_by(feed.c.position).limit(1000)
    while rows := connection.execute(chosen.where(feed.c.position > after)).all():
        for position, type_, text in rows:
            event = json.loads(text)
            actor = event.get("actor", "")
            values = {
                "actor": actor,
                "by_person": int(by_person(actor)),
                "subject": event.get("subject", ""),
                "summary": summary_of(type_, event.get("data", {})),
            }
            connection.execute(sa.update(feed).where(feed.c.position == position).values(**values))
        after = rows[-1][0]
