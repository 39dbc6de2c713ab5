# SPDX-License-Identifier: Apache-2.0
"""Who did what and when: the feed in the order and words of an audit log."""

from __future__ import annotations

from typing import Any

import msgspec

from services.alerts.model.audit import shortened
from services.alerts.projections.audit import list_audit
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts.alerts import AuditEntry, ListAudit
from shared.contracts.base import Page
from shared.contracts.paging import cursor_at, number_after
from shared.contracts.tenancy import scope_of
from shared.errors import invalid
from shared.eventstore.room import Room

MAX_PAGE = 200


def entries(room: Room, request: ListAudit, context: Context) -> Page[AuditEntry]:
    """One page, newest first; operators without an account see everybody's. Errors: invalid, forbidden."""
    scope = scope_of(context)
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} entries.", "/limit")
    since, until = _moment(request.since, "/since"), _moment(request.until, "/until")
    before = number_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        rows, total = list_audit(connection, scope, request, since=since, until=until, before=before)
    shown = rows[: request.limit]
    cursor = cursor_at(shown[-1].position) if len(rows) > request.limit else None
    return Page(items=[_entry(row) for row in shown], next_cursor=cursor, total=total)


def _moment(text: str | None, pointer: str) -> str | None:
    if text is None:
        return None
    try:
        return to_text(from_text(text))
    except (ValueError, OverflowError):
        raise invalid("Give a moment such as 2026-11-23T12:00:00Z.", pointer) from None


def _entry(row: Any) -> AuditEntry:
    data = msgspec.json.decode(row.cloudevent).get("data", {})
    return AuditEntry(
        position=row.position,
        at=row.at,
        type=row.type,
        actor=row.actor,
        subject=row.subject,
        summary=row.summary,
        remote_address=str(data.get("remote_address", "")),
        account_id=row.account_id,
        data=shortened(data),
    )
