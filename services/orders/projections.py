# SPDX-License-Identifier: Apache-2.0
"""The read model of orders: the list, the keys in use, and the counter of order numbers.

An order itself is always shown from its events; these tables are for finding orders and for what spans them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.orders.model.order import years_later
from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.contracts.paging import number_after
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.projections import Projections

FIRST_NUMBER = 2_000_001  # seven digits, as customers of the guide know them; sign-up numbers begin with 1

projections = Projections()

orders = sa.Table(
    "orders",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("product_name", sa.Text, nullable=False),
    sa.Column("common_name", sa.Text, nullable=False),
    sa.Column("names", sa.Text, nullable=False),  # JSON, so that both databases hold the same bytes
    sa.Column("search", sa.Text, nullable=False),  # number, product and names in lower case
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("quote_id", sa.Text, unique=True),  # a quote serves one order
    sa.Column("term_years", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("placed_at", sa.Text, nullable=False),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("certificate_version", sa.Integer, nullable=False),  # the CSR version of the newest certificate
    sa.Column("expires_at", sa.Text),  # end of the newest certificate
    sa.Column("term_ends_at", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("orders_of_account", "account_id", "number"),
    sa.Index("orders_by_status", "status", "term_ends_at"),
)

certificates = sa.Table(
    "certificates",
    projections.metadata,
    sa.Column("serial", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, primary_key=True, index=True),
    sa.Column("not_after", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)

keys = sa.Table(
    "keys",
    projections.metadata,
    sa.Column("spki_sha256", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
)

counters = sa.Table(
    "counters",
    projections.state,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)


# --- fold ----------------------------------------------------------------------------------------------------


@projections.on(c.OrderPlaced)
def _placed(connection: sa.Connection, envelope: Envelope[c.OrderPlaced]) -> None:
    event = envelope.data
    words = [str(event.number), event.product_name, event.common_name, *event.names]
    connection.execute(
        orders.insert(),
        {
            "order_id": event.order_id,
            "number": event.number,
            "account_id": event.account_id,
            "kind": event.kind,
            "product": event.product,
            "product_name": event.product_name,
            "common_name": event.common_name,
            "names": json.dumps(event.names),
            "search": " ".join(dict.fromkeys(words)).lower(),
            "amount": event.amount,
            "currency": event.currency,
            "quote_id": event.quote_id or None,
            "term_years": event.term_years,
            "status": "awaiting_payment",
            "placed_at": envelope.occurred_at,
            "csr_version": 0,
            "certificate_version": 0,
            "version": envelope.version,
        },
    )


# Statements are made once: putting one together costs more than running it.
_of: sa.BindParameter[Any] = sa.bindparam("of")
_v: sa.BindParameter[Any] = sa.bindparam("v")
_status: sa.BindParameter[Any] = sa.bindparam("s")


def _with(**values: Any) -> sa.Update:
    return orders.update().where(orders.c.order_id == _of).values(version=_v, **values)


_CHANGED = _with()
_STATUS = _with(status=_status)
_PAID = _with(status=sa.case((orders.c.kind == "topup", "paid"), else_="waiting_for_csr"))
_SUBMITTED = _with(
    status=sa.case((orders.c.status == "waiting_for_csr", "processing"), else_=orders.c.status),
    csr_version=sa.bindparam("csr"),
)
_TERM = sa.select(orders.c.term_ends_at, orders.c.term_years).where(orders.c.order_id == _of)
_ISSUED = _with(
    status="issued",
    expires_at=sa.bindparam("ends"),
    term_ends_at=sa.bindparam("term"),
    certificate_version=sa.bindparam("csr"),
)
_INSTALLED = _with(
    status=sa.case(
        ((orders.c.status == "issued") & (orders.c.certificate_version == sa.bindparam("csr")), "installed"),
        else_=orders.c.status,
    )
)
_CERTIFICATE_REVOKED = (
    certificates.update()
    .where(certificates.c.serial == sa.bindparam("which"), certificates.c.order_id == _of)
    .values(revoked_at=sa.bindparam("at"))
)
_OPEN = sa.select(certificates.c.serial).where(certificates.c.order_id == _of, certificates.c.revoked_at.is_(None))
_REVOKED = _with(
    status=sa.case((orders.c.status.in_(("issued", "installed")) & ~sa.exists(_OPEN), "revoked"), else_=orders.c.status)
)
_KEY_OWNER = sa.select(keys.c.account_id).where(keys.c.spki_sha256 == sa.bindparam("spki"))


def _change(connection: sa.Connection, envelope: Envelope[Any], statement: sa.Update, **values: Any) -> None:
    connection.execute(statement, {"of": envelope.data.order_id, "v": envelope.version, **values})


@projections.on(
    c.CSRRequested,
    c.CSRRejected,
    c.AuthorizationRecorded,
    c.OrganizationValidated,
    c.IssuanceRequested,
    c.IssuanceFailed,
    c.InstallationRequested,
    c.InstallationFailed,
    c.CertificateSaveRequested,
    c.ReissueRequested,
    c.OrderRenewed,
    c.RevocationRequested,
)
def _changed(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    _change(connection, envelope, _CHANGED)


@projections.on(c.OrderPaid)
def _paid(connection: sa.Connection, envelope: Envelope[c.OrderPaid]) -> None:
    _change(connection, envelope, _PAID)


@projections.on(c.PaymentRefused, c.OrderRejected)
def _rejected(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    _change(connection, envelope, _STATUS, s="rejected")


@projections.on(c.OrderCancelled)
def _cancelled(connection: sa.Connection, envelope: Envelope[c.OrderCancelled]) -> None:
    _change(connection, envelope, _STATUS, s="cancelled")


@projections.on(c.OrderExpired)
def _expired(connection: sa.Connection, envelope: Envelope[c.OrderExpired]) -> None:
    _change(connection, envelope, _STATUS, s="expired")


@projections.on(c.CSRSubmitted)
def _submitted(connection: sa.Connection, envelope: Envelope[c.CSRSubmitted]) -> None:
    event = envelope.data
    _change(connection, envelope, _SUBMITTED, csr=event.csr_version)
    if key_owner(connection, event.spki_sha256) is None:
        # A plain insert: of two accounts with one key at the same moment, the second fails and looks again.
        connection.execute(keys.insert(), {"spki_sha256": event.spki_sha256, "account_id": event.account_id})


@projections.on(c.CertIssued)
def _issued(connection: sa.Connection, envelope: Envelope[c.CertIssued]) -> None:
    event = envelope.data
    row = connection.execute(_TERM, {"of": event.order_id}).one()
    term = row.term_ends_at or to_text(years_later(from_text(event.not_before), row.term_years))
    _change(connection, envelope, _ISSUED, ends=event.not_after, term=term, csr=event.csr_version)
    connection.execute(
        certificates.insert(), {"serial": event.serial, "order_id": event.order_id, "not_after": event.not_after}
    )


@projections.on(c.CertInstalled)
def _installed(connection: sa.Connection, envelope: Envelope[c.CertInstalled]) -> None:
    _change(connection, envelope, _INSTALLED, csr=envelope.data.csr_version)


@projections.on(c.CertRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[c.CertRevoked]) -> None:
    event = envelope.data
    connection.execute(_CERTIFICATE_REVOKED, {"which": event.serial, "of": event.order_id, "at": event.revoked_at})
    _change(connection, envelope, _REVOKED)


# --- ask -----------------------------------------------------------------------------------------------------


def next_number(connection: sa.Connection) -> int:
    """The next order number. A number is lost only when nothing else of its transaction is kept either."""
    number: int = connection.execute(_next_number(connection.dialect.name)).scalar_one()
    return number


@functools.cache
def _next_number(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    first = insert(counters).values(name="order_number", value=FIRST_NUMBER)
    return first.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1}).returning(
        counters.c.value
    )


def key_owner(connection: sa.Connection, spki_sha256: str) -> str | None:
    """The account that first used this key."""
    found: str | None = connection.execute(_KEY_OWNER, {"spki": spki_sha256}).scalar()
    return found


def number_of_quote(connection: sa.Connection, quote_id: str) -> int | None:
    """The number of the order that used this quote."""
    found: int | None = connection.execute(sa.select(orders.c.number).where(orders.c.quote_id == quote_id)).scalar()
    return found


def list_orders(
    connection: sa.Connection, request: c.ListOrders, account_id: str | None
) -> tuple[Sequence[sa.Row[Any]], int]:
    """Up to `limit` + 1 rows, newest first, and how many there are on all pages; None as account means every one's.

    Raises ServiceError invalid for a cursor that is none of ours.
    """
    conditions = []
    if account_id is not None:
        conditions.append(orders.c.account_id == account_id)
    if request.status is not None:
        conditions.append(orders.c.status == request.status)
    if request.kind is not None:
        conditions.append(orders.c.kind == request.kind)
    if request.search:
        conditions.append(orders.c.search.contains(request.search.strip().lower(), autoescape=True))
    total = connection.execute(sa.select(sa.func.count()).select_from(orders).where(*conditions)).scalar_one()
    if request.cursor is not None:
        conditions.append(orders.c.number < number_after(request.cursor))
    rows = connection.execute(
        sa.select(orders).where(*conditions).order_by(orders.c.number.desc()).limit(request.limit + 1)
    ).all()
    return rows, total


def orders_to_expire(connection: sa.Connection, now: datetime, limit: int = 200) -> list[str]:
    """Ids of orders whose term and certificate are over."""
    moment = to_text(now)
    return list(
        connection.execute(
            sa.select(orders.c.order_id)
            .where(
                orders.c.status.in_(("issued", "installed")),
                orders.c.term_ends_at <= moment,
                orders.c.expires_at <= moment,
            )
            .order_by(orders.c.number)
            .limit(limit)
        ).scalars()
    )


def orders_to_reissue(connection: sa.Connection, now: datetime, before: datetime, limit: int = 200) -> list[str]:
    """Ids of orders whose certificate ends before `before` and before its term does, with no newer CSR under way."""
    return list(
        connection.execute(
            sa.select(orders.c.order_id)
            .where(
                orders.c.status.in_(("issued", "installed")),
                orders.c.expires_at <= to_text(before),
                orders.c.expires_at < orders.c.term_ends_at,
                orders.c.term_ends_at > to_text(now),
                orders.c.csr_version == orders.c.certificate_version,
            )
            .order_by(orders.c.expires_at)
            .limit(limit)
        ).scalars()
    )


def count_by_status(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """(kind, status, how many)."""
    rows = connection.execute(
        sa.select(orders.c.kind, orders.c.status, sa.func.count()).group_by(orders.c.kind, orders.c.status)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def managed_certificates(connection: sa.Connection) -> list[tuple[int, str]]:
    """(order number, end of the newest certificate) of every order that has one in use."""
    rows = connection.execute(
        sa.select(orders.c.number, orders.c.expires_at).where(orders.c.status.in_(("issued", "installed")))
    )
    return [(row[0], row[1]) for row in rows]
