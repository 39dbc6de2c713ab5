# SPDX-License-Identifier: Apache-2.0
"""The alert about an order that has a certificate and cannot get the next one before somebody has proved names."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from services.alerts.handlers.lasting import About, is_open, settle
from services.alerts.handlers.watching import listened_rule
from services.alerts.model import proof_missing
from services.alerts.projections import watching as store
from shared.clock import derived_id
from shared.contracts import dcv, orders
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork

LOOK = "look_at_proofs"


class Seen(NamedTuple):
    """What validation said of an order: the names without a proof."""

    account_id: str
    order_id: str
    missing: list[str]


def alert_of(account_id: str, order_id: str) -> str:
    """The id of the one alert about an order's proofs."""
    return derived_id(proof_missing.KIND, account_id, order_id)


def on_csr_submitted(uow: UnitOfWork, envelope: Envelope[orders.CSRSubmitted]) -> None:
    """A further CSR of an order that has a certificate: looked at when what goes by itself is done."""
    event = envelope.data
    if store.newest_of_order(uow.connection, event.order_id) is not None:
        _ask(uow, event, at=uow.now + proof_missing.GRACE)


def on_dcv_passed(uow: UnitOfWork, envelope: Envelope[dcv.DCVPassed]) -> None:
    """A name is proved; was it the last one?"""
    event = envelope.data
    if is_open(uow, alert_of(event.account_id, event.order_id)):
        _ask(uow, event, at=uow.now)


def on_order_over(
    uow: UnitOfWork,
    envelope: Envelope[orders.OrderExpired] | Envelope[orders.OrderRenewed] | Envelope[orders.CertRevoked],
) -> None:
    """Nobody waits for its proofs any more. A reissue after a revocation comes with a CSR, and is looked at then."""
    order_id = envelope.data.order_id
    newest = store.newest_of_order(uow.connection, order_id)
    if newest is None:
        return
    uow.cancel_job(LOOK, order_id)
    review(uow, Seen(newest.account_id, order_id, []))


def review(uow: UnitOfWork, seen: Seen) -> None:
    """Raises or resolves the alert, whatever is due now."""
    newest = store.newest_of_order(uow.connection, seen.order_id)
    about = About(
        alert_of(seen.account_id, seen.order_id),
        seen.account_id,
        proof_missing.KIND,
        proof_missing.SEVERITY,
        fingerprint=newest.fingerprint if newest is not None else "",
        not_after=newest.not_after if newest is not None else "",
    )
    text = proof_missing.sentence(seen.missing) if seen.missing and newest is not None else ""
    settle(uow, about, text, told=listened_rule(uow.connection, seen.account_id).email)


def _ask(uow: UnitOfWork, event: orders.CSRSubmitted | dcv.DCVPassed, *, at: datetime) -> None:
    """Has validation asked; of many events in a row the last one counts."""
    payload = {"account_id": event.account_id, "order_id": event.order_id, "csr_version": event.csr_version}
    uow.schedule(LOOK, event.order_id, payload, at=at)
