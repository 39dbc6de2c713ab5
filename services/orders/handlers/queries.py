# SPDX-License-Identifier: Apache-2.0
"""What may be asked about orders. Nothing here writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.orders.handlers.access import show, visible
from services.orders.model import requesting
from services.orders.model.history import history_entry
from services.orders.model.issuing import normal_serial
from services.orders.model.order import Order, fold, stream_of
from services.orders.model.status import STATUSES, allowed_actions
from services.orders.projections.finding import key_owner
from services.orders.projections.listing import SORTS, count_orders, list_orders
from shared.clock import from_text
from shared.context import Context
from shared.contracts import orders as c
from shared.contracts.base import Page
from shared.contracts.paging import cursor_at, number_after, ordering
from shared.errors import invalid, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room

MAX_LIMIT = 200
NEWEST = "-number"


def get_order(room: Room, request: c.GetOrder, context: Context) -> c.OrderView:
    """One order, now or at a moment."""
    if request.as_of is None:
        return show(room.events(stream_of(request.order_id)), context, room.clock.now())
    try:
        moment = from_text(request.as_of)
    except (ValueError, OverflowError):
        raise invalid("Give a moment such as 2026-11-23T12:00:00Z.", "/as_of") from None
    return show(room.events(stream_of(request.order_id), until=moment), context, moment)


def get_history(room: Room, request: c.GetOrderHistory, context: Context) -> Page[c.HistoryEntry]:
    """The order's events; the cursor is the version of the last one seen."""
    envelopes = _own(room, request.order_id, context)
    after = number_after(request.cursor) if request.cursor is not None else 0
    limit = _limit(request.limit)
    page = [envelope for envelope in envelopes if envelope.version > after][: limit + 1]
    more = len(page) > limit
    return Page(
        items=[history_entry(envelope) for envelope in page[:limit]],
        next_cursor=cursor_at(page[limit - 1].version) if more else None,
        total=len(envelopes),
    )


def list_page(room: Room, request: c.ListOrders, context: Context) -> Page[c.OrderSummary]:
    """One page in the order that was asked for; an operator sees every account's."""
    statuses = _statuses(request.status)
    place = ordering(request.sort, request.offset, request.cursor, keys=SORTS, default=NEWEST)
    before = number_after(request.cursor) if request.cursor is not None else None
    limit = _limit(request.limit)
    if not context.operator and context.account_id is None:
        return Page(items=[], total=0)
    now = room.clock.now()
    with room.query() as connection:
        rows, total = list_orders(
            connection,
            None if context.operator else context.account_id,
            place,
            statuses=statuses,
            search=request.search,
            kind=request.kind,
            limit=limit,
            before=before,
        )
    items = [_summary(row, now, operator=context.operator) for row in rows[:limit]]
    more = len(rows) > limit and request.sort == NEWEST
    return Page(items=items, next_cursor=cursor_at(items[-1].number) if more else None, total=total)


def count(room: Room, request: c.CountOrders, context: Context) -> c.OrderCounts:
    """By status; an operator counts every account's."""
    found: dict[str, int] = {}
    if context.operator or context.account_id is not None:
        with room.query() as connection:
            account_id = None if context.operator else context.account_id
            found = count_orders(connection, account_id, search=request.search, kind=request.kind)
    return c.OrderCounts(total=sum(found.values()), by_status={status: found.get(status, 0) for status in STATUSES})


def parse_csr(room: Room, request: c.ParseCSR, context: Context) -> c.ParsedCSR:
    """What a CSR says; with an order, also what does not fit it. Raises invalid when it is none."""
    csr = requesting.read_csr(request.csr)
    parsed = requesting.describe(csr)
    if request.order_id is None:
        return parsed
    order = _order(room, request.order_id, context)
    refused = requesting.misfit(order, csr)
    problems = [(refused.code, refused.detail)] if refused is not None else []
    with room.query() as connection:
        owner = key_owner(connection, csr.key.spki_sha256)
    if owner is not None and owner != order.account_id:
        problems.append((requesting.KEY_TAKEN_CODE, requesting.KEY_TAKEN))
    codes, details = [code for code, _ in problems], [detail for _, detail in problems]
    used = owner is not None and owner == order.account_id
    return msgspec.structs.replace(
        parsed,
        problems=details,
        problem_codes=codes,
        warnings=[requesting.KEY_USED] if used else [],
        warning_codes=[requesting.KEY_USED_CODE] if used else [],
    )


def get_certificate(room: Room, request: c.GetCertificate, context: Context) -> c.CertificateFile:
    """The newest certificate, or the one with that serial number."""
    order = _order(room, request.order_id, context)
    found = order.certificate
    if request.serial is not None:
        serial = normal_serial(request.serial)
        found = next((one for one in order.certificates if one.serial == serial), None)
    if found is None:
        raise not_found("certificate")
    return c.CertificateFile(
        serial=found.serial,
        pem=found.certificate_pem,
        chain_pem=found.chain_pem,
        common_name=order.common_name,
        number=order.number,
    )


def _own(room: Room, order_id: str, context: Context) -> list[Envelope[Any]]:
    envelopes = room.events(stream_of(order_id))
    if not envelopes or not visible(fold([envelopes[0].data]), context):
        raise not_found("order")
    return envelopes


def _order(room: Room, order_id: str, context: Context) -> Order:
    return fold(envelope.data for envelope in _own(room, order_id, context))


def _statuses(asked: str | None) -> list[str]:
    found = [] if asked is None else [word.strip() for word in asked.split(",")]
    if not set(found) <= set(STATUSES):
        raise invalid(f"Each status is one of {', '.join(STATUSES)}; commas stand between several.", "/status")
    return found


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"The limit is between 1 and {MAX_LIMIT}.", "/limit")
    return limit


def _summary(row: Any, now: datetime, *, operator: bool) -> c.OrderSummary:
    return c.OrderSummary(
        order_id=row.order_id,
        number=row.number,
        account_id=row.account_id,
        kind=row.kind,
        product=row.product,
        product_name=row.product_name,
        common_name=row.common_name,
        names=msgspec.json.decode(row.names),
        status=row.status,
        placed_at=row.placed_at,
        expires_at=row.expires_at,
        amount=row.amount,
        currency=row.currency,
        allowed_actions=[] if operator else allowed_actions(row.status, row.term_ends_at, now),
        version=row.version,
    )
