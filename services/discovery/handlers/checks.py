# SPDX-License-Identifier: Apache-2.0
"""The SSL checker: asked for, run by a job, kept, compared."""

from __future__ import annotations

from typing import Any

import msgspec

from services.discovery.model.checked import certificates_of
from services.discovery.model.comparison import compare
from services.discovery.ports import Hosts
from services.discovery.projections import checks as table
from services.discovery.settings import DiscoverySettings
from shared.clock import to_text
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.discovery import (
    DEPTHS,
    CheckComparison,
    CheckFinished,
    CheckView,
    CompareChecks,
    GetCheck,
    ListChecks,
    RunCheck,
)
from shared.contracts.paging import cursor_at, number_after
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.probe.starttls import STARTTLS

CHECK = "check"
MAX_PAGE = 200
PROTOCOLS = ("", *STARTTLS)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A check as its job sees it."""

    check_id: str
    fqdn: str
    port: int
    starttls: str
    depth: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """How far a check is."""

    check_id: str
    done: int
    total: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check: survey and verdict, or the reason why there are none."""

    check_id: str
    address: str = ""
    survey: dict[str, Any] | None = None
    verdict: dict[str, Any] | None = None
    reason: str = ""
    detail: str = ""


def vet(hosts: Hosts, request: RunCheck) -> RunCheck:
    """The request with its host in the one form that it has. Looks names up: call it before the transaction.

    Errors: invalid, with the reason, for a host that is not dialled or has no address.
    """
    host = request.fqdn.strip().rstrip(".").lower()
    known = hosts.look_up(host)
    if not known.addresses:
        raise ServiceError(Code.INVALID, known.detail, pointer="/fqdn", extra={"reason": known.reason})
    return msgspec.structs.replace(request, fqdn=host)


def run_check(uow: UnitOfWork, request: RunCheck, *, settings: DiscoverySettings) -> CheckView:
    """Writes the check down and leaves the job. Errors: invalid, rate_limited."""
    account_id = account_of(uow.context)
    if not 1 <= request.port <= 65_535:
        raise invalid("A port is between 1 and 65535.", "/port")
    if request.depth not in DEPTHS:
        raise invalid(f"The depth is one of {', '.join(DEPTHS)}.", "/depth")
    if request.starttls not in PROTOCOLS:
        raise invalid(f"STARTTLS is empty or one of {', '.join(PROTOCOLS[1:])}.", "/starttls")
    uow.lock(f"checks-{account_id}")
    if table.count_open(uow.connection, account_id) >= settings.checks_per_account:
        raise ServiceError(
            Code.RATE_LIMITED, f"{settings.checks_per_account} checks run already. Wait for one of them."
        )
    check_id = uow.new_id()
    row = {
        "id": check_id,
        "account_id": account_id,
        "fqdn": request.fqdn,
        "port": request.port,
        "starttls": request.starttls,
        "depth": request.depth,
        "state": "waiting",
        "reason": "",
        "detail": "",
        "grade": "",
        "address": "",
        "steps": 0,
        "steps_total": 0,
        "verdict": None,
        "survey": None,
        "created_at": to_text(uow.now),
        "ended_at": None,
    }
    table.insert_check(uow.connection, row)
    uow.schedule(CHECK, check_id, {"check_id": check_id, "account_id": account_id})
    return _found(uow.connection, check_id, account_id)


def begin(uow: UnitOfWork, check_id: str) -> Asked | None:
    """Takes up a check; None when it has ended."""
    row = table.find_check(uow.connection, check_id)
    if row is None or row.state not in {"waiting", "running"}:
        return None
    table.change_check(uow.connection, check_id, state="running")
    return Asked(check_id=row.id, fqdn=row.fqdn, port=row.port, starttls=row.starttls, depth=row.depth)


def note_step(uow: UnitOfWork, stage: Stage) -> None:
    """How far it is."""
    table.change_check(uow.connection, stage.check_id, steps=stage.done, steps_total=stage.total)


def record(uow: UnitOfWork, outcome: Outcome) -> None:
    """The end of a check. An endpoint that speaks no TLS is a failed check: its reason is the survey's."""
    row = table.find_check(uow.connection, outcome.check_id)
    if row is None or row.state not in {"waiting", "running"}:
        return
    survey = outcome.survey or {}
    reason, detail = outcome.reason or survey.get("failure", ""), outcome.detail or survey.get("failure_detail", "")
    state = "failed" if reason else "finished"
    grade = "" if reason or outcome.verdict is None else str(outcome.verdict.get("grade") or "")
    table.change_check(
        uow.connection,
        row.id,
        state=state,
        reason=reason,
        detail=detail,
        grade=grade,
        address=outcome.address,
        survey=outcome.survey,
        verdict=None if reason else outcome.verdict,
        ended_at=to_text(uow.now),
    )
    finished = CheckFinished(
        check_id=row.id, account_id=row.account_id, fqdn=row.fqdn, port=row.port, state=state, grade=grade
    )
    uow.append_anywhere(f"check-{row.id}", finished)


def _found(connection: Any, check_id: str, account_id: str) -> CheckView:
    row = table.find_check(connection, check_id, account_id)
    if row is None:
        raise not_found("check")
    view = table.check_view(row)
    return view if view.survey is None else msgspec.structs.replace(view, certificates=certificates_of(view.survey))


# --- queries -------------------------------------------------------------------------------------------------------


def get_check(room: Room, request: GetCheck, context: Context) -> CheckView:
    """One check with what was seen. Errors: not_found, forbidden."""
    account_id = account_of(context)
    with room.query() as connection:
        return _found(connection, request.check_id, account_id)


def list_checks(room: Room, request: ListChecks, context: Context) -> Page[CheckView]:
    """Newest first. Errors: invalid, forbidden."""
    account_id = account_of(context)
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} checks.", "/limit")
    before = number_after(request.cursor) if request.cursor is not None else None
    fqdn = request.fqdn and request.fqdn.strip().rstrip(".").lower()
    with room.query() as connection:
        rows, total = table.list_checks(
            connection, account_id, fqdn=fqdn, port=request.port, before=before, limit=request.limit
        )
    page = rows[: request.limit]
    cursor = cursor_at(page[-1].number) if len(rows) > request.limit else None
    return Page(items=[table.check_view(row) for row in page], next_cursor=cursor, total=total)


def compare_checks(room: Room, request: CompareChecks, context: Context) -> CheckComparison:
    """The older against the newer. Errors: not_found; invalid: two endpoints, or nothing seen."""
    account_id = account_of(context)
    with room.query() as connection:
        pair = [_found(connection, one, account_id) for one in (request.check_id, request.other_check_id)]
    first, second = sorted(pair, key=lambda one: (one.created_at, one.check_id))
    if (first.fqdn, first.port) != (second.fqdn, second.port):
        raise invalid("These are checks of two endpoints.", "/other_check_id")
    if first.survey is None or second.survey is None:
        raise invalid("One of them has seen nothing.", "/other_check_id")
    changes = compare(first.survey, second.survey, (first.grade, second.grade))
    plain = [msgspec.structs.replace(one, survey=None, verdict=None, certificates=[]) for one in (first, second)]
    return CheckComparison(before=plain[0], after=plain[1], changes=changes)
