# SPDX-License-Identifier: Apache-2.0
"""Scans that run by themselves."""

from __future__ import annotations

from services.discovery.handlers.scans import begin_scan, read_wanted
from services.discovery.model.quiet import after_quiet, minute_of, next_run
from services.discovery.ports import Hosts
from services.discovery.projections import scans as table
from services.discovery.settings import DiscoverySettings
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts.base import Done, Page
from shared.contracts.discovery import (
    ListScanSchedules,
    RemoveScanSchedule,
    RunScanSchedule,
    ScanSchedule,
    ScanView,
    ScheduleScan,
)
from shared.contracts.installer import AgentView
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

MOST = 50
MAX_NAME = 80
MAX_HOURS = 24 * 366


def schedule_scan(
    uow: UnitOfWork, request: ScheduleScan, *, settings: DiscoverySettings, hosts: Hosts, agent: AgentView | None = None
) -> ScanSchedule:
    """A scan every so many hours, the first as soon as no quiet hours forbid it. Errors: invalid, conflict, not_found
    for an agent that is not there; it need not be connected now."""
    account_id = account_of(uow.context)
    wanted = read_wanted(uow, account_id, request, settings=settings, hosts=hosts, agent=agent, now=False)
    name = request.name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise invalid(f"A name has 1 to {MAX_NAME} characters, on one line.", "/name")
    if not 1 <= request.every_hours <= MAX_HOURS:
        raise invalid(f"Give 1 to {MAX_HOURS} hours.", "/every_hours")
    for field in ("quiet_from", "quiet_until"):
        other = request.quiet_until if field == "quiet_from" else request.quiet_from
        text = getattr(request, field)
        if (text or other) and minute_of(text) is None:
            raise invalid("Write a time such as 08:00 (UTC), or leave both ends of the quiet hours empty.", f"/{field}")
    uow.lock(f"schedules-{account_id}")
    if len(table.list_schedules(uow.connection, account_id)) >= MOST:
        raise ServiceError(Code.CONFLICT, f"There are {MOST} schedules already. Remove one first.")
    schedule_id = uow.new_id()
    row = {
        "id": schedule_id,
        "account_id": account_id,
        "name": name,
        "targets": wanted.targets,
        "names": wanted.names,
        "ports": wanted.ports,
        "exclude": wanted.exclude,
        "rate": request.rate,
        "every_hours": request.every_hours,
        "quiet_from": request.quiet_from,
        "quiet_until": request.quiet_until,
        "next_at": to_text(after_quiet(uow.now, request.quiet_from, request.quiet_until)),
        "last_scan_id": "",
        "created_at": to_text(uow.now),
        "agent_id": request.agent_id,
        "agent_name": agent.name if agent else "",
    }
    table.insert_schedule(uow.connection, row)
    return _shown(uow, schedule_id)


def run_schedule(
    uow: UnitOfWork,
    request: RunScanSchedule,
    *,
    settings: DiscoverySettings,
    hosts: Hosts,
    agent: AgentView | None = None,
) -> ScanView:
    """Now, whatever the hour. Errors: not_found, invalid when it may not be scanned any more, conflict."""
    account_id = account_of(uow.context)
    row = table.find_schedule(uow.connection, request.schedule_id, account_id)
    if row is None:
        raise not_found("schedule")
    wanted = read_wanted(uow, account_id, table.schedule_view(row), settings=settings, hosts=hosts, agent=agent)
    view = begin_scan(uow, account_id, wanted, settings=settings, schedule_id=row.id)
    table.change_schedule(uow.connection, row.id, last_scan_id=view.scan_id)
    return view


def run_due(
    uow: UnitOfWork, schedule_id: str, *, settings: DiscoverySettings, hosts: Hosts, agent: AgentView | None = None
) -> None:
    """Its time has come. A scan of it that still runs, a target that is not allowed any more, or an agent that is not
    connected, costs this turn."""
    row = table.find_schedule(uow.connection, schedule_id)
    if row is None or row.next_at > to_text(uow.now):
        return
    following = next_run(from_text(row.next_at), uow.now, row.every_hours, row.quiet_from, row.quiet_until)
    table.change_schedule(uow.connection, row.id, next_at=to_text(following))
    last = table.find_scan(uow.connection, row.last_scan_id)
    if last is not None and last.state in table.OPEN:
        return
    try:
        wanted = read_wanted(uow, row.account_id, table.schedule_view(row), settings=settings, hosts=hosts, agent=agent)
        view = begin_scan(uow, row.account_id, wanted, settings=settings, schedule_id=row.id)
    except ServiceError as error:
        if error.code not in {Code.INVALID, Code.CONFLICT, Code.NOT_FOUND}:
            raise
        return
    table.change_schedule(uow.connection, row.id, last_scan_id=view.scan_id)


def due(room: Room) -> list[str]:
    """The schedules whose time has come."""
    with room.query() as connection:
        return table.due_schedules(connection, to_text(room.clock.now()))


def agent_of(room: Room, schedule_id: str, account_id: str | None = None) -> tuple[str, str]:
    """The agent that runs a schedule's scans, or empty; and its account. Both empty for no schedule of the account."""
    with room.query() as connection:
        row = table.find_schedule(connection, schedule_id, account_id)
    return ("", "") if row is None else (row.agent_id, row.account_id)


def remove_schedule(uow: UnitOfWork, request: RemoveScanSchedule) -> Done:
    """It runs no more. Errors: not_found."""
    if table.find_schedule(uow.connection, request.schedule_id, account_of(uow.context)) is None:
        raise not_found("schedule")
    table.remove_schedule(uow.connection, request.schedule_id)
    return Done(id=request.schedule_id)


def list_schedules(room: Room, _request: ListScanSchedules, context: Context) -> Page[ScanSchedule]:
    """All of the account. Errors: forbidden."""
    account_id = account_of(context)
    with room.query() as connection:
        items = table.list_schedules(connection, account_id)
    return Page(items=items, total=len(items))


def _shown(uow: UnitOfWork, schedule_id: str) -> ScanSchedule:
    row = table.find_schedule(uow.connection, schedule_id)
    if row is None:
        raise not_found("schedule")
    return table.schedule_view(row)
