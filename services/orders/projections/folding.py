# SPDX-License-Identifier: Apache-2.0
"""The tables of the read model, and one function per event that keeps them."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from services.orders.model.order import years_later
from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.projections import Projections

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
    sa.Column("begins_at", sa.Text),  # start of the newest certificate
    sa.Column("expires_at", sa.Text),  # its end
    sa.Column("term_ends_at", sa.Text),
    sa.Column("renewed_by", sa.Text),  # the order that continues it
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("orders_of_account", "account_id", "number"),
    sa.Index("orders_of_account_by_status", "account_id", "status", "number"),
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

# The newest proof of each FQDN of an order; of the organization where `fqdn` is empty.
proofs = sa.Table(
    "proofs",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("fqdn", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
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


KEY_OWNER = sa.select(keys.c.account_id).where(keys.c.spki_sha256 == sa.bindparam("spki"))

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
    begins_at=sa.bindparam("begins"),
    expires_at=sa.bindparam("ends"),
    term_ends_at=sa.bindparam("term"),
    certificate_version=sa.bindparam("csr"),
)
_RENEWED = _with(renewed_by=sa.bindparam("by"))
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


def _change(connection: sa.Connection, envelope: Envelope[Any], statement: sa.Update, **values: Any) -> None:
    connection.execute(statement, {"of": envelope.data.order_id, "v": envelope.version, **values})


@projections.on(
    c.CSRRequested,
    c.CSRRejected,
    c.IssuanceRequested,
    c.IssuanceFailed,
    c.InstallationRequested,
    c.InstallationFailed,
    c.CertificateSaveRequested,
    c.ReissueRequested,
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
    if connection.execute(KEY_OWNER, {"spki": event.spki_sha256}).scalar() is None:
        # A plain insert: of two accounts with one key at the same moment, the second fails and looks again.
        connection.execute(keys.insert(), {"spki_sha256": event.spki_sha256, "account_id": event.account_id})


@projections.on(c.CertIssued)
def _issued(connection: sa.Connection, envelope: Envelope[c.CertIssued]) -> None:
    event = envelope.data
    row = connection.execute(_TERM, {"of": event.order_id}).one()
    term = row.term_ends_at or to_text(years_later(from_text(event.not_before), row.term_years))
    begins, ends = event.not_before, event.not_after
    _change(connection, envelope, _ISSUED, begins=begins, ends=ends, term=term, csr=event.csr_version)
    connection.execute(
        certificates.insert(), {"serial": event.serial, "order_id": event.order_id, "not_after": event.not_after}
    )


@projections.on(c.OrderRenewed)
def _renewed(connection: sa.Connection, envelope: Envelope[c.OrderRenewed]) -> None:
    _change(connection, envelope, _RENEWED, by=envelope.data.by_order_id)


@projections.on(c.AuthorizationRecorded)
def _authorized(connection: sa.Connection, envelope: Envelope[c.AuthorizationRecorded]) -> None:
    event = envelope.data
    _change(connection, envelope, _CHANGED)
    _prove(connection, envelope, event.fqdn, event.method, event.expires_at)


@projections.on(c.OrganizationValidated)
def _organization_validated(connection: sa.Connection, envelope: Envelope[c.OrganizationValidated]) -> None:
    _change(connection, envelope, _CHANGED)
    _prove(connection, envelope, "", "organization", None)


_PROOF_GONE = proofs.delete().where(proofs.c.order_id == _of, proofs.c.fqdn == sa.bindparam("name"))
_ACCOUNT = sa.select(orders.c.account_id).where(orders.c.order_id == _of)


def _prove(connection: sa.Connection, envelope: Envelope[Any], fqdn: str, method: str, expires_at: str | None) -> None:
    order_id = envelope.data.order_id
    connection.execute(_PROOF_GONE, {"of": order_id, "name": fqdn})
    connection.execute(
        proofs.insert(),
        {
            "order_id": order_id,
            "fqdn": fqdn,
            "account_id": connection.execute(_ACCOUNT, {"of": order_id}).scalar_one(),
            "method": method,
            "recorded_at": envelope.occurred_at,
            "expires_at": expires_at,
        },
    )


@projections.on(c.CertInstalled)
def _installed(connection: sa.Connection, envelope: Envelope[c.CertInstalled]) -> None:
    _change(connection, envelope, _INSTALLED, csr=envelope.data.csr_version)


@projections.on(c.CertRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[c.CertRevoked]) -> None:
    event = envelope.data
    connection.execute(_CERTIFICATE_REVOKED, {"which": event.serial, "of": event.order_id, "at": event.revoked_at})
    _change(connection, envelope, _REVOKED)
