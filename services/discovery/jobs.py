# SPDX-License-Identifier: Apache-2.0
"""Slow work of the room: scans and checks, each in a worker process that this leads. Each may run twice."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Protocol

import msgspec

from services.discovery.handlers import checks, inventory, progress
from services.discovery.handlers.progress import SILENT, Batch, Ending, Missing, Names, Scan
from services.discovery.handlers.scans import SCAN
from services.discovery.model.targets import inside
from services.discovery.ports import (
    End,
    Endpoint,
    Found,
    Hosts,
    Judge,
    Lookup,
    Missed,
    Prober,
    Progress,
    Step,
    Surveyed,
    WorkerError,
)
from services.discovery.projections.results import missing_from
from services.discovery.settings import DiscoverySettings
from shared.context import Context, system
from shared.eventstore.jobs import Jobs, Retry
from shared.eventstore.room import Room
from shared.probe.starttls import DEFAULT_PORTS

jobs = Jobs()
_log = logging.getLogger(__name__)

MOST_FOUND = 2000  # in one transaction
FLUSH_S = 0.5  # how often progress is written down, and how soon a scan hears that it shall stop
AGAIN_S = 1.0
WEB_PORT = 80  # where an advanced check looks for a redirect to HTTPS


class DiscoveryApp(Protocol):
    """What these functions need of the service."""

    room: Room
    own: DiscoverySettings
    prober: Prober
    hosts: Hosts
    judge: Judge


class _StoppedError(Exception):
    """Somebody ended the scan."""


@jobs.kind(SCAN, attempts=progress.MOST_CRASHES + 1, backoff=(AGAIN_S,), timeout=24 * 3600)
def scan(app: DiscoveryApp, payload: dict[str, Any]) -> None:
    """Runs a scan from where it is to its end. What it finds is stored as it comes."""
    context = system("discovery", account_id=payload["account_id"])
    found = app.room.execute(progress.begin, payload["scan_id"], context)
    if found is None or (found.agent_id and found.state != "stopping"):  # what an agent runs never runs here
        return
    ending = Ending(scan_id=found.scan_id, account_id=found.account_id, state="finished")
    try:
        _run(app, found, context)
    except _StoppedError:
        ending = msgspec.structs.replace(ending, state="stopped")
    except WorkerError as error:
        _log.warning("the worker of scan %s broke off: %s", found.scan_id, error)
        failed = msgspec.structs.replace(ending, state="failed", reason="worker_failed")
        if app.room.execute(progress.count_crash, failed, context):
            raise Retry(AGAIN_S, "the worker broke off") from error
        return
    app.room.execute(progress.end, ending, context)


def _run(app: DiscoveryApp, found: Scan, context: Context) -> None:
    if found.state == "stopping":
        raise _StoppedError
    named = found.named
    if named is None:
        names = _look_up(app, found)
        app.room.execute(progress.record_names, names, context)
        named = names.endpoints
        found = msgspec.structs.replace(found, named=named, total=names.total)
    if named and found.done < len(named):
        found = _sweep(app, found, context, {"endpoints": named}, before=0)
    if found.networks:
        part = {"include": found.networks, "ports": found.ports, "exclude": found.exclude}
        found = _sweep(app, found, context, part, before=len(named))
    _look_again(app, found, context)


def _look_up(app: DiscoveryApp, found: Scan) -> Names:
    """Each name is resolved once; what it leads to is dialled, whatever it says later (rebinding)."""
    endpoints: list[Endpoint] = []
    problems = []
    for name in found.names:
        known = app.hosts.look_up(name)
        if known.addresses and name not in found.proved and not _allowed(known, app.own):
            detail = f"{name} leads to an address that the operator has not allowed, and is not proved."
            known = Lookup((), "address_refused", detail)
        if not known.addresses:
            problems.append({"name": name, "reason": known.reason, "detail": known.detail})
        endpoints += [
            Endpoint(address, port, name, DEFAULT_PORTS.get(port))
            for address in known.addresses
            for port in found.ports
        ]
    total = found.total - len(found.names) * len(found.ports) + len(endpoints)
    return Names(scan_id=found.scan_id, endpoints=endpoints, problems=problems, total=total)


def _allowed(known: Lookup, own: DiscoverySettings) -> bool:
    return all(inside(ip_network(address), own.external_networks) for address in known.addresses)


def _order(app: DiscoveryApp, found: Scan, part: Mapping[str, Any], start: int) -> dict[str, Any]:
    own = app.own
    limits = {"connect_s": own.connect_timeout_s, "talk_s": own.talk_timeout_s, "in_flight": own.in_flight}
    limits["per_host"] = own.per_host
    return {"scan": {**part, **limits, "syn": own.syn, "rate": found.rate, "from": start}}


def _sweep(app: DiscoveryApp, found: Scan, context: Context, part: Mapping[str, Any], *, before: int) -> Scan:
    """One part of a scan, endpoints or networks, after `before` endpoints of the part in front of it."""
    start = max(0, found.done - before)
    with app.prober.run(_order(app, found, part, start)) as session:
        waiting: list[Found] = []
        now = Progress(done=start, total=found.total - before)
        written = time.monotonic()
        for said in session.lines():
            if isinstance(said, Found):
                waiting.append(said)
            elif isinstance(said, Progress):
                now = said
            elif isinstance(said, End):
                return _end_part(app, found, context, waiting, said, before=before)
            if len(waiting) < MOST_FOUND and time.monotonic() - written < FLUSH_S:
                continue
            # Nothing that was found may lie before `done` and yet be unwritten: progress comes after what it counts.
            for piece in _pieces(waiting):
                if _store(app, _batch(found, piece, now, before), context) != "running":
                    session.stop()
            waiting = []
            written = time.monotonic()
    raise WorkerError("it ended without saying so")


def _end_part(app: DiscoveryApp, found: Scan, context: Context, waiting: list[Found], end: End, *, before: int) -> Scan:
    failures = dict(found.failures)
    for reason, count in end.failures.items():
        failures[reason] = failures.get(reason, 0) + count
    now = Progress(done=end.done, total=end.total)
    state = "running"
    for piece in _pieces(waiting):
        batch = msgspec.structs.replace(_batch(found, piece, now, before), failures=failures, failing={})
        state = _store(app, batch, context)
    if end.stopped or state != "running":
        raise _StoppedError
    total = before + end.total if _is_last(found, before) else found.total
    return msgspec.structs.replace(found, done=before + end.done, total=total, failures=failures)


def _store(app: DiscoveryApp, batch: Batch, context: Context) -> str:
    """Takes over what came in. Nothing of thousands of certificates is garbage before the end, and to look for some
    dozens of times on the way is a tenth of the work."""
    looks = gc.isenabled()
    gc.disable()
    try:
        return app.room.execute(progress.take, batch, context)
    finally:
        if looks:
            gc.enable()


def _is_last(found: Scan, before: int) -> bool:
    """Whether the part after `before` endpoints is the last one: names come first, networks after them."""
    return before > 0 or not (found.networks and found.named)


def _pieces(found: Sequence[Found]) -> Iterator[list[Found]]:
    """At most `MOST_FOUND` at a time; one empty piece when there is nothing, since progress is written all the same."""
    for start in range(0, max(len(found), 1), MOST_FOUND):
        yield list(found[start : start + MOST_FOUND])


def _batch(found: Scan, piece: list[Found], now: Progress, before: int) -> Batch:
    return Batch(
        scan_id=found.scan_id,
        account_id=found.account_id,
        found=piece,
        done=before + now.done,
        total=before + now.total if _is_last(found, before) else found.total,
        rate=now.rate or 0.0,
        seconds_left=now.seconds_left,
        failing=now.failures,
    )


def _look_again(app: DiscoveryApp, found: Scan, context: Context) -> None:
    """Places of the scan before that this one did not find are asked once more, each with its own answer, so that
    silence and an answer without a certificate are told apart. What may not be dialled any more, since the operator has
    changed the rule, is not."""
    if not found.compared_with:
        return
    with app.room.query() as connection:
        missing = missing_from(connection, found.scan_id, found.compared_with)
    endpoints = [
        Endpoint(spot.address, spot.port, spot.name or None, kept.starttls or None)
        for spot, kept in missing.items()
        if app.hosts.look_up(spot.address).addresses
    ]
    if not endpoints:
        return
    seen: list[Found] = []
    missed: list[Missing] = []
    now = Progress(done=found.done, total=found.total)
    written = time.monotonic()
    with app.prober.run(_order(app, found, {"endpoints": endpoints, "tell_missed": True}, 0)) as session:
        for said in session.lines():
            if isinstance(said, Found):
                seen.append(said)
            elif isinstance(said, Missed):
                missed.append(_missing(found, said))
            elif isinstance(said, End):
                _end_again(app, context, [_batch(found, piece, now, 0) for piece in _pieces(seen)], missed, said)
                return
            if time.monotonic() - written >= FLUSH_S:
                if app.room.execute(progress.take, _batch(found, [], now, 0), context) != "running":
                    session.stop()
                written = time.monotonic()
    raise WorkerError("it ended without saying so")


def _missing(found: Scan, said: Missed) -> Missing:
    return Missing(
        scan_id=found.scan_id,
        account_id=found.account_id,
        address=said.address,
        port=said.port,
        name=said.server_name or "",
        silent=said.reason in SILENT,
    )


def _end_again(app: DiscoveryApp, context: Context, batches: list[Batch], missed: list[Missing], end: End) -> None:
    for batch in batches:
        if app.room.execute(progress.take, batch, context) != "running":
            raise _StoppedError
    if end.stopped:
        raise _StoppedError
    app.room.execute(progress.record_missing, missed, context)


@jobs.kind(checks.CHECK, attempts=3, backoff=(AGAIN_S,), timeout=600)
def check(app: DiscoveryApp, payload: dict[str, Any]) -> None:
    """Looks closely at one endpoint and judges it."""
    context = system("discovery", account_id=payload["account_id"])
    asked = app.room.execute(checks.begin, payload["check_id"], context)
    if asked is None:
        return
    known = app.hosts.look_up(asked.fqdn)
    if not known.addresses:
        failed = checks.Outcome(check_id=asked.check_id, reason=known.reason, detail=known.detail)
        app.room.execute(checks.record, failed, context)
        return
    try:
        outcome = _survey(app, asked, known.addresses[0], context)
    except WorkerError as error:
        _log.warning("the worker of check %s broke off: %s", asked.check_id, error)
        outcome = checks.Outcome(check_id=asked.check_id, reason="worker_failed", detail=str(error)[:200])
    app.room.execute(checks.record, outcome, context)


def _survey(app: DiscoveryApp, asked: checks.Asked, address: str, context: Context) -> checks.Outcome:
    order = {
        "address": address,
        "port": asked.port,
        "server_name": "" if asked.fqdn == address else asked.fqdn,
        "starttls": asked.starttls,
        "depth": asked.depth,
        "web": asked.starttls == "",
        "plain_port": WEB_PORT if asked.starttls == "" else 0,
    }
    survey = _looked(app, asked, order, context)
    # The worker has ended: judging asks others, and may take a while.
    verdict = None if survey["failure"] else app.judge.judge(survey, inventory.moduli(app.room, context))
    return checks.Outcome(check_id=asked.check_id, address=address, survey=survey, verdict=verdict)


def _looked(app: DiscoveryApp, asked: checks.Asked, order: dict[str, Any], context: Context) -> dict[str, Any]:
    with app.prober.run({"survey": order}) as session:
        for said in session.lines():
            if isinstance(said, Step):
                step = checks.Stage(check_id=asked.check_id, done=said.done, total=said.total)
                app.room.execute(checks.note_step, step, context)
            elif isinstance(said, Surveyed):
                return said.survey
    raise WorkerError("it ended without a survey")
