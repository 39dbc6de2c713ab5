# SPDX-License-Identifier: Apache-2.0
"""One function per event that keeps the tables of the read model."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from services.orders.model.order import years_later
from services.orders.model.renewal import TRY_AGAIN, last_of_term, renewed_at
from services.orders.projections.tables import certificates, keys, orders, placed_sites, projections, proofs
from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope
from shared.pki.certificate import CertificateUnreadableError, parse_certificate


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
            "key_server_id": "",
            "channel": event.channel,
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
    key_server_id=sa.bindparam("server"),
)
_TERM = sa.select(orders.c.term_ends_at, orders.c.term_years).where(orders.c.order_id == _of)
_ISSUED = _with(
    status="issued",
    begins_at=sa.bindparam("begins"),
    expires_at=sa.bindparam("ends"),
    term_ends_at=sa.bindparam("term"),
    certificate_version=sa.bindparam("csr"),
    renew_at=sa.bindparam("renew"),
    serial=sa.bindparam("sn"),
    issuer=sa.bindparam("by"),
    key_type=sa.bindparam("key"),
)
# Once the next certificate is asked for, the clock has nothing to do until it is there, or until that came to nothing.
_ASKED = _with(renew_at=None)
_FAILED = _with(renew_at=sa.case((orders.c.certificate_version > 0, sa.bindparam("again")), else_=None))
_SUGGESTED = _with(renew_at=sa.bindparam("renew"))
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


_REVOKED_NEWEST = (
    orders.update().where(orders.c.order_id == _of, orders.c.serial == sa.bindparam("which"))
    .values(renew_at=sa.bindparam("at"))
)  # fmt: skip


def _change(connection: sa.Connection, envelope: Envelope[Any], statement: sa.Update, **values: Any) -> None:
    connection.execute(statement, {"of": envelope.data.order_id, "v": envelope.version, **values})


@projections.on(
    c.ACMEOrderOpened,
    c.IssuanceRequested,
    c.IssuanceDelayed,
    c.InstallationRequested,
    c.InstallationFailed,
    c.InstallationQueued,
    c.InstallationNotBegun,
    c.CertificateSaveRequested,
    c.RevocationRequested,
    c.ReplacementAsked,
    c.ReplacementBegun,
    c.ReplacementWithdrawn,
)
def _changed(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    _change(connection, envelope, _CHANGED)


@projections.on(c.CSRRequested, c.ReissueRequested)
def _asked(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    _change(connection, envelope, _ASKED)


@projections.on(c.CSRRejected, c.IssuanceFailed)
def _failed(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    _change(connection, envelope, _FAILED, again=to_text(from_text(envelope.occurred_at) + TRY_AGAIN))


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
    _change(connection, envelope, _SUBMITTED, csr=event.csr_version, server=event.server_id)
    if connection.execute(KEY_OWNER, {"spki": event.spki_sha256}).scalar() is None:
        # A plain insert: of two accounts with one key at the same moment, the second fails and looks again.
        connection.execute(keys.insert(), {"spki_sha256": event.spki_sha256, "account_id": event.account_id})


@projections.on(c.CertIssued)
def _issued(connection: sa.Connection, envelope: Envelope[c.CertIssued]) -> None:
    event = envelope.data
    row = connection.execute(_TERM, {"of": event.order_id}).one()
    term = row.term_ends_at or to_text(years_later(from_text(event.not_before), row.term_years))
    begins, ends = event.not_before, event.not_after
    _change(
        connection,
        envelope,
        _ISSUED,
        begins=begins,
        ends=ends,
        term=term,
        csr=event.csr_version,
        renew=renewal_of(event.order_id, begins, ends, term),
        sn=event.serial,
        by=event.issuer,
        key=key_type_of(event.certificate_pem),
    )
    connection.execute(
        certificates.insert(), {"serial": event.serial, "order_id": event.order_id, "not_after": event.not_after}
    )


def renewal_of(order_id: str, begins: str, ends: str, term_ends: str) -> str | None:
    """When the service reissues (RFC 3339); None for the last certificate of a term, which somebody has to renew."""
    first, last, over = from_text(begins), from_text(ends), from_text(term_ends)
    return None if last_of_term(last, over) else to_text(renewed_at(first, last, over, order_id))


def key_type_of(pem: str) -> str:
    """Such as rsa-2048 or ec-p256; empty for what is no certificate that can be read."""
    try:
        found = parse_certificate(pem)
    except CertificateUnreadableError:
        return ""
    if found.curve:
        return f"ec-{found.curve.lower().replace('-', '')}"
    return f"{found.key_kind}-{found.key_size}"


@projections.on(c.RenewalSuggested)
def _suggested(connection: sa.Connection, envelope: Envelope[c.RenewalSuggested]) -> None:
    if envelope.data.renew_at:
        _change(connection, envelope, _SUGGESTED, renew=envelope.data.renew_at)
    else:
        _change(connection, envelope, _CHANGED)


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


_SITE_GONE = placed_sites.delete().where(
    placed_sites.c.order_id == _of,
    placed_sites.c.server_id == sa.bindparam("server"),
    placed_sites.c.site_id == sa.bindparam("site"),
)


@projections.on(c.CertInstalled)
def _installed(connection: sa.Connection, envelope: Envelope[c.CertInstalled]) -> None:
    event = envelope.data
    _change(connection, envelope, _INSTALLED, csr=event.csr_version)
    where = {"of": event.order_id, "server": event.server_id, "site": event.site_id}
    connection.execute(_SITE_GONE, where)
    connection.execute(
        placed_sites.insert(),
        {
            "order_id": event.order_id,
            "server_id": event.server_id,
            "site_id": event.site_id,
            "csr_version": event.csr_version,
        },
    )


_SITE_VERSION = sa.select(placed_sites.c.csr_version).where(
    placed_sites.c.order_id == _of,
    placed_sites.c.server_id == sa.bindparam("server"),
    placed_sites.c.site_id == sa.bindparam("site"),
)
_LEFT = sa.select(placed_sites.c.site_id).where(
    placed_sites.c.order_id == _of, placed_sites.c.csr_version == orders.c.certificate_version
)
_TAKEN = _with(status=sa.case(((orders.c.status == "installed") & ~sa.exists(_LEFT), "issued"), else_=orders.c.status))


@projections.on(c.InstallationWatched)
def _watched(connection: sa.Connection, envelope: Envelope[c.InstallationWatched]) -> None:
    """`placed_sites` holds what is served: a site that something else took is none until it serves it again."""
    event = envelope.data
    where = {"of": event.order_id, "server": event.server_id, "site": event.site_id}
    present = connection.execute(_SITE_VERSION, where).scalar()
    if not event.there:
        if present == event.csr_version:
            connection.execute(_SITE_GONE, where)
        _change(connection, envelope, _TAKEN)
        return
    if present is None:
        values = {"order_id": event.order_id, "server_id": event.server_id, "site_id": event.site_id}
        connection.execute(placed_sites.insert(), {**values, "csr_version": event.csr_version})
    _change(connection, envelope, _INSTALLED, csr=event.csr_version)


@projections.on(c.CertRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[c.CertRevoked]) -> None:
    event = envelope.data
    connection.execute(_CERTIFICATE_REVOKED, {"which": event.serial, "of": event.order_id, "at": event.revoked_at})
    _change(connection, envelope, _REVOKED)
    connection.execute(_REVOKED_NEWEST, {"of": event.order_id, "which": event.serial, "at": event.revoked_at})
