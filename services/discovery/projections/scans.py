# SPDX-License-Identifier: Apache-2.0
"""Reading and writing scans, their schedules, and the names that accounts have proved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.discovery.model.agent_scan import is_silent
from services.discovery.tables import proved_names, scan_results, scan_schedules, scans
from shared.contracts.discovery import NameProblem, ScanCounts, ScanProgress, ScanSchedule, ScanView

OPEN = ("waiting", "running", "stopping")


def insert_scan(connection: sa.Connection, row: dict[str, Any]) -> None:
    """A new scan; it gets the account's next number."""
    last = sa.select(sa.func.coalesce(sa.func.max(scans.c.number), 0)).where(scans.c.account_id == row["account_id"])
    connection.execute(sa.insert(scans), {**row, "number": connection.execute(last).scalar_one() + 1})


def change_scan(connection: sa.Connection, scan_id: str, **values: Any) -> None:
    """Writes some columns of a scan."""
    connection.execute(sa.update(scans).where(scans.c.id == scan_id).values(**values))


def find_scan(connection: sa.Connection, scan_id: str, account_id: str | None = None) -> sa.Row[Any] | None:
    """A scan; only of this account when one is given."""
    chosen = sa.select(scans).where(scans.c.id == scan_id)
    if account_id is not None:
        chosen = chosen.where(scans.c.account_id == account_id)
    return connection.execute(chosen).first()


def count_open(connection: sa.Connection, account_id: str) -> int:
    """How many scans of an account wait or run."""
    mine = sa.and_(scans.c.account_id == account_id, scans.c.state.in_(OPEN))
    return connection.execute(sa.select(sa.func.count()).select_from(scans).where(mine)).scalar_one()


def open_of_agents(connection: sa.Connection, agent_id: str | None = None) -> Sequence[sa.Row[Any]]:
    """The scans that agents, or this one, have not ended."""
    mine = scans.c.agent_id != "" if agent_id is None else scans.c.agent_id == agent_id
    return connection.execute(sa.select(scans).where(mine, scans.c.state.in_(OPEN)).order_by(scans.c.id)).all()


def last_finished(connection: sa.Connection, account_id: str, definition: str) -> str:
    """The newest scan of the same places that came to its end; empty when there is none."""
    mine = (scans.c.account_id == account_id, scans.c.definition == definition, scans.c.state == "finished")
    chosen = sa.select(scans.c.id).where(*mine).order_by(scans.c.number.desc()).limit(1)
    return connection.execute(chosen).scalar() or ""


def list_scans(
    connection: sa.Connection, account_id: str, state: str | None, before: int | None, limit: int
) -> tuple[Sequence[sa.Row[Any]], int]:
    """Up to `limit` + 1 scans below a number, newest first; and how many there are."""
    conditions = [scans.c.account_id == account_id]
    if state is not None:
        conditions.append(scans.c.state == state)
    total = connection.execute(sa.select(sa.func.count()).select_from(scans).where(*conditions)).scalar_one()
    if before is not None:
        conditions.append(scans.c.number < before)
    chosen = sa.select(scans).where(*conditions).order_by(scans.c.number.desc()).limit(limit + 1)
    return connection.execute(chosen).all(), total


def scan_views(connection: sa.Connection, rows: Sequence[sa.Row[Any]], now: datetime) -> list[ScanView]:
    """The rows as people see them at a moment."""
    counts: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    state = scan_results.c.state
    counted = sa.select(scan_results.c.scan_id, state, sa.func.count()).where(scan_results.c.scan_id.in_(counts))
    for scan_id, word, number in connection.execute(counted.group_by(scan_results.c.scan_id, state)):
        counts[scan_id][word] = number
    return [_view(row, ScanCounts(**counts[row.id]), now) for row in rows]


def _view(row: sa.Row[Any], counts: ScanCounts, now: datetime) -> ScanView:
    failures = {**row.failures}
    for reason, number in row.failing.items():
        failures[reason] = failures.get(reason, 0) + number
    return ScanView(
        scan_id=row.id,
        targets=row.targets,
        names=row.names,
        ports=row.ports,
        exclude=row.exclude,
        rate=row.rate,
        state=row.state,
        reason=row.reason,
        progress=ScanProgress(
            done=row.done,
            total=row.total,
            found=counts.new + counts.changed + counts.same,
            rate=row.speed,
            seconds_left=row.seconds_left,
            failures=dict(sorted(failures.items())),
        ),
        counts=counts,
        name_problems=[NameProblem(**one) for one in row.name_problems],
        compared_with=row.compared_with,
        schedule_id=row.schedule_id,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        agent_id=row.agent_id,
        agent_name=row.agent_name,
        waits_for_agent=row.agent_id != "" and row.state in OPEN and is_silent(row.heard_at, now),
    )


# --- schedules -----------------------------------------------------------------------------------------------------


def insert_schedule(connection: sa.Connection, row: dict[str, Any]) -> None:
    """A new schedule."""
    connection.execute(sa.insert(scan_schedules), row)


def change_schedule(connection: sa.Connection, schedule_id: str, **values: Any) -> None:
    """Writes some columns of a schedule."""
    connection.execute(sa.update(scan_schedules).where(scan_schedules.c.id == schedule_id).values(**values))


def find_schedule(connection: sa.Connection, schedule_id: str, account_id: str | None = None) -> sa.Row[Any] | None:
    """A schedule; only of this account when one is given."""
    chosen = sa.select(scan_schedules).where(scan_schedules.c.id == schedule_id)
    if account_id is not None:
        chosen = chosen.where(scan_schedules.c.account_id == account_id)
    return connection.execute(chosen).first()


def list_schedules(connection: sa.Connection, account_id: str) -> list[ScanSchedule]:
    """All schedules of an account, oldest first."""
    chosen = sa.select(scan_schedules).where(scan_schedules.c.account_id == account_id)
    rows = connection.execute(chosen.order_by(scan_schedules.c.created_at, scan_schedules.c.id))
    return [schedule_view(row) for row in rows]


def due_schedules(connection: sa.Connection, now: str) -> list[str]:
    """The schedules whose time has come."""
    due = sa.select(scan_schedules.c.id).where(scan_schedules.c.next_at <= now).order_by(scan_schedules.c.next_at)
    return list(connection.execute(due).scalars())


def remove_schedule(connection: sa.Connection, schedule_id: str) -> None:
    """It runs no more."""
    connection.execute(sa.delete(scan_schedules).where(scan_schedules.c.id == schedule_id))


def schedule_view(row: sa.Row[Any]) -> ScanSchedule:
    """The row as people see it."""
    fields = {name: getattr(row, name) for name in ScanSchedule.__struct_fields__ if name != "schedule_id"}
    return ScanSchedule(schedule_id=row.id, **fields)


# --- proved names --------------------------------------------------------------------------------------------------


def keep_proof(connection: sa.Connection, account_id: str, fqdn: str, method: str, expires_at: str) -> None:
    """An account has proved an FQDN; of two proofs the one that holds longer stays."""
    mine = sa.and_(proved_names.c.account_id == account_id, proved_names.c.fqdn == fqdn)
    known = connection.execute(sa.select(proved_names.c.expires_at).where(mine)).scalar()
    if known is None:
        row = {"account_id": account_id, "fqdn": fqdn, "method": method, "expires_at": expires_at}
        connection.execute(sa.insert(proved_names), row)
    elif known < expires_at:
        connection.execute(sa.update(proved_names).where(mine).values(method=method, expires_at=expires_at))


def forget_proofs(connection: sa.Connection, account_id: str, fqdn: str, at: str) -> None:
    """The proof of an FQDN has ended, unless a later one took its place."""
    over = sa.and_(
        proved_names.c.account_id == account_id, proved_names.c.fqdn == fqdn, proved_names.c.expires_at <= at
    )
    connection.execute(sa.delete(proved_names).where(over))


def proofs(connection: sa.Connection, account_id: str, now: str) -> list[tuple[str, str]]:
    """The FQDNs that an account has proved and may still rely on, with the method of each."""
    good = sa.and_(proved_names.c.account_id == account_id, proved_names.c.expires_at > now)
    rows = connection.execute(sa.select(proved_names.c.fqdn, proved_names.c.method).where(good))
    return [(row.fqdn, row.method) for row in rows]
