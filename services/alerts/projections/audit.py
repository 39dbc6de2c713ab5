# SPDX-License-Identifier: Apache-2.0
"""The feed as an audit log: newest first, by who, what and when."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.alerts.model.audit import by_person
from services.alerts.tables import feed
from shared.contracts.alerts import ListAudit

_BY_PERSON = feed.c.by_person == sa.literal_column("1")  # literally, or the index of people's events is not used


def list_audit(
    connection: sa.Connection,
    account_id: str | None,
    request: ListAudit,
    *,
    since: str | None,
    until: str | None,
    before: int | None,
) -> tuple[list[sa.Row[Any]], int | None]:
    """Up to `limit` + 1 rows, newest first, and how many there are on all pages when that is asked.

    None as account means everybody's. Events from `since` on and before `until`, below the position `before`.
    """
    conditions: list[sa.ColumnElement[bool]] = []
    if account_id is not None:
        conditions.append(feed.c.account_id == account_id)
    if request.people or (request.actor and by_person(request.actor)):
        conditions.append(_BY_PERSON)
    if request.actor is not None:
        conditions.append(feed.c.actor == request.actor)
    if request.type is not None:
        prefix = request.type.endswith(".")
        same = feed.c.type.startswith(request.type, autoescape=True) if prefix else feed.c.type == request.type
        conditions.append(same)
    if request.search:
        text = request.search.strip().lower()
        places = (feed.c.subject, feed.c.summary)
        conditions.append(sa.or_(*(sa.func.lower(one).contains(text, autoescape=True) for one in places)))
    if since is not None:
        conditions.append(feed.c.at >= since)
    if until is not None:
        conditions.append(feed.c.at < until)
    total = None
    if request.total:
        total = connection.execute(sa.select(sa.func.count()).select_from(feed).where(*conditions)).scalar_one()
    if before is not None:
        conditions.append(feed.c.position < before)
    newest = sa.select(feed).where(*conditions).order_by(feed.c.position.desc()).limit(request.limit + 1)
    return list(connection.execute(newest).all()), total
