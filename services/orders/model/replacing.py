# SPDX-License-Identifier: Apache-2.0
"""What a mass replacement does to one order: asked, begun once, helped on when it got stuck, its old certificate
revoked when the new one is on the wire (ADR 0023)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.orders.model import installing, requesting
from services.orders.model.ending import revoke_one
from services.orders.model.order import Certificate, Order
from services.orders.model.renewal import moved_window, window
from services.orders.model.status import ENDS, actions_of, status_of
from shared.clock import from_text
from shared.contracts import orders as c
from shared.eventsourcing.event import Event

REASON = "a mass replacement"


def begin(order: Order, replacement_id: str, *, request_id: str, now: datetime) -> list[Event]:
    """Sets the replacement going, once for ever; nothing when somebody has reissued the certificate meanwhile.

    A reissue that is under way already is the replacement: a second one is not asked for.
    """
    wanted = order.to_be_replaced
    if wanted is None or wanted.replacement_id != replacement_id or wanted.begun or wanted.way != "agent":
        return []
    if "reissue" not in actions_of(order, now) or order.being_revoked:
        return []
    begun = c.ReplacementBegun(order_id=order.order_id, replacement_id=replacement_id)
    if order.reissuing:
        return [begun, *requesting.ask_again(order, request_id=request_id)]
    return [begun, *requesting.reissue_on_its_server(order, REASON, request_id=request_id)]


def try_again(order: Order, *, new_id: Callable[[], str], now: datetime) -> list[Event]:
    """What failed on the way, asked for once more: key and CSR, or the sites that could not be brought along."""
    if "reissue" not in actions_of(order, now) or order.being_revoked:
        return []
    if order.reissuing:
        return requesting.ask_again(order, request_id=new_id())
    return installing.install_failed_again(order, new_id=new_id)


def revoke_old(order: Order, serial: str, reason: str) -> list[Event]:
    """The revocation of a replaced certificate; nothing when it is the newest, revoked, or being revoked."""
    newest = order.certificate
    old = next((one for one in order.certificates if one.serial == serial), None)
    if old is None or newest is None or newest.serial == serial or status_of(order) in ENDS:
        return []
    if old.revoked_at is not None or serial in order.revoking:
        return []
    return [revoke_one(order, serial, reason)]


def window_of(order: Order, certificate: Certificate) -> tuple[datetime, datetime]:
    """When a certificate of the order should be replaced (RFC 9773 §4.2): at once, which is a window in the past, when
    it is revoked, about to be, or hit by a mass replacement; else as another CA suggests for what it has issued."""
    begins, ends = from_text(certificate.not_before), from_text(certificate.not_after)
    if certificate.revoked_at is not None:
        return moved_window(begins, from_text(certificate.revoked_at))
    if certificate.serial in order.revoking:
        return moved_window(begins, begins)
    wanted = order.replacing
    if wanted is not None and wanted.serial == certificate.serial:
        return moved_window(begins, from_text(wanted.at))
    suggested = order.suggested
    if suggested is not None and suggested.serial == certificate.serial:
        return from_text(suggested.start), from_text(suggested.end)
    return window(begins, ends, from_text(order.term_ends_at) if order.term_ends_at else None)
