# SPDX-License-Identifier: Apache-2.0
"""An authorization as its events leave it: one account, one FQDN, the orders that need it, and the newest proof."""

from __future__ import annotations

import msgspec

from shared.clock import derived_id
from shared.contracts.dcv import (
    AuthorizationExpired,
    AuthorizationRequested,
    DCVFileRequested,
    DCVPassed,
    MethodChosen,
    ValidationAttempted,
    ValidationEnded,
)
from shared.errors import not_found
from shared.eventsourcing.fold import Fold


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one order needs: its present CSR's token, the method, and how far it is; `ended` with the order.

    Of an ACME client it needs the answer to `token`, and no CSR is there yet. `placements` is how often agents were
    asked for the file of this CSR by the service itself, `placement_id` the newest of these.
    """

    order_id: str
    csr_version: int
    method: str
    md5: str
    sha256: str
    unique_value: str
    token: str = ""
    thumbprint: str = ""
    attempts: int = 0
    placements: int = 0
    placement_id: str = ""
    passed: bool = False
    ended: bool = False

    @property
    def waits(self) -> bool:
        """Whether a proof is still wanted."""
        return not (self.passed or self.ended)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The newest proof of control; `at` is RFC 3339."""

    at: str
    method: str
    expires_at: str
    expired: bool = False


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one authorization stream. Without `authorization_id` it does not exist yet."""

    authorization_id: str = ""
    account_id: str = ""
    fqdn: str = ""
    needs: dict[str, Need] = {}
    proof: Proof | None = None


authorization: Fold[Authorization] = Fold(Authorization)


def stream_of(authorization_id: str) -> str:
    """The stream of an authorization."""
    return f"authorization-{authorization_id}"


def id_of(account_id: str, fqdn: str) -> str:
    """One authorization per account and FQDN, for ever."""
    return derived_id("authorization", account_id, fqdn)


def _with_need(state: Authorization, need: Need) -> Authorization:
    return msgspec.structs.replace(state, needs={**state.needs, need.order_id: need})


@authorization.on(AuthorizationRequested)
def _requested(state: Authorization, event: AuthorizationRequested) -> Authorization:
    need = Need(
        order_id=event.order_id,
        csr_version=event.csr_version,
        method=event.method,
        md5=event.md5,
        sha256=event.sha256,
        unique_value=event.unique_value,
        token=event.token,
        thumbprint=event.thumbprint,
    )
    known = msgspec.structs.replace(
        state, authorization_id=event.authorization_id, account_id=event.account_id, fqdn=event.fqdn
    )
    return _with_need(known, need)


@authorization.on(MethodChosen)
def _chosen(state: Authorization, event: MethodChosen) -> Authorization:
    return _with_need(state, msgspec.structs.replace(state.needs[event.order_id], method=event.method))


@authorization.on(DCVFileRequested)
def _file_requested(state: Authorization, event: DCVFileRequested) -> Authorization:
    need = state.needs[event.order_id]
    if event.server_id:
        return _with_need(state, msgspec.structs.replace(need, placement_id=""))  # a person sees to it now
    placed = msgspec.structs.replace(need, placements=need.placements + 1, placement_id=event.placement_id)
    return _with_need(state, placed)


@authorization.on(ValidationAttempted)
def _attempted(state: Authorization, event: ValidationAttempted) -> Authorization:
    need = state.needs[event.order_id]
    if event.csr_version != need.csr_version:
        return state
    return _with_need(state, msgspec.structs.replace(need, attempts=need.attempts + 1))


@authorization.on(DCVPassed)
def _passed(state: Authorization, event: DCVPassed) -> Authorization:
    need = state.needs[event.order_id]
    if event.csr_version == need.csr_version:
        state = _with_need(state, msgspec.structs.replace(need, passed=True))
    if event.reused:
        return state
    return msgspec.structs.replace(
        state, proof=Proof(at=event.proved_at, method=event.method, expires_at=event.expires_at)
    )


@authorization.on(ValidationEnded)
def _ended(state: Authorization, event: ValidationEnded) -> Authorization:
    return _with_need(state, msgspec.structs.replace(state.needs[event.order_id], ended=True))


@authorization.on(AuthorizationExpired)
def _expired(state: Authorization, _event: AuthorizationExpired) -> Authorization:
    if state.proof is None:
        return state
    return msgspec.structs.replace(state, proof=msgspec.structs.replace(state.proof, expired=True))


def need_of(state: Authorization, order_id: str) -> Need:
    """The need of an order. Raises not_found."""
    try:
        return state.needs[order_id]
    except KeyError:
        raise not_found("authorization") from None
