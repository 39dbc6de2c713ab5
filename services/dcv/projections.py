# SPDX-License-Identifier: Apache-2.0
"""The read model of validation: authorizations, what orders need of them, and attempts."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from services.dcv.tables import attempts, authorizations, needs, projections
from shared.clock import from_text, to_text
from shared.contracts.dcv import (
    AuthorizationExpired,
    AuthorizationRequested,
    ChallengeMailSent,
    DCVPassed,
    MailContactLookedUp,
    MethodChosen,
    PlacementFailed,
    ValidationAttempted,
    ValidationRequested,
)
from shared.eventsourcing.envelope import Envelope

__all__ = ["projections"]
ATTEMPTS_SHOWN = 10


def _need(order_id: str, authorization_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(needs.c.order_id == order_id, needs.c.authorization_id == authorization_id)


@projections.on(AuthorizationRequested)
def _requested(connection: sa.Connection, envelope: Envelope[AuthorizationRequested]) -> None:
    event = envelope.data
    known = connection.execute(
        sa.select(authorizations.c.fqdn).where(authorizations.c.authorization_id == event.authorization_id)
    ).first()
    if known is None:
        connection.execute(
            authorizations.insert().values(
                authorization_id=event.authorization_id,
                account_id=event.account_id,
                fqdn=event.fqdn,
                proved_at=None,
                method="",
                expires_at=None,
                expired=False,
            )
        )
    connection.execute(needs.delete().where(_need(event.order_id, event.authorization_id)))
    connection.execute(
        needs.insert().values(
            order_id=event.order_id,
            fqdn=event.fqdn,
            authorization_id=event.authorization_id,
            account_id=event.account_id,
            csr_version=event.csr_version,
            method=event.method,
            md5=event.md5,
            sha256=event.sha256,
            unique_value=event.unique_value,
            validating=False,
            passed=False,
            passed_method="",
            expires_at=None,
            reused=False,
            email="",
            email_sent_at=None,
        )
    )


@projections.on(MethodChosen)
def _chosen(connection: sa.Connection, envelope: Envelope[MethodChosen]) -> None:
    event = envelope.data
    _set(connection, event.order_id, event.authorization_id, method=event.method, validating=False)


@projections.on(ChallengeMailSent)
def _mail_sent(connection: sa.Connection, envelope: Envelope[ChallengeMailSent]) -> None:
    event = envelope.data
    at = envelope.occurred_at
    _set(connection, event.order_id, event.authorization_id, email=event.address, email_sent_at=at)


@projections.on(ValidationRequested)
def _asked(connection: sa.Connection, envelope: Envelope[ValidationRequested]) -> None:
    _set(connection, envelope.data.order_id, envelope.data.authorization_id, validating=True)


@projections.on(PlacementFailed)
def _not_placed(connection: sa.Connection, envelope: Envelope[PlacementFailed]) -> None:
    event = envelope.data
    _attempt(
        connection, envelope, event.authorization_id, event.order_id, reason="file_not_placed", advice=event.reason
    )


@projections.on(ValidationAttempted)
def _attempted(connection: sa.Connection, envelope: Envelope[ValidationAttempted]) -> None:
    event = envelope.data
    _set(connection, event.order_id, event.authorization_id, validating=False)
    _attempt(
        connection,
        envelope,
        event.authorization_id,
        event.order_id,
        method=event.method,
        passed=event.passed,
        reason=event.reason,
        advice=event.advice,
        evidence=event.evidence,
    )


@projections.on(MailContactLookedUp)
def _contact_looked_up(connection: sa.Connection, envelope: Envelope[MailContactLookedUp]) -> None:
    event = envelope.data
    _attempt(
        connection,
        envelope,
        event.authorization_id,
        event.order_id,
        method=event.method,
        passed=event.found,
        reason=event.reason,
        advice=event.advice,
        evidence=event.evidence,
    )


@projections.on(DCVPassed)
def _passed(connection: sa.Connection, envelope: Envelope[DCVPassed]) -> None:
    event = envelope.data
    _set(
        connection,
        event.order_id,
        event.authorization_id,
        passed=True,
        validating=False,
        passed_method=event.method,
        expires_at=event.expires_at,
        reused=event.reused,
    )
    if not event.reused:
        connection.execute(
            authorizations.update()
            .where(authorizations.c.authorization_id == event.authorization_id)
            .values(proved_at=event.proved_at, method=event.method, expires_at=event.expires_at, expired=False)
        )


@projections.on(AuthorizationExpired)
def _expired(connection: sa.Connection, envelope: Envelope[AuthorizationExpired]) -> None:
    connection.execute(
        authorizations.update()
        .where(authorizations.c.authorization_id == envelope.data.authorization_id)
        .values(expired=True)
    )


def _set(connection: sa.Connection, order_id: str, authorization_id: str, **values: Any) -> None:
    connection.execute(needs.update().where(_need(order_id, authorization_id)).values(**values))


def _attempt(
    connection: sa.Connection, envelope: Envelope[Any], authorization_id: str, order_id: str, **values: Any
) -> None:
    row = {"method": "", "passed": False, "reason": "", "advice": "", "evidence": {}, **values}
    row["evidence"] = msgspec.json.encode(row["evidence"], order="deterministic").decode()
    connection.execute(
        attempts.insert().values(
            authorization_id=authorization_id,
            version=envelope.version,
            order_id=order_id,
            at=envelope.occurred_at,
            **row,
        )
    )


# --- questions -------------------------------------------------------------------------------------------------------


def find_need(connection: sa.Connection, order_id: str, fqdn: str, account_id: str | None) -> sa.Row[Any] | None:
    """What an order needs of a name; `account_id` None asks for any account."""
    statement = sa.select(needs).where(needs.c.order_id == order_id, needs.c.fqdn == fqdn)
    if account_id is not None:
        statement = statement.where(needs.c.account_id == account_id)
    return connection.execute(statement).first()


def find_authorization(connection: sa.Connection, authorization_id: str) -> sa.Row[Any] | None:
    """The newest proof of an authorization."""
    statement = sa.select(authorizations).where(authorizations.c.authorization_id == authorization_id)
    return connection.execute(statement).first()


def list_needs(
    connection: sa.Connection,
    *,
    account_id: str | None,
    order_id: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[sa.Row[Any]]:
    """A page of needs by (order, FQDN)."""
    statement = sa.select(needs).order_by(needs.c.order_id, needs.c.fqdn).limit(limit)
    if account_id is not None:
        statement = statement.where(needs.c.account_id == account_id)
    if order_id is not None:
        statement = statement.where(needs.c.order_id == order_id)
    if after is not None:
        statement = statement.where(sa.tuple_(needs.c.order_id, needs.c.fqdn) > sa.tuple_(*map(sa.literal, after)))
    return list(connection.execute(statement))


def attempts_of(connection: sa.Connection, order_id: str, authorization_id: str) -> list[sa.Row[Any]]:
    """The newest looks for one order and name, newest first."""
    statement = (
        sa.select(attempts)
        .where(attempts.c.order_id == order_id, attempts.c.authorization_id == authorization_id)
        .order_by(attempts.c.version.desc())
        .limit(ATTEMPTS_SHOWN)
    )
    return list(connection.execute(statement))


def needs_of_order(connection: sa.Connection, order_id: str) -> list[str]:
    """The authorizations that an order needs."""
    found = connection.execute(sa.select(needs.c.authorization_id).where(needs.c.order_id == order_id))
    return [row[0] for row in found]


def expired_by(connection: sa.Connection, moment: str, limit: int = 200) -> list[tuple[str, str]]:
    """Authorizations, with their accounts, whose proof has run out and that nobody has said so of yet."""
    statement = (
        sa.select(authorizations.c.authorization_id, authorizations.c.account_id)
        .where(authorizations.c.expires_at <= moment, authorizations.c.expired.is_(False))
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def next_run_at(connection: sa.Connection, kind: str, key: str) -> str | None:
    """When the job of that kind and key runs next."""
    found: str | None = connection.execute(
        sa.text("SELECT run_at FROM jobs WHERE kind = :kind AND key = :key AND status = 'waiting'"),
        {"kind": kind, "key": key},
    ).scalar()
    return to_text(from_text(found)) if found else None
