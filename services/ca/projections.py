# SPDX-License-Identifier: Apache-2.0
"""Read model of the CA: every issuance with its serial, what was revoked, and the newest CRL."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from shared.contracts.ca import (
    CertificateRevoked,
    CertificateSigned,
    ChallengesOpened,
    CRLFile,
    CRLPublished,
    IssuanceAccepted,
    IssuanceRefused,
    UpstreamOrderOpened,
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
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("serial", sa.Text, nullable=False, unique=True),  # as it is looked up: no leading zeros
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("not_after", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    # One certificate per order and CSR, whoever asks and however often (invariant I2).
    sa.Index("one_per_csr", "order_id", "csr_version", unique=True),
)
revoked_index = sa.Index("revoked", issuances.c.revoked_at)
last_index = sa.Index("last_of_issuer", issuances.c.issuer, issuances.c.not_after)

crls = sa.Table(
    "crls",
    projections.metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("this_update", sa.Text, nullable=False),
    sa.Column("next_update", sa.Text, nullable=False),
    sa.Column("der_base64", sa.Text, nullable=False),
)


# What another CA signs: it chooses the serial, and answers for the certificate itself.
upstream = sa.Table(
    "upstream_issuances",
    projections.metadata,
    sa.Column("issuance_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("order_url", sa.Text, unique=True),
    sa.Column("serial", sa.Text, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Index("one_upstream_per_csr", "order_id", "csr_version", unique=True),
)

# What the gateway answers below /.well-known/acme-challenge/ while a name is being proved.
challenge_answers = sa.Table(
    "challenge_answers",
    projections.metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("issuance_id", sa.Text, nullable=False, index=True),
    sa.Column("content", sa.Text, nullable=False),
)


def normal(serial: str) -> str:
    """A serial as it is looked up: upper-case hexadecimal without leading zeros."""
    return serial.upper().lstrip("0")


@projections.on(IssuanceAccepted)
def _accepted(connection: sa.Connection, envelope: Envelope[IssuanceAccepted]) -> None:
    event = envelope.data
    if not event.serial:
        connection.execute(
            upstream.insert().values(
                issuance_id=event.issuance_id,
                order_id=event.order_id,
                account_id=event.account_id,
                csr_version=event.csr_version,
                issuer=event.issuer,
                status="accepted",
            )
        )
        return
    connection.execute(
        issuances.insert().values(
            issuance_id=event.issuance_id,
            order_id=event.order_id,
            account_id=event.account_id,
            csr_version=event.csr_version,
            issuer=event.issuer,
            serial=normal(event.serial),
            status="accepted",
            not_after=event.not_after,
            reason="",
        )
    )


@projections.on(IssuanceRefused)
def _refused(connection: sa.Connection, envelope: Envelope[IssuanceRefused]) -> None:
    # Only an issuance that had been accepted has a row; it makes room for another try with the same CSR.
    issuance_id = envelope.data.issuance_id
    connection.execute(issuances.delete().where(issuances.c.issuance_id == issuance_id))
    connection.execute(upstream.delete().where(upstream.c.issuance_id == issuance_id))
    connection.execute(challenge_answers.delete().where(challenge_answers.c.issuance_id == issuance_id))


@projections.on(CertificateSigned)
def _signed(connection: sa.Connection, envelope: Envelope[CertificateSigned]) -> None:
    event = envelope.data
    changed = connection.execute(
        issuances.update().where(issuances.c.issuance_id == event.issuance_id).values(status="signed")
    )
    if changed.rowcount == 0:
        signed = {"status": "signed", "serial": normal(event.serial)}
        connection.execute(upstream.update().where(upstream.c.issuance_id == event.issuance_id).values(**signed))
        connection.execute(challenge_answers.delete().where(challenge_answers.c.issuance_id == event.issuance_id))


@projections.on(CertificateRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[CertificateRevoked]) -> None:
    event = envelope.data
    changed = connection.execute(
        issuances.update()
        .where(issuances.c.serial == normal(event.serial), issuances.c.order_id == event.order_id)
        .values(status="revoked", revoked_at=event.revoked_at, reason=event.reason)
    )
    if changed.rowcount == 0:
        connection.execute(
            upstream.update()
            .where(upstream.c.serial == normal(event.serial), upstream.c.order_id == event.order_id)
            .values(status="revoked")
        )


@projections.on(UpstreamOrderOpened)
def _opened(connection: sa.Connection, envelope: Envelope[UpstreamOrderOpened]) -> None:
    event = envelope.data
    connection.execute(upstream.update().where(upstream.c.issuance_id == event.issuance_id).values(order_url=event.url))


@projections.on(ChallengesOpened)
def _challenged(connection: sa.Connection, envelope: Envelope[ChallengesOpened]) -> None:
    event = envelope.data
    for each in event.challenges:
        if each.kind == "http-01":
            connection.execute(
                challenge_answers.insert().values(token=each.token, issuance_id=event.issuance_id, content=each.value)
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
    """The issuance of a serial, None when no issuer here made it."""
    for table in (issuances, upstream):
        columns = (table.c.issuance_id, table.c.order_id, table.c.account_id)
        row = connection.execute(sa.select(*columns).where(table.c.serial == normal(serial))).first()
        if row:
            return Found(*row)
    return None


def newest_upstream(connection: sa.Connection, order_id: str, issuer: str) -> str | None:
    """The issuance of the newest certificate that another CA signed for an order."""
    signed = (upstream.c.order_id == order_id) & (upstream.c.issuer == issuer) & upstream.c.serial.is_not(None)
    query = sa.select(upstream.c.issuance_id).where(signed).order_by(upstream.c.csr_version.desc()).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found


def order_is_taken(connection: sa.Connection, url: str) -> bool:
    """Whether an order at another CA belongs to an issuance."""
    return connection.execute(sa.select(upstream.c.issuance_id).where(upstream.c.order_url == url)).first() is not None


def challenge_answer(connection: sa.Connection, token: str) -> str | None:
    """The content of the file for a token, None when it is none of ours."""
    found: str | None = connection.execute(
        sa.select(challenge_answers.c.content).where(challenge_answers.c.token == token)
    ).scalar()
    return found


def standing_of(connection: sa.Connection, issuer: str, serial: str) -> Revoked | bool:
    """How a serial was revoked; True when it is good, False when this issuer signed no such certificate."""
    columns = (issuances.c.serial, issuances.c.revoked_at, issuances.c.reason, issuances.c.status)
    mine = (issuances.c.serial == normal(serial)) & (issuances.c.issuer == issuer)
    row = connection.execute(sa.select(*columns).where(mine)).first()
    if row is None or row.status == "accepted":
        return False
    return Revoked(row.serial, row.revoked_at, row.reason) if row.revoked_at else True


def issued_for(connection: sa.Connection, order_id: str, csr_version: int) -> str | None:
    """The issuance of this order and CSR, None when there is none."""
    for table in (issuances, upstream):
        found: str | None = connection.execute(
            sa.select(table.c.issuance_id).where(table.c.order_id == order_id, table.c.csr_version == csr_version)
        ).scalar()
        if found is not None:
            return found
    return None


def last_end(connection: sa.Connection, issuer: str) -> str | None:
    """When the last certificate of an issuer ends or ended (RFC 3339 text), None when it has signed none."""
    query = sa.select(sa.func.max(issuances.c.not_after)).where(issuances.c.issuer == issuer)
    found: str | None = connection.execute(query).scalar()
    return found


def revoked_since(connection: sa.Connection, issuer: str, not_after: str) -> list[Revoked]:
    """What belongs on an issuer's CRL: revoked, and expiring after `not_after` (RFC 3339 text); oldest first."""
    columns = (issuances.c.serial, issuances.c.revoked_at, issuances.c.reason)
    query = (
        sa.select(*columns)
        .where(issuances.c.issuer == issuer, issuances.c.revoked_at.is_not(None), issuances.c.not_after > not_after)
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
