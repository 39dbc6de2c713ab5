# SPDX-License-Identifier: Apache-2.0
"""What the customer sees, and what may be done then: the table of ARCHITECTURE §4, in one place."""

from __future__ import annotations

from datetime import datetime

from services.orders.model.order import Order
from services.orders.model.renewal import RENEW_BEFORE, last_of_term, renewed_at
from shared.clock import from_text, to_text
from shared.errors import Code, ServiceError, invalid

ACTIONS: dict[str, tuple[str, ...]] = {
    "awaiting_payment": ("complete_payment", "cancel"),
    "waiting_for_csr": ("generate_request", "request_invoice", "cancel"),
    "processing": ("domain_control_validation", "replace_csr", "request_invoice", "cancel"),
    "issued": ("auto_install", "save", "installation_check", "renew", "reissue", "revoke", "request_invoice"),
    "installed": ("auto_install", "save", "installation_check", "renew", "reissue", "revoke", "request_invoice"),
    "paid": (),
    "expired": ("renew",),
    "cancelled": (),
    "revoked": (),
    "rejected": (),
}
STATUSES = tuple(ACTIONS)
# What an operator may do is no choice of the customer's and therefore not in the table: see `operator_actions`.
MAX_NOTE = 1000  # characters of what an operator writes into an order's history
ENDS = ("expired", "cancelled", "revoked", "rejected")
BEFORE_ISSUANCE = ("awaiting_payment", "waiting_for_csr", "processing")


def status_of(order: Order) -> str:
    """The one word for the order's state."""
    if order.ended:
        return order.ended
    if not order.paid:
        return "awaiting_payment"
    if order.kind == "topup":
        return "paid"
    newest = order.certificate
    if newest is None:
        return "processing" if order.csr else "waiting_for_csr"
    if all(one.revoked_at for one in order.certificates):
        return "revoked"
    served = any(one.there for one in order.installed(newest.csr_version))
    return "installed" if served else "issued"


def allowed_actions(status: str, term_ends_at: str | None, now: datetime) -> list[str]:
    """What the customer may do at `now`; `renew` only near the end of the term, or after it."""
    return [
        action for action in ACTIONS[status] if action != "renew" or status == "expired" or _near(term_ends_at, now)
    ]


def actions_of(order: Order, now: datetime) -> list[str]:
    """What the customer may do with this order at `now`."""
    return allowed_actions(status_of(order), order.term_ends_at, now)


def operator_actions(order: Order) -> list[str]:
    """What an operator may do with an order, whoever's it is: nothing once it is issued or over."""
    if status_of(order) not in BEFORE_ISSUANCE:
        return []
    waits = order.needs_organization and not order.organization_validated
    return ["validate_organization", "reject"] if waits else ["reject"]


def renewable_from(order: Order) -> str | None:
    """When `renew` begins to be allowed; None while that cannot be said, and for what is never renewed."""
    if order.term_ends_at is None or "renew" not in ACTIONS[status_of(order)]:
        return None
    return to_text(from_text(order.term_ends_at) - RENEW_BEFORE)


def require(order: Order, now: datetime, *actions: str) -> None:
    """Refuses with `action_not_allowed`, naming status and allowed actions, unless one of `actions` is allowed."""
    allowed = actions_of(order, now)
    if not any(action in allowed for action in actions):
        raise refusal(order, actions[0], allowed)


def refusal(order: Order, action: str, allowed: list[str]) -> ServiceError:
    """The answer to an action that the status does not have."""
    status = status_of(order)
    words = ", ".join(words_of(one) for one in allowed) or "nothing"
    return ServiceError(
        Code.ACTION_NOT_ALLOWED,
        f"Order {order.number} is {words_of(status)}: it does not allow to {words_of(action)}. Possible: {words}.",
        extra={"status": status, "action": action, "allowed_actions": ",".join(allowed)},
    )


def reissue_at(order: Order) -> datetime | None:
    """When the newest certificate is to be replaced inside its term: as its issuer suggests (RFC 9773), else as
    `renewal` says. None while there is none, and for the last one of a term.
    """
    newest, suggested = order.certificate, order.suggested
    if newest is None or order.term_ends_at is None or status_of(order) in ENDS:
        return None
    if suggested is not None and suggested.renew_at:
        return from_text(suggested.renew_at)
    begins, ends, term_ends = from_text(newest.not_before), from_text(newest.not_after), from_text(order.term_ends_at)
    return None if last_of_term(ends, term_ends) else renewed_at(begins, ends, term_ends, order.order_id)


def reissue_due(order: Order, now: datetime) -> bool:
    """Whether that moment has come."""
    moment = reissue_at(order)
    return moment is not None and order.term_ends_at is not None and moment <= now < from_text(order.term_ends_at)


def check_identifier(text: str, pointer: str, advice: str) -> None:
    """Refuses what cannot be the id of a server or site; whether it exists is the installer's to say."""
    if not 1 <= len(text) <= 64 or not text.isprintable():
        raise invalid(advice, pointer)


def words_of(name: str) -> str:
    """A status or action as people read it."""
    return name.replace("_", " ").replace("csr", "CSR")


def _near(term_ends_at: str | None, now: datetime) -> bool:
    return term_ends_at is not None and now >= from_text(term_ends_at) - RENEW_BEFORE
