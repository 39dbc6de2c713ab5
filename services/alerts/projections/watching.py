# SPDX-License-Identifier: Apache-2.0
"""Reading and writing what is watched, and the alerts about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.alerts.model import low_balance, site_drift
from services.alerts.model.expiry import DEFAULT, Standing, sentence, subject_of
from services.alerts.tables import alerts, renewals, reports, revocations, served, settings, watched
from shared.contracts.alerts import AlertSettings, AlertView

# --- rules ---------------------------------------------------------------------------------------------------------


def rule_of(connection: sa.Connection, account_id: str) -> AlertSettings:
    """The account's rule, or the one that everybody begins with."""
    row = connection.execute(sa.select(settings).where(settings.c.account_id == account_id)).first()
    if row is None:
        return DEFAULT
    return AlertSettings(
        days_before=row.days_before,
        email=row.email,
        repeat_days=row.repeat_days,
        addresses=row.addresses,
        low_balance=row.low_balance,
    )


def keep_rule(connection: sa.Connection, account_id: str, rule: AlertSettings) -> None:
    """Replaces the account's rule."""
    connection.execute(sa.delete(settings).where(settings.c.account_id == account_id))
    fields = {name: getattr(rule, name) for name in AlertSettings.__struct_fields__}
    connection.execute(sa.insert(settings), {"account_id": account_id, **fields})


# --- certificates --------------------------------------------------------------------------------------------------


def watch(connection: sa.Connection, account_id: str, fingerprint: str, **facts: Any) -> None:
    """Takes a certificate among the watched ones, or learns more about it. `facts` are columns of `watched`."""
    mine = sa.and_(watched.c.account_id == account_id, watched.c.fingerprint == fingerprint)
    if connection.execute(sa.update(watched).where(mine).values(**facts)).rowcount:
        return
    blank = {"serial": "", "names": [], "own": False, "order_id": "", "csr_version": 0, "revoked": False}
    connection.execute(sa.insert(watched), {**blank, **facts, "account_id": account_id, "fingerprint": fingerprint})


def find_watched(connection: sa.Connection, account_id: str, fingerprint: str) -> sa.Row[Any] | None:
    """One watched certificate."""
    mine = sa.and_(watched.c.account_id == account_id, watched.c.fingerprint == fingerprint)
    return connection.execute(sa.select(watched).where(mine)).first()


def is_watched(connection: sa.Connection, account_id: str, fingerprint: str) -> bool:
    """Whether a certificate is known."""
    return find_watched(connection, account_id, fingerprint) is not None


def revoke(connection: sa.Connection, order_id: str, serial: str) -> None:
    """A certificate of an order is revoked, also one that is not known yet."""
    known = sa.and_(revocations.c.order_id == order_id, revocations.c.serial == serial)
    if connection.execute(sa.select(revocations).where(known)).first() is None:
        connection.execute(sa.insert(revocations), {"order_id": order_id, "serial": serial})
    mine = sa.and_(watched.c.order_id == order_id, watched.c.serial == serial)
    connection.execute(sa.update(watched).where(mine).values(revoked=True))


def is_revoked(connection: sa.Connection, order_id: str, serial: str) -> bool:
    """Whether a revocation of this certificate is known."""
    known = sa.and_(revocations.c.order_id == order_id, revocations.c.serial == serial)
    return connection.execute(sa.select(revocations).where(known)).first() is not None


def renew(connection: sa.Connection, order_id: str, by_order_id: str) -> None:
    """A later order continues an order."""
    known = sa.and_(renewals.c.order_id == order_id, renewals.c.by_order_id == by_order_id)
    if connection.execute(sa.select(renewals).where(known)).first() is None:
        connection.execute(sa.insert(renewals), {"order_id": order_id, "by_order_id": by_order_id})


def related(connection: sa.Connection, order_id: str) -> list[tuple[str, str]]:
    """Account and fingerprint of every certificate that an event of this order may change the standing of."""
    before = sa.select(renewals.c.order_id).where(renewals.c.by_order_id == order_id)
    chosen = sa.or_(watched.c.order_id == order_id, watched.c.order_id.in_(before))
    rows = connection.execute(sa.select(watched.c.account_id, watched.c.fingerprint).where(chosen))
    return [(row[0], row[1]) for row in rows]


def newest_of_order(connection: sa.Connection, order_id: str) -> sa.Row[Any] | None:
    """The newest certificate of an order; None before its first."""
    chosen = sa.select(watched).where(watched.c.order_id == order_id)
    return connection.execute(chosen.order_by(watched.c.csr_version.desc(), watched.c.not_after.desc())).first()


def needs_attention(connection: sa.Connection, certificate: sa.Row[Any]) -> bool:
    """Whether somebody would miss this certificate: it is served somewhere, or it is the newest one of an order that
    no later order has replaced. A revoked one is missed by nobody."""
    if certificate.revoked:
        return False
    there = sa.and_(served.c.account_id == certificate.account_id, served.c.fingerprint == certificate.fingerprint)
    if connection.execute(sa.select(served.c.server_id).where(there).limit(1)).first() is not None:
        return True
    if not certificate.own:
        return False
    other = watched.alias()
    newer = sa.or_(
        other.c.csr_version > certificate.csr_version,
        sa.and_(other.c.csr_version == certificate.csr_version, other.c.not_after > certificate.not_after),
    )
    later = sa.select(renewals.c.by_order_id).where(renewals.c.order_id == certificate.order_id)
    replaces = sa.or_(sa.and_(other.c.order_id == certificate.order_id, newer), other.c.order_id.in_(later))
    successor = sa.select(other.c.fingerprint).where(replaces, other.c.revoked.is_(False)).limit(1)
    return connection.execute(successor).first() is None


def is_newer_report(connection: sa.Connection, server_id: str, agent_id: str, version: int) -> bool:
    """Whether a server's report is newer than the last one taken over; if so, it is the last one from now on."""
    known = connection.execute(sa.select(reports.c.version).where(reports.c.server_id == server_id)).scalar()
    if known is None:
        connection.execute(sa.insert(reports), {"server_id": server_id, "agent_id": agent_id, "version": version})
        return True
    if version <= known:
        return False
    connection.execute(sa.update(reports).where(reports.c.server_id == server_id).values(version=version))
    return True


def servers_of_agent(connection: sa.Connection, agent_id: str) -> list[str]:
    """The servers that an agent ever reported."""
    return list(connection.execute(sa.select(reports.c.server_id).where(reports.c.agent_id == agent_id)).scalars())


def serve(connection: sa.Connection, server_id: str, account_id: str, fingerprints: Iterable[str]) -> set[str]:
    """What a server serves now; returns what it served before or serves now."""
    mine = sa.and_(served.c.server_id == server_id, served.c.account_id == account_id)
    before = set(connection.execute(sa.select(served.c.fingerprint).where(mine)).scalars())
    now = set(fingerprints)
    connection.execute(sa.delete(served).where(mine))
    rows = [{"server_id": server_id, "account_id": account_id, "fingerprint": each} for each in sorted(now)]
    if rows:
        connection.execute(sa.insert(served), rows)
    return before | now


class Candidate(NamedTuple):
    """A watched certificate and how its alert stands."""

    certificate: sa.Row[Any]
    standing: Standing | None


def candidates(connection: sa.Connection, until: str) -> list[Candidate]:
    """What a look at the calendar may change: certificates that end until then, and those with an unresolved alert."""
    same = sa.and_(
        watched.c.account_id == alerts.c.account_id,
        watched.c.fingerprint == alerts.c.fingerprint,
        alerts.c.kind == "expiry",
    )
    about = (alerts.c.state, alerts.c.severity, alerts.c.step, alerts.c.last_notified_at, alerts.c.muted)
    chosen = sa.select(watched, *about).select_from(watched.outerjoin(alerts, same))
    wanted = sa.or_(watched.c.not_after <= until, alerts.c.state != "resolved")
    return [Candidate(row, _standing(row) if row.state else None) for row in connection.execute(chosen.where(wanted))]


# --- alerts --------------------------------------------------------------------------------------------------------


def find_alert(connection: sa.Connection, alert_id: str) -> sa.Row[Any] | None:
    """One alert with its certificate, if it is about one, as `alert_view` wants it."""
    return connection.execute(_with_certificate().where(alerts.c.alert_id == alert_id)).first()


def standing_of(connection: sa.Connection, alert_id: str) -> Standing | None:
    """How an alert stands; None when it was never raised."""
    row = connection.execute(sa.select(alerts).where(alerts.c.alert_id == alert_id)).first()
    return None if row is None else _standing(row)


def _standing(row: sa.Row[Any]) -> Standing:
    return Standing(row.state, row.severity, row.step, row.last_notified_at, bool(row.muted))


def keep_alert(connection: sa.Connection, alert_id: str, **values: Any) -> None:
    """Writes columns of an alert, a new one when there is none."""
    mine = alerts.c.alert_id == alert_id
    if not connection.execute(sa.update(alerts).where(mine).values(**values)).rowcount:
        connection.execute(sa.insert(alerts), {"alert_id": alert_id, "notifications": 0, **values})


def list_alerts(
    connection: sa.Connection, account_id: str, *, state: str | None, limit: int, after: tuple[str, str] | None
) -> tuple[list[sa.Row[Any]], int]:
    """Up to `limit` rows, newest first, and how many there are on all pages. `after` is (raised_at, alert_id)."""
    conditions: list[sa.ColumnElement[bool]] = [alerts.c.account_id == account_id]
    if state is not None:
        conditions.append(alerts.c.state == state)
    total = connection.execute(sa.select(sa.func.count()).select_from(alerts).where(*conditions)).scalar_one()
    if after is not None:
        at, alert_id = after
        same = sa.and_(alerts.c.raised_at == at, alerts.c.alert_id < alert_id)
        conditions.append(sa.or_(alerts.c.raised_at < at, same))
    chosen = _with_certificate().where(*conditions).order_by(alerts.c.raised_at.desc(), alerts.c.alert_id.desc())
    return list(connection.execute(chosen.limit(limit)).all()), total


def alert_view(row: sa.Row[Any], now: datetime) -> AlertView:
    """An alert as people see it, in words of `now`."""
    about_certificate = row.names is not None
    if row.kind == site_drift.KIND:
        subject = site_drift.subject_of(row.text)
    else:
        subject = subject_of(row.names, row.serial) if about_certificate else low_balance.SUBJECT
    return AlertView(
        alert_id=row.alert_id,
        kind=row.kind,
        state=row.state,
        severity=row.severity,
        text=sentence(subject, row.not_after, now) if row.kind == "expiry" else row.text,
        raised_at=row.raised_at,
        subject=subject,
        order_id=row.order_id or "",
        fingerprint_sha256=row.fingerprint,
        not_after=row.not_after,
        last_notified_at=row.last_notified_at,
        resolved_at=row.resolved_at,
        muted=bool(row.muted),
        names=row.names if about_certificate else [],
        serial=row.serial if about_certificate else "",
    )


def _with_certificate() -> sa.Select[Any]:
    same = sa.and_(watched.c.account_id == alerts.c.account_id, watched.c.fingerprint == alerts.c.fingerprint)
    about = (watched.c.names, watched.c.serial, watched.c.not_after, watched.c.order_id, watched.c.own)
    without = alerts.c.kind.in_((low_balance.KIND, site_drift.KIND))
    certificate_or_not = sa.or_(without, watched.c.fingerprint.is_not(None))
    return sa.select(alerts, *about).select_from(alerts.outerjoin(watched, same)).where(certificate_or_not)


def open_about_order(connection: sa.Connection, kind: str, order_id: str) -> list[tuple[str, str]]:
    """Alerts of a kind, with their accounts, that stand and are about a certificate of the order."""
    theirs = sa.select(watched.c.fingerprint).where(watched.c.order_id == order_id)
    standing = sa.select(alerts.c.alert_id, alerts.c.account_id).where(
        alerts.c.kind == kind, alerts.c.state != "resolved", alerts.c.fingerprint.in_(theirs)
    )
    return [(row[0], row[1]) for row in connection.execute(standing)]
