# SPDX-License-Identifier: Apache-2.0
"""How orders end: cancelled, rejected, revoked, expired. Money goes back at most once, since an order ends once."""

from __future__ import annotations

from datetime import datetime

from services.orders.model.issuing import normal_serial
from services.orders.model.order import Order
from services.orders.model.status import BEFORE_ISSUANCE, MAX_NOTE, actions_of, refusal, require, status_of
from shared.clock import from_text, to_text
from shared.contracts import ca
from shared.contracts import orders as c
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event

# RFC 5280 §5.3.1, without those that a subscriber may not give or that end nothing (BR §7.2.2).
REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")


def cancel(order: Order, now: datetime) -> list[Event]:
    """The customer gives up before issuance. Raises action_not_allowed."""
    require(order, now, "cancel")
    return [
        c.OrderCancelled(
            order_id=order.order_id, account_id=order.account_id, refund=_paid(order), currency=order.currency
        )
    ]


def reject(order: Order, reason: str, now: datetime) -> list[Event]:
    """The operator refuses before issuance. Raises action_not_allowed, invalid."""
    if status_of(order) not in BEFORE_ISSUANCE:
        raise refusal(order, "reject", actions_of(order, now))
    if not reason.strip() or len(reason) > MAX_NOTE:
        raise invalid(f"Say why, for the customer, in at most {MAX_NOTE} characters.", "/reason")
    return [
        c.OrderRejected(
            order_id=order.order_id,
            account_id=order.account_id,
            reason=reason,
            refund=_paid(order),
            currency=order.currency,
        )
    ]


def revoke(order: Order, reason: str, now: datetime) -> list[Event]:
    """Every certificate of the order; asking again changes nothing. Raises action_not_allowed, invalid."""
    require(order, now, "revoke")
    if reason not in REASONS:
        raise invalid(f"The reason is one of {', '.join(REASONS)}.", "/reason")
    serials = [one.serial for one in order.certificates if one.revoked_at is None and one.serial not in order.revoking]
    if not serials:
        return []
    return [c.RevocationRequested(order_id=order.order_id, account_id=order.account_id, serials=serials, reason=reason)]


def revoke_one(order: Order, serial: str, reason: str) -> c.RevocationRequested:
    """One certificate of the order, whatever became of the order. Raises invalid, conflict when it is revoked."""
    if reason not in REASONS:
        detail = f"The reason is one of {', '.join(REASONS)}."
        raise ServiceError(Code.INVALID, detail, pointer="/reason", extra={"acme": "badRevocationReason"})
    one = next(one for one in order.certificates if one.serial == serial)
    if one.revoked_at is not None or serial in order.revoking:
        raise ServiceError(Code.CONFLICT, "This certificate is revoked already.", extra={"acme": "alreadyRevoked"})
    return c.RevocationRequested(order_id=order.order_id, account_id=order.account_id, serials=[serial], reason=reason)


def record_revocation(order: Order, event: ca.CertificateRevoked) -> list[Event]:
    """The CA says that a certificate of this order is revoked, asked for or not."""
    serial = normal_serial(event.serial)
    open_ = serial in order.revoking or any(
        one.serial == serial and one.revoked_at is None for one in order.certificates
    )
    if not open_:
        return []
    moment = to_text(from_text(event.revoked_at))
    return [c.CertRevoked(order_id=order.order_id, serial=serial, reason=event.reason, revoked_at=moment)]


def ends_at(order: Order) -> datetime | None:
    """When the order expires by the clock: its term and its newest certificate are both over. None before issuance.

    A certificate that ends inside the term ends nothing: it is reissued at no cost.
    """
    newest = order.certificate
    if newest is None or order.term_ends_at is None:
        return None
    return max(from_text(newest.not_after), from_text(order.term_ends_at))


def expire(order: Order, now: datetime) -> list[Event]:
    """The clock has passed the end of term and certificate."""
    end = ends_at(order)
    if end is None or end > now or status_of(order) not in {"issued", "installed"}:
        return []
    return [c.OrderExpired(order_id=order.order_id)]


def _paid(order: Order) -> int:
    return order.amount if order.paid else 0
