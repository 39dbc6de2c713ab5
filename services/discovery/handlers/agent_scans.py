# SPDX-License-Identifier: Apache-2.0
"""Scans that agents run: what is handed to them, what they report, and how such a scan ends without its agent.

What they report goes the way of every scan, by `progress.take`; here is only what an agent may say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.discovery.handlers import progress
from services.discovery.handlers.progress import SILENT, Batch, Ending, Missing, Names
from services.discovery.model import agent_scan as model
from services.discovery.model.agent_scan import Bounds, NotAskedForError
from services.discovery.ports import Endpoint, Found
from services.discovery.projections import scans
from services.discovery.projections.results import Spot, missing_from, spots_at
from services.discovery.settings import DiscoverySettings
from shared.clock import from_text, to_text
from shared.contracts.discovery import (
    AgentFinding,
    ReportScan,
    ReportScanNames,
    ScanEndpoint,
    ScanOrder,
    ScanPart,
    TakeScanPart,
)
from shared.contracts.discovery.agent_scans import FAILURES
from shared.contracts.installer import AgentRemoved, AgentScanFailed
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.probe.starttls import DEFAULT_PORTS, STARTTLS

MOST_FRUITLESS = 20  # runs in a row of which nothing was told
MOST_AGAIN = 1000  # places of the scan before that are handed out at once
REMOVED, LOST = "agent_removed", "agent_silent"
# Why a scan was not taken up, as people are told; whatever else an agent says is `agent_failed`.
WHY = frozenset({"agent_late", "agent_removed", "scan_refused", "agent_stopped", "server_gone", "unknown_job"})
NOTHING = ScanPart(part="")
GO_ON, STOP, OVER = (ScanOrder(order=order) for order in ("go_on", "stop", "over"))


def take_part(uow: UnitOfWork, request: TakeScanPart, *, settings: DiscoverySettings) -> ScanPart:
    """Hands out what comes next, from where the scan is; nothing when it is over. A run before this one ends: what is
    still reported of it counts no more. Errors: not_found."""
    row = _mine(uow, request.scan_id)
    if row.state not in scans.OPEN:
        return NOTHING
    if row.state == "stopping":
        return _ended(uow, row, "stopped")
    progress.begin(uow, row.id)
    part = model.part_after(row.names, row.named, done=row.done, total=row.total)
    missing = _missing(uow, row)[:MOST_AGAIN] if part == "again" else []
    if part == "again" and not missing:
        return _ended(uow, row, "finished")
    run = row.run + 1
    fruitless = row.crashes + 1 if row.run and not row.report else 0
    if fruitless >= MOST_FRUITLESS:
        return _ended(uow, row, "failed", "agent_failed")
    at = to_text(uow.now)
    scans.change_scan(uow.connection, row.id, part=part, run=run, report=0, crashes=fruitless, heard_at=at)
    named = len(row.named or ())
    return ScanPart(
        part=part,
        run=run,
        names=row.names if part == "names" else [],
        endpoints=missing or ([_endpoint(*one) for one in row.named] if part == "endpoints" else []),
        networks=row.networks if part == "networks" else [],
        exclude=row.exclude,
        ports=row.ports,
        start={"endpoints": row.done, "networks": row.done - named}.get(part, 0),
        rate=row.rate,
        in_flight=settings.in_flight,
        connect_s=settings.connect_timeout_s,
        talk_s=settings.talk_timeout_s,
    )


def take_names(uow: UnitOfWork, request: ReportScanNames) -> ScanOrder:
    """Where the names lead stays as the agent saw it first. Errors: not_found, invalid."""
    row = _mine(uow, request.scan_id)
    order = _order(row, request.run)
    if order is OVER or row.part != "names" or row.named is not None:
        return order
    answers = {one.name: one for one in request.names}
    if not answers.keys() <= set(row.names):
        raise invalid("These are not the names of this scan.", "/names")
    endpoints: list[Endpoint] = []
    problems = []
    most = model.most_addresses(len(row.names) * len(row.ports))
    for name in row.names:
        told = answers.get(name)
        addresses = list(dict.fromkeys(told.addresses if told else []))[:most]
        if any(model.read_address(address) is None for address in addresses):
            raise invalid("An address is written as a literal, without a zone.", "/names")
        if not addresses:
            why = told.reason if told and told.reason in model.NAME_REASONS else "dns_nodata"
            problems.append({"name": name, "reason": why, "detail": (told.detail if told else "")[: model.MOST_REASON]})
        endpoints += [
            Endpoint(address, port, name, DEFAULT_PORTS.get(port)) for address in addresses for port in row.ports
        ]
    total = row.total - len(row.names) * len(row.ports) + len(endpoints)
    progress.record_names(uow, Names(scan_id=row.id, endpoints=endpoints, problems=problems, total=total))
    scans.change_scan(uow.connection, row.id, heard_at=to_text(uow.now))
    return order


def take_report(uow: UnitOfWork, request: ReportScan) -> ScanOrder:
    """Takes over what came in, once; the answer says whether to go on. Errors: not_found, invalid."""
    row = _mine(uow, request.scan_id)
    order = _order(row, request.run)
    if order is OVER or request.number <= row.report:
        return order
    if request.failure:
        reason = request.failure if request.failure in FAILURES else "agent_failed"
        _ended(uow, row, "failed", reason)
        return OVER
    batch = _batch(uow, row, request)
    progress.take(uow, batch)
    if row.part == "again":
        progress.record_missing(uow, _missed(uow, row, request))
    scans.change_scan(uow.connection, row.id, report=request.number, heard_at=to_text(uow.now))
    if order is STOP and request.stopped:
        _ended(uow, row, "stopped")
        return OVER
    return order


def on_agent_scan_failed(uow: UnitOfWork, envelope: Envelope[AgentScanFailed]) -> None:
    """The agent did not take it up: refused, too late, too old."""
    event = envelope.data
    row = scans.find_scan(uow.connection, event.scan_id, event.account_id)
    if row is not None and row.agent_id == event.agent_id:
        _ended(uow, row, "failed", event.code if event.code in WHY else "agent_failed")


def on_agent_removed(uow: UnitOfWork, envelope: Envelope[AgentRemoved]) -> None:
    """Nobody goes on with its scans."""
    for row in scans.open_of_agents(uow.connection, envelope.data.agent_id):
        _ended(uow, row, "failed", REMOVED)


def lost(room: Room, settings: DiscoverySettings) -> list[str]:
    """The scans whose agent does not come back: those that somebody stops at once, others after the stated time."""
    limit, now = timedelta(hours=settings.agent_silence_h), room.clock.now()
    with room.query() as connection:
        rows = scans.open_of_agents(connection)
    return [row.id for row in rows if _is_lost(row, now, limit)]


def end_lost(uow: UnitOfWork, scan_id: str, *, settings: DiscoverySettings) -> None:
    """The end of such a scan; nothing when its agent has spoken meanwhile."""
    row = scans.find_scan(uow.connection, scan_id)
    if (
        row is None
        or row.state not in scans.OPEN
        or not _is_lost(row, uow.now, timedelta(hours=settings.agent_silence_h))
    ):
        return
    stopped = row.state == "stopping"
    _ended(uow, row, "stopped" if stopped else "failed", "" if stopped else LOST)


def _is_lost(row: Any, now: datetime, limit: timedelta) -> bool:
    stopping = row.state == "stopping" and model.is_silent(row.heard_at, now)
    return stopping or from_text(row.heard_at or row.created_at) + limit <= now


def _mine(uow: UnitOfWork, scan_id: str) -> Any:
    """The scan, if this agent runs it."""
    kind, _, agent_id = uow.context.actor.partition(":")
    if kind != "agent" or not agent_id:
        raise ServiceError(Code.FORBIDDEN, "Only an agent may ask this.")
    uow.lock(f"scan-run-{scan_id}")
    row = scans.find_scan(uow.connection, scan_id, account_of(uow.context))
    if row is None or row.agent_id != agent_id:
        raise not_found("scan")
    return row


def _order(row: Any, run: int) -> ScanOrder:
    if row.state not in scans.OPEN or run != row.run:
        return OVER
    return STOP if row.state == "stopping" else GO_ON


def _ended(uow: UnitOfWork, row: Any, state: str, reason: str = "") -> ScanPart:
    progress.end(uow, Ending(scan_id=row.id, account_id=row.account_id, state=state, reason=reason))
    return NOTHING


def _endpoint(address: str, port: int, name: str | None, starttls: str | None) -> ScanEndpoint:
    return ScanEndpoint(address=address, port=port, name=name or "", starttls=starttls or "")


def _missing(uow: UnitOfWork, row: Any) -> list[ScanEndpoint]:
    """Places of the scan before that this one did not find and has not asked for again."""
    if not row.compared_with:
        return []
    missing = missing_from(uow.connection, row.id, row.compared_with)
    return [_endpoint(spot.address, spot.port, spot.name, kept.starttls) for spot, kept in sorted(missing.items())]


def _bounds(uow: UnitOfWork, row: Any, addresses: Sequence[str]) -> Bounds:
    """What reports of the part that runs may be about."""
    if row.part == "networks":
        return Bounds.of_networks(row.ports, row.networks, row.exclude)
    if row.part == "endpoints":
        return Bounds.of_spots((one[0], one[1], one[2] or "") for one in row.named)
    if row.part == "again":
        return Bounds.of_spots(spots_at(uow.connection, row.compared_with, addresses))
    return Bounds.of_spots(())


def _batch(uow: UnitOfWork, row: Any, request: ReportScan) -> Batch:
    """The report as every scan's are. Raises ServiceError `invalid` for what was not asked for."""
    if len(request.found) + len(request.missed) > model.MOST_FOUND:
        raise invalid(f"A report holds up to {model.MOST_FOUND} places.", "/found")
    told = [(one.address, one.port, one.name) for one in request.found]
    told += [(one.address, one.port, one.name) for one in request.missed]
    bounds = _bounds(uow, row, sorted({address for address, _, _ in told}))
    try:
        for place in told:
            bounds.check(*place)
        done, failures = _position(row, request)
    except NotAskedForError as error:
        raise invalid(f"This scan did not ask for that: {error}.", "/found") from None
    return Batch(
        scan_id=row.id,
        account_id=row.account_id,
        found=[_found(request.certificates, number, one) for number, one in enumerate(request.found)],
        done=done,
        total=row.total,
        rate=model.plausible(request.rate) or 0.0,
        seconds_left=model.plausible(request.seconds_left),
        failing=failures,
    )


def _position(row: Any, request: ReportScan) -> tuple[int, dict[str, int]]:
    """How far the whole scan is by this report, and what failed in this run."""
    if row.part not in {"endpoints", "networks"}:
        return row.done, dict(row.failing)
    named = len(row.named or ())
    before, end = (0, named) if row.part == "endpoints" else (named, row.total)
    done = before + request.done
    model.check_progress(done, known=row.done, end=end, failures=request.failures)
    return done, dict(request.failures)


def _found(certificates: Sequence[str], number: int, one: AgentFinding) -> Found:
    if not 1 <= len(one.chain) <= 32 or not all(0 <= each < len(certificates) for each in one.chain):
        raise invalid("A chain counts into the certificates of its report.", f"/found/{number}/chain")
    if one.starttls not in {"", *STARTTLS} or not one.protocol.isprintable() or len(one.protocol) > 20:
        raise invalid("This is no protocol.", f"/found/{number}/protocol")
    return Found(
        address=one.address,
        port=one.port,
        chain=[certificates[each] for each in one.chain],
        server_name=one.name or None,
        starttls=one.starttls or None,
        protocol=one.protocol,
        proved=one.proved,
    )


def _missed(uow: UnitOfWork, row: Any, request: ReportScan) -> list[Missing]:
    """Places of the scan before without a certificate now, but for those that this scan has a result of. What cannot
    be read is no proof that nothing is there."""
    told = {Spot(one.address, one.port, one.name): True for one in request.found}
    told |= {Spot(one.address, one.port, one.name): one.reason in SILENT for one in request.missed}
    known = spots_at(uow.connection, row.id, sorted({spot.address for spot in told}))
    return [
        Missing(scan_id=row.id, account_id=row.account_id, **spot._asdict(), silent=silent)
        for spot, silent in told.items()
        if spot not in known
    ]
