# SPDX-License-Identifier: Apache-2.0
"""Names that ACME clients prove: tokens, answers, and how far each is (RFC 8555 §7.5, §8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.dcv import projections
from services.dcv.handlers import challenges
from services.dcv.handlers.views import find, look_key
from services.dcv.model import authorization as model
from services.dcv.ports import SecretMint
from shared.context import Context
from shared.contracts.dcv import (
    ACMEAuthorizationView,
    AnswerACMEChallenge,
    EndACMEAuthorization,
    GetACMEAuthorization,
)
from shared.contracts.orders import ACMEOrderOpened
from shared.errors import Code, ServiceError, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork


def on_order_opened(uow: UnitOfWork, event: Envelope[ACMEOrderOpened], *, mint: SecretMint) -> None:
    """One token per name: 256 bits of a MAC, more than the 112 that BR 3.2.2.4.7 asks of a random value."""
    opened = event.data
    for fqdn in opened.names:
        authorization_id = model.id_of(opened.account_id, fqdn)
        loaded = uow.load(model.stream_of(authorization_id), model.authorization)
        token = mint.mint(authorization_id, opened.acme_order_id, "acme").token
        events = model.request_acme(loaded.state, opened, fqdn, uow.now, token=token)
        if events:
            uow.cancel_job(challenges.LOOK, look_key(opened.order_id, fqdn))
        uow.append(loaded, *events)


def get_authorization(room: Room, request: GetACMEAuthorization, context: Context) -> ACMEAuthorizationView:
    """Token and state of one name. Raises not_found, also when a newer request took the place of this one."""
    with room.query() as connection:
        row = find(connection, context, request.order_id, request.fqdn)
        state = room.streams.load(connection, model.stream_of(row.authorization_id), model.authorization).state
        attempts = projections.attempts_of(connection, row.order_id, row.authorization_id)
    return _view(state, row, request.csr_version, attempts)


def answer(uow: UnitOfWork, request: AnswerACMEChallenge) -> ACMEAuthorizationView:
    """The answer is in its place, the client says. While it is being looked for, saying so again changes nothing."""
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    loaded = uow.load(model.stream_of(row.authorization_id), model.authorization)
    need = _need(loaded.state, row.order_id, request.csr_version)
    if not (row.validating and need.method == request.method):
        events = model.answer_acme(loaded.state, row.order_id, request.method, uow.now)
        challenges.look(uow, loaded, row.order_id, events)
    return _shown(uow, request)


def end(uow: UnitOfWork, request: EndACMEAuthorization) -> ACMEAuthorizationView:
    """The client gives up. What is proved is proved: it is used for other orders too."""
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    loaded = uow.load(model.stream_of(row.authorization_id), model.authorization)
    if _need(loaded.state, row.order_id, request.csr_version).passed:
        detail = "This name is proved. The proof belongs to the account and ends by itself."
        raise ServiceError(Code.ACTION_NOT_ALLOWED, detail, extra={"acme": "malformed"})
    uow.append(loaded, *model.end(loaded.state, row.order_id))
    uow.cancel_job(challenges.LOOK, look_key(row.order_id, row.fqdn))
    return _shown(uow, request)


def _shown(uow: UnitOfWork, request: AnswerACMEChallenge | EndACMEAuthorization) -> ACMEAuthorizationView:
    row = find(uow.connection, uow.context, request.order_id, request.fqdn)
    state = uow.load(model.stream_of(row.authorization_id), model.authorization).state
    attempts = projections.attempts_of(uow.connection, row.order_id, row.authorization_id)
    return _view(state, row, request.csr_version, attempts)


def _need(state: model.Authorization, order_id: str, csr_version: int) -> model.Need:
    need = state.needs.get(order_id)
    if need is None or need.csr_version != csr_version or not need.token:
        raise not_found("authorization")
    return need


def _view(state: model.Authorization, row: Any, csr_version: int, attempts: Sequence[Any]) -> ACMEAuthorizationView:
    need = _need(state, row.order_id, csr_version)
    newest = attempts[0] if attempts and need.attempts else None
    proof = state.proof
    return ACMEAuthorizationView(
        fqdn=state.fqdn,
        csr_version=need.csr_version,
        token=need.token,
        status=_status(need, validating=row.validating),
        method=need.method,
        reason="" if newest is None else newest.reason,
        advice="" if newest is None else newest.advice,
        validated_at=proof.at if need.passed and proof is not None else None,
    )


def _status(need: model.Need, *, validating: bool) -> str:
    if need.passed:
        return "valid"
    if need.ended:
        return "ended"
    if model.failed(need):
        return "failed"
    return "validating" if validating or need.attempts else "open"
