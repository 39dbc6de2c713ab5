# SPDX-License-Identifier: Apache-2.0
"""ACME orders, by their ids, by the names that they are for, and by what they replace."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa

from services.orders.model.acme import Opened
from services.orders.projections.tables import certificates, projections
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope

acme_orders = sa.Table(
    "acme_orders",
    projections.metadata,
    sa.Column("acme_order_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("acme_account_id", sa.Text, nullable=False),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("finalized", sa.Boolean, nullable=False),
    sa.Column("opened_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("replaces", sa.Text, nullable=False),
    sa.Column("names_key", sa.Text, nullable=False),
    sa.Index("acme_orders_of_names", "account_id", "names_key", "opened_at"),
    sa.Index("acme_orders_of_acme_account", "acme_account_id", "acme_order_id"),
    sa.Index("acme_orders_replacing", "replaces"),
)

_OPENED = [acme_orders.c[name] for name in Opened._fields]


def names_key(names: Iterable[str]) -> str:
    """The same for the same names in any order."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


@projections.on(c.ACMEOrderOpened)
def _opened(connection: sa.Connection, envelope: Envelope[c.ACMEOrderOpened]) -> None:
    event = envelope.data
    connection.execute(
        acme_orders.insert(),
        {
            "acme_order_id": event.acme_order_id,
            "order_id": event.order_id,
            "account_id": event.account_id,
            "acme_account_id": event.acme_account_id,
            "csr_version": event.csr_version,
            "finalized": False,
            "opened_at": envelope.occurred_at,
            "expires_at": event.expires_at,
            "replaces": event.replaces,
            "names_key": names_key(event.names),
        },
    )


def find_acme_order(connection: sa.Connection, acme_order_id: str) -> Opened | None:
    """An ACME order by its id."""
    row = connection.execute(sa.select(*_OPENED).where(acme_orders.c.acme_order_id == acme_order_id)).first()
    return None if row is None else Opened(*row)


def orders_for_names(connection: sa.Connection, account_id: str, names: Iterable[str]) -> list[str]:
    """The orders that ACME clients of an account began for just these names, the newest first."""
    query = (
        sa.select(acme_orders.c.order_id)
        .where(acme_orders.c.account_id == account_id, acme_orders.c.names_key == names_key(names))
        .group_by(acme_orders.c.order_id)
        .order_by(sa.func.max(acme_orders.c.opened_at).desc())
        .limit(10)
    )
    return list(connection.execute(query).scalars())


def newest_of_order(connection: sa.Connection, order_id: str) -> Opened | None:
    """The ACME order that was begun last for an order."""
    query = sa.select(*_OPENED).where(acme_orders.c.order_id == order_id).order_by(acme_orders.c.csr_version.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else Opened(*row)


def replacing(connection: sa.Connection, account_id: str, serial: str) -> list[Opened]:
    """The finalized ACME orders of an account that replace a certificate."""
    query = sa.select(*_OPENED).where(
        acme_orders.c.replaces == serial, acme_orders.c.account_id == account_id, acme_orders.c.finalized.is_(True)
    )
    return [Opened(*row) for row in connection.execute(query)]


def acme_orders_of(connection: sa.Connection, acme_account_id: str, before: str | None, limit: int) -> list[str]:
    """Ids of the ACME account's orders, newest first (ids are in the order of time)."""
    query = sa.select(acme_orders.c.acme_order_id).where(acme_orders.c.acme_account_id == acme_account_id)
    if before is not None:
        query = query.where(acme_orders.c.acme_order_id < before)
    return list(connection.execute(query.order_by(acme_orders.c.acme_order_id.desc()).limit(limit)).scalars())


def order_of_serial(connection: sa.Connection, serial: str) -> str | None:
    """The order that a certificate was issued for."""
    found: str | None = connection.execute(
        sa.select(certificates.c.order_id).where(certificates.c.serial == serial)
    ).scalar()
    return found


_FINALIZED = acme_orders.update().where(acme_orders.c.acme_order_id == sa.bindparam("which")).values(finalized=True)


@projections.on(c.CSRSubmitted)
def _finalized(connection: sa.Connection, envelope: Envelope[c.CSRSubmitted]) -> None:
    if envelope.data.acme_order_id:
        connection.execute(_FINALIZED, {"which": envelope.data.acme_order_id})
