# SPDX-License-Identifier: Apache-2.0
"""Choosing a method, placing the file, asking for a look, and recording what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.dcv import projections
from services.dcv.handlers import mailing
from services.dcv.handlers.views import find, look_key, show
from services.dcv.model import authorization as model
from services.dcv.model import placing, tokens
from services.dcv.model.judging import Outcome
from services.dcv.ports import SecretMint, Target
from services.dcv.settings import DCVSettings
from shared.contracts.dcv import MAIL_METHODS, AuthorizationView, CheckDCV, ChooseMethod, PlaceDCVFile
from shared.contracts.installer import DCVFileFailed, DCVFilePlaced
from shared.contracts.orders import CSRSubmitted, OrderCancelled, OrderRejected
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork

LOOK, PLACE = "validate", "place"


class LookTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Which look a job is for."""

    authorization_id: str
    account_id: str
    order_id: str
    csr_version: int


class PlacementTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Which placement of a file failed and is to be made again."""

    authorization_id: str
    account_id: str
    order_id: str
    placement_id: str


class LookRecord(LookTarget, frozen=True, kw_only=True):
    """What a look with a method showed."""

    method: str
    outcome: Outcome


def on_csr_submitted(uow: UnitOfWork, event: Envelope[CSRSubmitted], *, settings: DCVSettings) -> None:
    """Opens, or uses again, one authorization per name; what can be proved anew without a human is begun at once."""
    csr = event.data
    for fqdn in csr.names:
        loaded = uow.load(model.stream_of(model.id_of(csr.account_id, fqdn)), model.authorization)
        events = model.request(loaded.state, csr, fqdn, uow.now)
        if events:
            # What was begun for the CSR before must not be looked up with the token of the new one.
            uow.cancel_job(LOOK, look_key(csr.order_id, fqdn))
            uow.cancel_job(PLACE, look_key(csr.order_id, fqdn))
        uow.append(loaded, *events)
        need = loaded.state.needs.get(csr.order_id)
        if not events or need is None or not need.waits:
            continue
        if need.method == "dns_persist":
            # The record may stand already: that is what it is for.
            look(uow, loaded, csr.order_id, model.ask_to_look(loaded.state, csr.order_id))
            continue
        again = model.ask_again_for_file(
            loaded.state,
            csr.order_id,
            placement_id=uow.new_id(),
            path=tokens.file_path(csr.md5),
            content=tokens.file_content(csr.sha256, settings.ca_name, csr.unique_value),
        )
        if again:
            uow.append(loaded, *again)


def on_order_ended(uow: UnitOfWork, event: Envelope[OrderCancelled] | Envelope[OrderRejected]) -> None:
    """Nobody needs the names any more: no further choices, no further looks."""
    for authorization_id in projections.needs_of_order(uow.connection, event.data.order_id):
        loaded = uow.load(model.stream_of(authorization_id), model.authorization)
        uow.append(loaded, *model.end(loaded.state, event.data.order_id))
        uow.cancel_job(LOOK, look_key(event.data.order_id, loaded.state.fqdn))
        uow.cancel_job(PLACE, look_key(event.data.order_id, loaded.state.fqdn))


def choose_method(
    uow: UnitOfWork, request: ChooseMethod, *, settings: DCVSettings, mint: SecretMint
) -> AuthorizationView:
    """Chooses; choosing e-mail sends the mail, choosing it again sends another."""
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    loaded = uow.load(model.stream_of(row.authorization_id), model.authorization)
    uow.append(loaded, *model.choose(loaded.state, row.order_id, request.method, uow.now))
    uow.cancel_job(LOOK, look_key(row.order_id, row.fqdn))
    if request.method not in model.FILE_METHODS:
        uow.cancel_job(PLACE, look_key(row.order_id, row.fqdn))
    if request.method in MAIL_METHODS:
        mailing.prepare(uow, loaded.state, row.order_id, request.email, settings=settings, mint=mint)
    return _shown(uow, row.order_id, row.fqdn, settings)


def place_file(uow: UnitOfWork, request: PlaceDCVFile, *, settings: DCVSettings) -> AuthorizationView:
    """Asks the agent of a server to place the file."""
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    loaded = uow.load(model.stream_of(row.authorization_id), model.authorization)
    asked = model.ask_for_file(
        loaded.state,
        row.order_id,
        server_id=request.server_id,
        placement_id=uow.new_id(),
        path=tokens.file_path(row.md5),
        content=tokens.file_content(row.sha256, settings.ca_name, row.unique_value),
    )
    uow.append(loaded, asked)
    uow.cancel_job(PLACE, look_key(row.order_id, row.fqdn))
    return _shown(uow, row.order_id, row.fqdn, settings)


def check(uow: UnitOfWork, request: CheckDCV, *, settings: DCVSettings) -> AuthorizationView:
    """Somebody wants a look now."""
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    _ask_to_look(uow, row.authorization_id, row.order_id)
    return _shown(uow, row.order_id, row.fqdn, settings)


def on_file_placed(uow: UnitOfWork, event: Envelope[DCVFilePlaced]) -> None:
    """The file stands: look at once."""
    placed = event.data
    state = uow.load(model.stream_of(placed.authorization_id), model.authorization).state
    need = state.needs.get(placed.order_id)
    if need is not None and need.waits and need.method in model.FILE_METHODS:
        _ask_to_look(uow, placed.authorization_id, placed.order_id)


def on_file_failed(uow: UnitOfWork, event: Envelope[DCVFileFailed]) -> None:
    """The agent could not place it: the customer sees why."""
    failed = event.data
    loaded = uow.load(model.stream_of(failed.authorization_id), model.authorization)
    need = loaded.state.needs.get(failed.order_id)
    if need is not None and need.waits:
        uow.append(loaded, model.placement_failed(loaded.state, failed.order_id, failed.placement_id, failed.reason))
        wait = placing.wait_after(loaded.state, failed.order_id, failed.placement_id, failed.code)
        if wait is not None:
            target = PlacementTarget(
                authorization_id=failed.authorization_id,
                account_id=failed.account_id,
                order_id=failed.order_id,
                placement_id=failed.placement_id,
            )
            key = look_key(failed.order_id, loaded.state.fqdn)
            uow.schedule(PLACE, key, msgspec.to_builtins(target), at=uow.now + wait)


def place_again(uow: UnitOfWork, target: PlacementTarget, *, settings: DCVSettings) -> None:
    """The time has come to ask for a file once more; it may run twice and asks once."""
    loaded = uow.load(model.stream_of(target.authorization_id), model.authorization)
    need = loaded.state.needs.get(target.order_id)
    if need is None:
        return
    asked = placing.again(
        loaded.state,
        target.order_id,
        target.placement_id,
        placement_id=uow.new_id(),
        path=tokens.file_path(need.md5),
        content=tokens.file_content(need.sha256, settings.ca_name, need.unique_value),
    )
    uow.append(loaded, *asked)


def target_of(uow: UnitOfWork, request: LookTarget) -> Target | None:
    """What the job is to look for, by now; None when nothing is to be looked for any more."""
    state = uow.load(model.stream_of(request.authorization_id), model.authorization).state
    need = state.needs.get(request.order_id)
    if need is None or not need.waits or need.csr_version != request.csr_version or need.method not in model.LOOKED_UP:
        return None
    return Target(
        state.fqdn,
        need.method,
        need.md5,
        need.sha256,
        need.unique_value,
        need.token,
        need.thumbprint,
        account_id=state.account_id,
        at=int(uow.now.timestamp()),
    )


def record_look(uow: UnitOfWork, request: LookRecord) -> None:
    """Writes down what a look showed, and when the next one comes."""
    loaded = uow.load(model.stream_of(request.authorization_id), model.authorization)
    events = model.record(
        loaded.state,
        request.order_id,
        request.outcome,
        uow.now,
        csr_version=request.csr_version,
        method=request.method,
    )
    if not events:
        return
    uow.append(loaded, *events)
    need = model.need_of(loaded.state, request.order_id)
    wait = model.next_look(need.attempts, most=model.ACME_LOOKS if need.token else model.GIVE_UP_AFTER)
    if not need.passed and wait is not None:
        _schedule(uow, request, loaded.state.fqdn, uow.now + wait)


def expire(uow: UnitOfWork, authorization_id: str) -> None:
    """Says that a proof is too old, once."""
    loaded = uow.load(model.stream_of(authorization_id), model.authorization)
    uow.append(loaded, *model.expire(loaded.state, uow.now))


def _ask_to_look(uow: UnitOfWork, authorization_id: str, order_id: str) -> None:
    loaded = uow.load(model.stream_of(authorization_id), model.authorization)
    look(uow, loaded, order_id, model.ask_to_look(loaded.state, order_id))


def look(uow: UnitOfWork, loaded: Loaded[model.Authorization], order_id: str, events: Sequence[Event]) -> None:
    """Appends what was decided, and has a look made at once if anything was."""
    if not events:
        return
    uow.append(loaded, *events)
    need = model.need_of(loaded.state, order_id)
    target = LookTarget(
        authorization_id=loaded.state.authorization_id,
        account_id=loaded.state.account_id,
        order_id=order_id,
        csr_version=need.csr_version,
    )
    _schedule(uow, target, loaded.state.fqdn, uow.now)


def _schedule(uow: UnitOfWork, target: LookTarget, fqdn: str, at: datetime) -> None:
    payload = {
        "authorization_id": target.authorization_id,
        "account_id": target.account_id,
        "order_id": target.order_id,
        "csr_version": target.csr_version,
    }
    uow.schedule(LOOK, look_key(target.order_id, fqdn), payload, at=at)


def _shown(uow: UnitOfWork, order_id: str, fqdn: str, settings: DCVSettings) -> AuthorizationView:
    return show(uow.connection, find(uow.connection, uow.context, order_id, fqdn), settings, uow.now)
