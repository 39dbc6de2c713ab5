# SPDX-License-Identifier: Apache-2.0
"""Scans as people ask for them: started, stopped, shown; and the names that an account may have scanned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from services.discovery.model import agent_scan as model
from services.discovery.model.targets import (
    MAX_ENDPOINTS,
    MAX_NAMES,
    Network,
    TargetFault,
    TargetsRefusedError,
    count_addresses,
    definition_of,
    inside,
    proves,
    read_networks,
    read_ports,
)
from services.discovery.ports import Hosts
from services.discovery.projections import scans as table
from services.discovery.projections.results import SORTS, list_results
from services.discovery.settings import DiscoverySettings
from shared.clock import to_text
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.dcv import AuthorizationExpired, DCVPassed
from shared.contracts.discovery import (
    RESULT_STATES,
    STATES,
    AgentScanRequested,
    GetScan,
    ListScanResults,
    ListScans,
    ScanResult,
    ScanStarted,
    ScanView,
    StartScan,
    StopScan,
)
from shared.contracts.installer import AgentView
from shared.contracts.paging import cursor_at, number_after, ordering
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.fqdn import FQDN, NameRefusedError

SCAN = "scan"
MAX_PAGE = 200


class Wanted(NamedTuple):
    """What a scan shall look at, read and allowed."""

    targets: list[str]
    names: list[str]
    ports: list[int]
    exclude: list[str]
    networks: list[Network]
    endpoints: int
    rate: int
    agent: AgentView | None


def start_scan(
    uow: UnitOfWork, request: StartScan, *, settings: DiscoverySettings, hosts: Hosts, agent: AgentView | None = None
) -> ScanView:
    """A scan, to be run as soon as there is a worker, or by `agent`, who is `request.agent_id`. Errors: invalid,
    conflict."""
    account_id = account_of(uow.context)
    wanted = read_wanted(uow, account_id, request, settings=settings, hosts=hosts, agent=agent)
    return begin_scan(uow, account_id, wanted, settings=settings)


def read_wanted(
    uow: UnitOfWork,
    account_id: str,
    request: Any,
    *,
    settings: DiscoverySettings,
    hosts: Hosts,
    agent: AgentView | None,
    now: bool = True,
) -> Wanted:
    """What a request or a schedule wants scanned, at once or some time. Errors: invalid with the place of what may not
    be, not_found and conflict for the agent."""
    model.check_agent(request.agent_id, agent, now=now)
    try:
        groups = read_networks(request.targets, "/targets")
        excluded = [one for group in read_networks(request.exclude, "/exclude") for one in group]
        ports = read_ports(request.ports)
    except TargetsRefusedError as error:
        raise invalid(error.detail, error.place) from None
    if not request.targets and not request.names:
        raise invalid("Give an address, a network or a name to scan.", "/targets")
    for number, group in enumerate(groups if agent is None else ()):
        _allow(group, f"/targets/{number}", settings, hosts)
    networks = [one for group in groups for one in group]
    names = _names(uow, account_id, request.names, settings, anywhere=agent is not None)
    endpoints = count_addresses(networks, excluded) * len(ports)
    if endpoints > MAX_ENDPOINTS:
        detail = f"These are {endpoints} pairs of address and port; one scan looks at {MAX_ENDPOINTS} at most."
        raise invalid(detail, "/targets")
    if not 0 <= request.rate <= settings.rate:
        raise invalid(f"The rate is between 1 and {settings.rate} here; 0 is the installation's own.", "/rate")
    return Wanted(
        targets=[one.strip() for one in request.targets],
        names=names,
        ports=ports,
        exclude=[str(one) for one in excluded],
        networks=networks,
        endpoints=endpoints,
        rate=request.rate,
        agent=agent,
    )


def _allow(group: Sequence[Network], place: str, settings: DiscoverySettings, hosts: Hosts) -> None:
    for network in group:
        if inside(network, settings.external_networks):
            continue
        why = hosts.refusal(str(network.network_address))
        if why:
            detail = f"{network} is not scanned from here ({why})."
            raise ServiceError(Code.INVALID, detail, pointer=place, extra={"reason": TargetFault.PRIVATE})
        detail = (
            f"{network} may not be scanned: whoever runs Certwright has not allowed it. Names that you have proved may."
        )
        raise ServiceError(Code.INVALID, detail, pointer=place, extra={"reason": TargetFault.NOT_ALLOWED})


def _names(
    uow: UnitOfWork, account_id: str, asked: Sequence[str], settings: DiscoverySettings, *, anywhere: bool
) -> list[str]:
    if len(asked) > MAX_NAMES:
        raise invalid(f"Give up to {MAX_NAMES} names.", "/names")
    proofs = table.proofs(uow.connection, account_id, to_text(uow.now)) if asked else []
    found: list[str] = []
    for number, text in enumerate(asked):
        place = f"/names/{number}"
        try:
            name = FQDN.parse(text.strip(), wildcard=False).text
        except NameRefusedError as error:
            raise invalid(error.detail, place) from None
        # A name that leads into a network which the operator allowed is told from others when it is looked up.
        if not anywhere and not may_scan(name, proofs) and not settings.external_networks:
            detail = f"{name} may not be scanned: prove control over it first, by an order for it."
            raise ServiceError(Code.INVALID, detail, pointer=place, extra={"reason": TargetFault.NOT_PROVED})
        found.append(name)
    return list(dict.fromkeys(found))


def may_scan(name: str, proofs: Sequence[tuple[str, str]]) -> bool:
    """Whether one of the proofs covers the name."""
    return any(proves(proved, method, name) for proved, method in proofs)


def begin_scan(
    uow: UnitOfWork, account_id: str, wanted: Wanted, *, settings: DiscoverySettings, schedule_id: str = ""
) -> ScanView:
    """Writes the scan down and leaves the job. Errors: conflict when too many are open."""
    uow.lock(f"scans-{account_id}")
    if table.count_open(uow.connection, account_id) >= settings.scans_per_account:
        detail = f"{settings.scans_per_account} scans are open already. Wait for one of them, or stop it."
        raise ServiceError(Code.CONFLICT, detail)
    scan_id = uow.new_id()
    agent_id = wanted.agent.agent_id if wanted.agent else ""
    definition = definition_of(wanted.targets, wanted.names, wanted.ports, wanted.exclude, agent_id)
    row: dict[str, Any] = {
        "id": scan_id,
        "account_id": account_id,
        "definition": definition,
        "schedule_id": schedule_id,
        "targets": wanted.targets,
        "names": wanted.names,
        "ports": wanted.ports,
        "exclude": wanted.exclude,
        "networks": [str(one) for one in wanted.networks],
        "named": None,
        "name_problems": [],
        "rate": wanted.rate or settings.rate,
        "state": "waiting",
        "reason": "",
        "done": 0,
        "total": wanted.endpoints + len(wanted.names) * len(wanted.ports),
        "speed": 0.0,
        "seconds_left": None,
        "failures": {},
        "failing": {},
        "crashes": 0,
        "compared_with": table.last_finished(uow.connection, account_id, definition),
        "created_at": to_text(uow.now),
        "started_at": None,
        "ended_at": None,
        "agent_id": agent_id,
        "agent_name": wanted.agent.name if wanted.agent else "",
    }
    table.insert_scan(uow.connection, row)
    started = ScanStarted(
        scan_id=scan_id,
        account_id=account_id,
        targets=wanted.targets,
        names=wanted.names,
        ports=wanted.ports,
        endpoints=wanted.endpoints,
        schedule_id=schedule_id,
    )
    uow.append_anywhere(f"scan-{scan_id}", started)
    if agent_id:
        requested = AgentScanRequested(
            scan_id=scan_id,
            account_id=account_id,
            agent_id=agent_id,
            targets=wanted.targets,
            names=wanted.names,
            ports=wanted.ports,
            exclude=wanted.exclude,
            rate=row["rate"],
        )
        uow.append_anywhere(f"scan-{scan_id}", requested)
    else:
        uow.schedule(SCAN, scan_id, {"scan_id": scan_id, "account_id": account_id})
    return shown(uow, scan_id)


def shown(uow: UnitOfWork, scan_id: str) -> ScanView:
    """The scan as it is now, inside of the transaction."""
    row = table.find_scan(uow.connection, scan_id)
    if row is None:
        raise not_found("scan")
    return table.scan_views(uow.connection, [row], uow.now)[0]


def stop_scan(uow: UnitOfWork, request: StopScan) -> ScanView:
    """Asks a scan that is open to end. Errors: not_found."""
    row = table.find_scan(uow.connection, request.scan_id, account_of(uow.context))
    if row is None:
        raise not_found("scan")
    if row.state in {"waiting", "running"}:
        table.change_scan(uow.connection, row.id, state="stopping")
        # One that waits gets its end from the job as well, so that there is one place where scans end; one whose agent
        # is silent, too.
        if row.state == "waiting" or (row.agent_id and model.is_silent(row.heard_at, uow.now)):
            uow.schedule(SCAN, row.id, {"scan_id": row.id, "account_id": row.account_id})
    return shown(uow, row.id)


def on_dcv_passed(uow: UnitOfWork, envelope: Envelope[DCVPassed]) -> None:
    """An account has proved an FQDN."""
    fact = envelope.data
    table.keep_proof(uow.connection, fact.account_id, fact.fqdn.lower(), fact.method, fact.expires_at)


def on_authorization_expired(uow: UnitOfWork, envelope: Envelope[AuthorizationExpired]) -> None:
    """A proof is too old. Its end was known from the first; a later proof of the same name stays."""
    table.forget_proofs(uow.connection, envelope.data.account_id, envelope.data.fqdn.lower(), envelope.occurred_at)


# --- queries -------------------------------------------------------------------------------------------------------


def get_scan(room: Room, request: GetScan, context: Context) -> ScanView:
    """One scan. Errors: not_found, forbidden."""
    account_id = account_of(context)
    with room.query() as connection:
        row = table.find_scan(connection, request.scan_id, account_id)
        if row is None:
            raise not_found("scan")
        return table.scan_views(connection, [row], room.clock.now())[0]


def list_scans(room: Room, request: ListScans, context: Context) -> Page[ScanView]:
    """Newest first. Errors: invalid, forbidden."""
    account_id = account_of(context)
    _check_limit(request.limit)
    if request.state not in {None, *STATES}:
        raise invalid(f"The state is one of {', '.join(STATES)}.", "/state")
    before = number_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        rows, total = table.list_scans(connection, account_id, request.state, before, request.limit)
        page = rows[: request.limit]
        items = table.scan_views(connection, page, room.clock.now())
    cursor = cursor_at(page[-1].number) if len(rows) > request.limit else None
    return Page(items=items, next_cursor=cursor, total=total)


def results(room: Room, request: ListScanResults, context: Context) -> Page[ScanResult]:
    """What a scan found. Errors: not_found, invalid, forbidden."""
    account_id = account_of(context)
    _check_limit(request.limit)
    if request.state not in {None, *RESULT_STATES}:
        raise invalid(f"The state is one of {', '.join(RESULT_STATES)}.", "/state")
    place = ordering(request.sort, request.offset, None, keys=SORTS, default="address")
    with room.query() as connection:
        if table.find_scan(connection, request.scan_id, account_id) is None:
            raise not_found("scan")
        items, total = list_results(connection, account_id, request, place, room.clock.now())
    return Page(items=items, total=total)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} at a time.", "/limit")
