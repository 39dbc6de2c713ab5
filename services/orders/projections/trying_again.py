# SPDX-License-Identifier: Apache-2.0
"""Which orders have an installation that is to be tried again, and when."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from services.orders.projections.tables import projections
from shared.clock import to_text
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope

MOST = 200  # at one look of the clock

installing_again = sa.Table(
    "installing_again",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("again_at", sa.Text, nullable=False, index=True),
)
_of = installing_again.c.order_id == sa.bindparam("of")
_site = sa.and_(
    _of,
    installing_again.c.server_id == sa.bindparam("server"),
    installing_again.c.site_id == sa.bindparam("site"),
)


@projections.on(c.InstallationFailed)
def _failed(connection: sa.Connection, envelope: Envelope[c.InstallationFailed]) -> None:
    event = envelope.data
    if event.again_at:
        connection.execute(
            installing_again.delete().where(_site),
            {"of": event.order_id, "server": event.server_id, "site": event.site_id},
        )
        row = {"order_id": event.order_id, "server_id": event.server_id, "site_id": event.site_id}
        connection.execute(installing_again.insert(), {**row, "again_at": event.again_at})


@projections.on(c.InstallationRequested)
def _requested(connection: sa.Connection, envelope: Envelope[c.InstallationRequested]) -> None:
    event = envelope.data
    which = {"of": event.order_id, "server": event.server_id, "site": event.site_id}
    connection.execute(installing_again.delete().where(_site), which)


@projections.on(c.CertIssued, c.CertRevoked, c.OrderExpired)
def _over(connection: sa.Connection, envelope: Envelope[c.CertIssued]) -> None:
    connection.execute(installing_again.delete().where(_of), {"of": envelope.data.order_id})


def orders_to_install_again(connection: sa.Connection, now: datetime) -> list[str]:
    """The orders whose time has come, longest due first."""
    statement = (
        sa.select(installing_again.c.order_id)
        .where(installing_again.c.again_at <= to_text(now))
        .group_by(installing_again.c.order_id)
        .order_by(sa.func.min(installing_again.c.again_at))
        .limit(MOST)
    )
    return [row[0] for row in connection.execute(statement)]
