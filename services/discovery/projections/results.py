# SPDX-License-Identifier: Apache-2.0
"""Reading and writing what scans found."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.discovery.projections import inventory
from services.discovery.projections.selection import saying
from services.discovery.tables import certificates, scan_results
from shared.contracts.discovery import ListScanResults, ScanResult
from shared.contracts.paging import Ordering

SORTS: dict[str, tuple[sa.Column[Any], ...]] = {
    "address": (scan_results.c.place, scan_results.c.name),
    "common_name": (certificates.c.common_name,),
    "not_before": (certificates.c.not_before,),
    "not_after": (certificates.c.not_after,),
    "subject": (certificates.c.subject,),
}


class Spot(NamedTuple):
    """Where something was found."""

    address: str
    port: int
    name: str


class Kept(NamedTuple):
    """What a scan knows of a spot."""

    fingerprint: str
    state: str
    starttls: str
    protocol: str
    proved: bool


def spots_at(connection: sa.Connection, scan_id: str, addresses: Sequence[str]) -> dict[Spot, Kept]:
    """What a scan found at some addresses."""
    chosen = sa.and_(scan_results.c.scan_id == scan_id, scan_results.c.address.in_(addresses))
    return _kept(connection, chosen)


def missing_from(connection: sa.Connection, scan_id: str, base: str) -> dict[Spot, Kept]:
    """What stood somewhere at the scan `base` and was not found by the scan `scan_id`."""
    now = scan_results.alias("now")
    same = sa.and_(
        now.c.scan_id == scan_id,
        now.c.address == scan_results.c.address,
        now.c.port == scan_results.c.port,
        now.c.name == scan_results.c.name,
    )
    here = sa.and_(scan_results.c.scan_id == base, scan_results.c.state != "gone", sa.not_(sa.exists().where(same)))
    return _kept(connection, here)


def _kept(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> dict[Spot, Kept]:
    return {
        Spot(row.address, row.port, row.name): Kept(row.fingerprint, row.state, row.starttls, row.protocol, row.proved)
        for row in connection.execute(sa.select(scan_results).where(condition))
    }


def put_result(connection: sa.Connection, scan: tuple[str, str], spot: Spot, kept: Kept, previous: str = "") -> None:
    """Writes what was found at a spot; a second time, over the first. `scan` is its id and its account."""
    scan_id, account_id = scan
    here = sa.and_(
        scan_results.c.scan_id == scan_id,
        scan_results.c.address == spot.address,
        scan_results.c.port == spot.port,
        scan_results.c.name == spot.name,
    )
    values = {**kept._asdict(), "previous": previous}
    if connection.execute(sa.update(scan_results).where(here).values(**values)).rowcount:
        return
    row = {"scan_id": scan_id, "account_id": account_id, "place": place_key(spot), **spot._asdict(), **values}
    connection.execute(sa.insert(scan_results), row)


def place_key(spot: Spot) -> str:
    """Text that sorts as address and port do."""
    address = spot.address.partition("%")[0]
    version, family = ("6", socket.AF_INET6) if ":" in address else ("4", socket.AF_INET)
    return f"{version}{socket.inet_pton(family, address).hex():>032}{spot.port:05d}"


def count_states(connection: sa.Connection, scan_id: str) -> dict[str, int]:
    """How many results there are of each state."""
    state = scan_results.c.state
    counted = sa.select(state, sa.func.count()).where(scan_results.c.scan_id == scan_id).group_by(state)
    return {row[0]: row[1] for row in connection.execute(counted)}


def list_results(
    connection: sa.Connection, account_id: str, request: ListScanResults, place: Ordering, now: datetime
) -> tuple[list[ScanResult], int]:
    """A page of what a scan found, with the certificates, and how much there is."""
    joined = scan_results.outerjoin(
        certificates,
        sa.and_(
            certificates.c.account_id == scan_results.c.account_id,
            certificates.c.fingerprint == scan_results.c.fingerprint,
        ),
    )
    conditions = [scan_results.c.scan_id == request.scan_id, scan_results.c.account_id == account_id]
    conditions.append(certificates.c.fingerprint.is_not(None))  # somebody may have taken it out of the inventory
    if request.state is not None:
        conditions.append(scan_results.c.state == request.state)
    if request.search:
        text = request.search.strip().lower()
        places = (scan_results.c.address, sa.func.lower(scan_results.c.name))
        here = (one.contains(text, autoescape=True) for one in places)
        conditions.append(sa.or_(scan_results.c.fingerprint.in_(saying(account_id, text)), *here))
    total = connection.execute(sa.select(sa.func.count()).select_from(joined).where(*conditions)).scalar_one()
    columns = (*SORTS[place.key], scan_results.c.place, scan_results.c.name)
    order = [column.desc() if place.descending else column for column in dict.fromkeys(columns)]
    chosen = sa.select(scan_results).select_from(joined).where(*conditions).order_by(*order)
    rows = connection.execute(chosen.limit(request.limit).offset(place.offset)).all()
    wanted = {row.fingerprint for row in rows}
    mine = sa.and_(certificates.c.account_id == account_id, certificates.c.fingerprint.in_(wanted))
    found = connection.execute(sa.select(certificates).where(mine)).all()
    shown = inventory.views(connection, account_id, found, now, with_pem=False)
    known = {one.fingerprint_sha256: one for one in shown}
    items = [
        ScanResult(
            address=row.address,
            port=row.port,
            name=row.name,
            starttls=row.starttls,
            protocol=row.protocol,
            proved=row.proved,
            state=row.state,
            previous_sha256=row.previous,
            certificate=known[row.fingerprint],
        )
        for row in rows
    ]
    return items, total
