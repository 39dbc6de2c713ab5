# SPDX-License-Identifier: Apache-2.0
"""What a running scan reports: where it will look, what it found, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.discovery.handlers.inventory import take_in_many
from services.discovery.handlers.scans import may_scan
from services.discovery.model.sighting import read_chain
from services.discovery.ports import Endpoint, Found
from services.discovery.projections import results, scans
from services.discovery.projections.inventory import remove_place
from services.discovery.projections.many import AtSpot, put_spots
from services.discovery.projections.results import Kept, Spot
from shared.clock import derived_id, to_text
from shared.contracts.discovery import CertChanged, CertGone, ScanFinished
from shared.eventstore.unit_of_work import UnitOfWork

MOST_CRASHES = 3
SOURCE = "scan"
BAD_CERTIFICATE = "bad_certificate"
SILENT = frozenset({"timeout", "unreachable", "stopped"})  # no proof that nothing is there


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """A scan as its job sees it. `named` None: the names were not looked up yet."""

    scan_id: str
    account_id: str
    names: list[str]
    ports: list[int]
    networks: list[str]
    exclude: list[str]
    named: list[Endpoint] | None
    rate: int
    state: str
    done: int
    total: int
    failures: dict[str, int]
    compared_with: str
    proved: list[str] = []
    agent_id: str = ""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What came in since the last one. `done` and `total` count all parts of the scan; `failing` those of the part that
    runs, `failures` (once it is through) of the parts before and this one together."""

    scan_id: str
    account_id: str
    found: list[Found]
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None
    failing: dict[str, int] = {}
    failures: dict[str, int] | None = None


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Where the names lead, and which of them are not looked at."""

    scan_id: str
    endpoints: list[Endpoint]
    problems: list[dict[str, str]]
    total: int


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the scan before that has no certificate now; `silent`: it gave no answer at all."""

    scan_id: str
    account_id: str
    address: str
    port: int
    name: str
    silent: bool


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a scan ends: finished, stopped or failed."""

    scan_id: str
    account_id: str
    state: str
    reason: str = ""


def begin(uow: UnitOfWork, scan_id: str) -> Scan | None:
    """Takes up a scan, from its start or from where its runner died; None when it has ended."""
    row = scans.find_scan(uow.connection, scan_id)
    if row is None or row.state not in scans.OPEN:
        return None
    state = "running" if row.state == "waiting" else row.state
    failures = {**row.failures}
    for reason, count in row.failing.items():  # of the run that broke off; the next one counts from where it was
        failures[reason] = failures.get(reason, 0) + count
    started_at = row.started_at or to_text(uow.now)
    scans.change_scan(uow.connection, scan_id, state=state, started_at=started_at, failures=failures, failing={})
    proofs = scans.proofs(uow.connection, row.account_id, to_text(uow.now))
    return Scan(
        scan_id=row.id,
        account_id=row.account_id,
        names=row.names,
        ports=row.ports,
        networks=row.networks,
        exclude=row.exclude,
        named=None if row.named is None else [Endpoint(*one) for one in row.named],
        rate=row.rate,
        state=state,
        done=row.done,
        total=row.total,
        failures=failures,
        compared_with=row.compared_with,
        proved=[name for name in row.names if may_scan(name, proofs)],
        agent_id=row.agent_id,
    )


def record_names(uow: UnitOfWork, names: Names) -> None:
    """Where the names lead stays as it is now, also when the scan goes on after a crash."""
    scans.change_scan(
        uow.connection,
        names.scan_id,
        named=[list(one) for one in names.endpoints],
        name_problems=names.problems,
        total=names.total,
    )


def take(uow: UnitOfWork, batch: Batch) -> str:
    """Takes over what came in; the state of the scan, which says whether it shall go on."""
    row = scans.find_scan(uow.connection, batch.scan_id)
    if row is None or row.state not in scans.OPEN:
        return "stopped"
    unreadable = _take_found(uow, row, batch.found)
    failing = dict(batch.failing)
    failures = dict(row.failures if batch.failures is None else batch.failures)
    if unreadable:
        failures[BAD_CERTIFICATE] = failures.get(BAD_CERTIFICATE, 0) + unreadable
    scans.change_scan(
        uow.connection,
        batch.scan_id,
        done=batch.done,
        total=batch.total,
        speed=batch.rate,
        seconds_left=batch.seconds_left,
        failing=failing,
        failures=failures,
    )
    return str(row.state)


def _take_found(uow: UnitOfWork, row: Any, found: Sequence[Found]) -> int:
    """Takes over all that can be read; how many cannot."""
    read = [(one, *chain) for one in found if (chain := read_chain(tuple(one.chain))) is not None]
    if not read:
        return len(found)
    before = {}
    if row.compared_with:
        before = results.spots_at(uow.connection, row.compared_with, sorted({one.address for one in found}))
    at = to_text(uow.now)
    scan = (row.id, row.account_id)
    seen_from = _seen_from(row)
    take_in_many(uow, scan, {one.fingerprint: (one, chain) for _, one, chain in read}, at, SOURCE)
    spots: dict[Spot, AtSpot] = {}
    for one, sighting, _ in read:
        spot = Spot(one.address, one.port, one.server_name or "")
        state, previous = _compared(before.get(spot), sighting.fingerprint)
        kept = Kept(sighting.fingerprint, state, one.starttls or "", one.protocol, one.proved)
        spots[spot] = AtSpot(_place_id(seen_from, spot), kept, previous)
    _tell_changes(uow, row, spots)
    put_spots(uow.connection, scan, SOURCE, spots, at)
    return len(found) - len(read)


def _compared(old: Kept | None, fingerprint: str) -> tuple[str, str]:
    """The state of a spot beside the scan before, and the fingerprint that it had where it has another now."""
    if old is None or old.state == "gone":
        return "new", ""
    return ("same", "") if old.fingerprint == fingerprint else ("changed", old.fingerprint)


def _tell_changes(uow: UnitOfWork, row: Any, spots: Mapping[Spot, AtSpot]) -> None:
    """Each once, also when the scan looks at a place again that it had written down before a crash."""
    changed = {spot: one for spot, one in spots.items() if one.kept.state == "changed"}
    if not changed:
        return
    known = results.spots_at(uow.connection, row.id, sorted({spot.address for spot in changed}))
    events = [
        CertChanged(
            scan_id=row.id,
            account_id=row.account_id,
            address=spot.address,
            port=spot.port,
            name=spot.name,
            previous_sha256=one.previous,
            fingerprint_sha256=one.kept.fingerprint,
        )
        for spot, one in changed.items()
        if spot not in known
    ]
    if events:
        uow.append_anywhere(f"scan-{row.id}", *events)


def place_id(row: Any, spot: Spot) -> str:
    """The place of a spot in the inventory, whichever scan saw it. An address in one agent's network is another place
    than the same one in another's, or outside."""
    return _place_id(_seen_from(row), spot)


def _seen_from(row: Any) -> tuple[str, tuple[str, ...]]:
    return row.account_id, ((row.agent_id,) if row.agent_id else ())


def _place_id(seen_from: tuple[str, tuple[str, ...]], spot: Spot) -> str:
    account_id, network = seen_from
    return derived_id("scan", account_id, spot.address, str(spot.port), spot.name, *network)


def record_missing(uow: UnitOfWork, missing: Sequence[Missing]) -> None:
    """Places that answered without a certificate are gone. Those that kept silent are unseen, and stay places."""
    for one in missing:
        row = scans.find_scan(uow.connection, one.scan_id)
        if row is None or row.state not in scans.OPEN:
            return
        spot = Spot(one.address, one.port, one.name)
        old = results.spots_at(uow.connection, row.compared_with, [spot.address]).get(spot)
        if old is None:
            continue
        state = "unseen" if one.silent else "gone"
        kept = old._replace(state=state)
        results.put_result(uow.connection, (row.id, row.account_id), spot, kept)
        if one.silent:
            continue
        remove_place(uow.connection, place_id(row, spot))
        gone = CertGone(
            scan_id=row.id,
            account_id=row.account_id,
            address=spot.address,
            port=spot.port,
            name=spot.name,
            fingerprint_sha256=old.fingerprint,
        )
        uow.append_anywhere(f"scan-{row.id}", gone)


def count_crash(uow: UnitOfWork, ending: Ending) -> bool:
    """The worker died. True when the scan may go on from where it was; else it has failed."""
    row = scans.find_scan(uow.connection, ending.scan_id)
    if row is None or row.state not in scans.OPEN:
        return False
    if row.crashes + 1 >= MOST_CRASHES:
        end(uow, ending)
        return False
    scans.change_scan(uow.connection, row.id, crashes=row.crashes + 1)
    return True


def end(uow: UnitOfWork, ending: Ending) -> None:
    """The end of a scan; nothing happens to one that has ended."""
    row = scans.find_scan(uow.connection, ending.scan_id)
    if row is None or row.state not in scans.OPEN:
        return
    values: dict[str, Any] = {"state": ending.state, "reason": ending.reason, "ended_at": to_text(uow.now)}
    scans.change_scan(uow.connection, row.id, **values, speed=0.0, seconds_left=None)
    counts = results.count_states(uow.connection, row.id)
    finished = ScanFinished(
        scan_id=row.id,
        account_id=row.account_id,
        state=ending.state,
        done=row.done,
        found=sum(counts.get(word, 0) for word in ("new", "changed", "same")),
        new=counts.get("new", 0),
        changed=counts.get("changed", 0),
        gone=counts.get("gone", 0),
        reason=ending.reason,
    )
    uow.append_anywhere(f"scan-{row.id}", finished)
