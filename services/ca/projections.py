# SPDX-License-Identifier: Apache-2.0
"""Read model of the CA: every issuance with its serial, what was revoked, and the newest CRL."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from shared.contracts.ca import (
    CertificateRevoked,
    CertificateSigned,
    CRLFile,
    CRLPublished,
    IssuanceAccepted,
    IssuanceRefused,
)
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.projections import Projections

projections = Projections()

issuances = sa.Table(
    "issuances",
    projections.metadata,
    sa.Column("issuance_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("serial", sa.Text, nullable=False, unique=True),  # as it is looked up: no leading zeros
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("not_after", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    # One certificate per order and CSR, whoever asks and however often (invariant I2).
    sa.Index("one_per_csr", "order_id", "csr_version", unique=True),
)
revoked_index = sa.Index("revoked", issuances.c.revoked_at)

crls = sa.Table(
    "crls",
    projections.metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("this_update", sa.Text, nullable=False),
    sa.Column("next_update", sa.Text, nullable=False),
    sa.Column("der_base64", sa.Text, nullable=False),
)


def normal(serial: str) -> str:
    """A serial as it is looked up: upper-case hexadecimal without leading zeros."""
    return serial.upper().lstrip("0")


@projections.on(IssuanceAccepted)
def _accepted(connection: sa.Connection, envelope: Envelope[IssuanceAccepted]) -> None:
    event = envelope.data
    connection.execute(
        issuances.insert().values(
            issuance_id=event.issuance_id,
            order_id=event.order_id,
            account_id=event.account_id,
            csr_version=event.csr_version,
            serial=normal(event.serial),
            status="accepted",
            not_after=event.not_after,
            reason="",
        )
    )


@projections.on(IssuanceRefused)
def _refused(connection: sa.Connection, envelope: Envelope[IssuanceRefused]) -> None:
    # Only an issuance that had been accepted has a row; it makes room for another try with the same CSR.
    connection.execute(issuances.delete().where(issuances.c.issuance_id == envelope.data.issuance_id))


@projections.on(CertificateSigned)
def _signed(connection: sa.Connection, envelope: Envelope[CertificateSigned]) -> None:
    connection.execute(
        issuances.update().where(issuances.c.issuance_id == envelope.data.issuance_id).values(status="signed")
    )


@projections.on(CertificateRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[CertificateRevoked]) -> None:
    event = envelope.data
    connection.execute(
        issuances.update()
        .where(issuances.c.serial == normal(event.serial))
        .values(status="revoked", revoked_at=event.revoked_at, reason=event.reason)
    )


@projections.on(CRLPublished)
def _published(connection: sa.Connection, envelope: Envelope[CRLPublished]) -> None:
    event = envelope.data
    values = {
        "number": event.number,
        "this_update": event.this_update,
        "next_update": event.next_update,
        "der_base64": event.der_base64,
    }
    changed = connection.execute(crls.update().where(crls.c.issuer == event.issuer).values(**values))
    if changed.rowcount == 0:
        connection.execute(crls.insert().values(issuer=event.issuer, **values))


class Found(NamedTuple):
    """Whose certificate a serial is."""

    issuance_id: str
    order_id: str
    account_id: str


class Revoked(NamedTuple):
    """A revoked certificate that may not have expired; moments are RFC 3339 text."""

    serial: str
    revoked_at: str
    reason: str


def find_serial(connection: sa.Connection, serial: str) -> Found | None:
    """The issuance of a serial, None when this CA never accepted it."""
    columns = (issuances.c.issuance_id, issuances.c.order_id, issuances.c.account_id)
    row = connection.execute(sa.select(*columns).where(issuances.c.serial == normal(serial))).first()
    return Found(*row) if row else None


def standing_of(connection: sa.Connection, serial: str) -> Revoked | bool:
    """How a serial was revoked; True when it is good, False when this CA signed no such certificate."""
    columns = (issuances.c.serial, issuances.c.revoked_at, issuances.c.reason, issuances.c.status)
    row = connection.execute(sa.select(*columns).where(issuances.c.serial == normal(serial))).first()
    if row is None or row.status == "accepted":
        return False
    return Revoked(row.serial, row.revoked_at, row.reason) if row.revoked_at else True


def issued_for(connection: sa.Connection, order_id: str, csr_version: int) -> str | None:
    """The issuance of this order and CSR, None when there is none."""
    query = sa.select(issuances.c.issuance_id).where(
        issuances.c.order_id == order_id, issuances.c.csr_version == csr_version
    )
    found: str | None = connection.execute(query).scalar()
    return found


def revoked_since(connection: sa.Connection, not_after: str) -> list[Revoked]:
    """What belongs on a CRL: revoked, and expiring after `not_after` (RFC 3339 text). In order of revocation."""
    columns = (issuances.c.serial, issuances.c.revoked_at, issuances.c.reason)
    query = (
        sa.select(*columns)
        .where(issuances.c.revoked_at.is_not(None), issuances.c.not_after > not_after)
        .order_by(issuances.c.revoked_at, issuances.c.serial)
    )
    return [Revoked(*row) for row in connection.execute(query)]


def newest_crl(connection: sa.Connection, issuer: str) -> CRLFile | None:
    """The newest CRL of an issuer."""
    row = connection.execute(sa.select(crls).where(crls.c.issuer == issuer)).mappings().first()
    if row is None:
        return None
    return CRLFile(
        der_base64=row["der_base64"],
        number=row["number"],
        this_update=row["this_update"],
        next_update=row["next_update"],
    )
