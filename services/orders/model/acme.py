# SPDX-License-Identifier: Apache-2.0
"""ACME orders as versions of an order of ours: begun before the CSR, proved, then finalized with it (ADR 0019)."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from typing import NamedTuple

from services.orders.model.issuing import normal_serial, with_issuance
from services.orders.model.order import Order
from services.orders.model.renewal import RENEW_BEFORE
from services.orders.model.requesting import accept_csr
from services.orders.model.status import ENDS, actions_of, status_of
from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.errors import Code, ServiceError
from shared.eventsourcing.event import Event
from shared.pki.csr import CSR

LIFETIME = timedelta(days=7)
# While one ACME account of a customer has begun with an order, another waits for its turn.
TURN = timedelta(minutes=5)
_CERTIFICATE_ID = re.compile(r"((?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4})\.((?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4})")
REISSUE_REASON = "asked for by an ACME client"


class Opened(NamedTuple):
    """An ACME order as it stands in the read model."""

    acme_order_id: str
    order_id: str
    account_id: str
    acme_account_id: str
    csr_version: int
    finalized: bool
    opened_at: str
    expires_at: str
    replaces: str


def continues(order: Order, now: datetime) -> bool:
    """Whether an ACME client's next certificate belongs to this order, at no cost.

    It does until the end of the term is so near that a certificate would hardly outlast it: then a term is bought.
    """
    status = status_of(order)
    if status in ENDS or order.being_revoked:
        return False
    if order.term_ends_at is None:
        return True  # nothing was issued yet
    return "reissue" in actions_of(order, now) and from_text(order.term_ends_at) - now > RENEW_BEFORE


def renewable(order: Order, now: datetime) -> bool:
    """Whether an order that does not continue is renewed by the next one."""
    return order.renewed_by is None and "renew" in actions_of(order, now)


def open_order(
    order: Order, *, acme_order_id: str, acme_account_id: str, thumbprint: str, replaces: str, now: datetime
) -> c.ACMEOrderOpened:
    """Reserves the next CSR version of an order for an ACME client."""
    return c.ACMEOrderOpened(
        order_id=order.order_id,
        account_id=order.account_id,
        acme_order_id=acme_order_id,
        acme_account_id=acme_account_id,
        thumbprint=thumbprint,
        csr_version=order.next_version,
        names=order.names,
        expires_at=to_text(now + LIFETIME),
        replaces=replaces,
    )


def status(order: Order, opened: Opened, now: datetime) -> tuple[str, str, str]:
    """The status of an ACME order (RFC 8555 §7.1.6), and why it is invalid: a sentence and a code."""
    if opened.finalized:
        return _finalized(order, opened)
    if order.ended or status_of(order) in ENDS:
        return "invalid", order.last_failure or f"The order is {status_of(order)}.", "order_ended"
    if order.reserved != opened.csr_version or order.csr_version >= opened.csr_version:
        return "invalid", "A newer request took the place of this one. Begin a new order.", "superseded"
    if from_text(opened.expires_at) <= now:
        return "invalid", "The order was not finalized in time. Begin a new one.", "expired"
    proved = all(order.authorized_next(name, now) for name in order.names)
    return ("ready" if order.paid and proved else "pending"), "", ""


def _finalized(order: Order, opened: Opened) -> tuple[str, str, str]:
    version = opened.csr_version
    if any(one.csr_version == version for one in order.certificates):
        return "valid", "", ""
    failed = next((one for one in order.issuances.values() if one.csr_version == version and one.reason), None)
    if failed is not None:
        return "invalid", failed.reason, failed.code or "issuance_failed"
    if order.ended or status_of(order) in ENDS:
        return "invalid", order.last_failure or f"The order is {status_of(order)}.", "order_ended"
    if order.csr_version != version:
        return "invalid", "Another request (CSR) took the place of this one.", "superseded"
    return "processing", "", ""


def finalize(
    order: Order, opened: Opened, csr: CSR, *, unique_value: str, key_reused: bool, now: datetime
) -> list[Event]:
    """Takes the CSR; with everything proved, the CA is asked at once. Raises action_not_allowed, invalid.

    A CSR that comes twice changes nothing.
    """
    if opened.finalized:
        return []
    word, error, code = status(order, opened, now)
    if word != "ready":
        if word == "pending" and not order.paid and all(order.authorized_next(name, now) for name in order.names):
            raise unpaid(order.number)
        raise ServiceError(
            Code.ACTION_NOT_ALLOWED, error or "Not every name of the order is proved.", extra={"code": code}
        )
    which, version = opened.acme_order_id, opened.csr_version
    events = accept_csr(order, csr, unique_value, key_reused=key_reused, acme_order_id=which, version=version)
    if order.certificate is not None:
        events = [c.ReissueRequested(order_id=order.order_id, reason=REISSUE_REASON), *events]
    return with_issuance(order, events, now)


def unpaid(number: int) -> ServiceError:
    """The refusal while the price of an order was not drawn."""
    detail = f"Order {number} is not paid: the funds of the account do not cover it. Add funds, then try again."
    return ServiceError(Code.INSUFFICIENT_FUNDS, detail)


def read_certificate_id(text: str) -> tuple[str, str]:
    """The issuer's key identifier (lower-case hex) and the serial (as `normal_serial` writes it) of RFC 9773 §4.1.

    Raises invalid.
    """
    match = _CERTIFICATE_ID.fullmatch(text)
    if match is None:
        detail = "A certificate is named by its issuer's key identifier and its serial number, in base64url."
        raise ServiceError(Code.INVALID, detail, extra={"acme": "malformed"})
    identifier, serial = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in match.groups())
    return identifier.hex(), normal_serial(serial.hex())
