# SPDX-License-Identifier: Apache-2.0
"""Links that calendars and feed readers subscribe to: whoever has the secret reads, until the link is ended."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from services.alerts.model.channels import check_name, check_room, link_stream
from services.alerts.projections import channels as store
from services.alerts.projections import watching
from shared.clock import to_text
from shared.context import Context
from shared.contracts import alert_channels as c
from shared.contracts.alerts import FeedLinkEnded, FeedLinkMade
from shared.contracts.base import Done, Page
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.settings import Settings

NEWEST = 50


class LinkApp(Protocol):
    """What links need of the service."""

    room: Room
    settings: Settings


def list_links(room: Room, context: Context) -> Page[c.FeedLinkView]:
    """All of the account: there are few."""
    with room.query() as connection:
        items = store.links_of(connection, account_of(context))
    return Page(items=items, total=len(items))


def make_link(app: LinkApp, request: c.MakeFeedLink, context: Context) -> c.NewFeedLink:
    """The secret is stored nowhere, so that a repeated command can only say that it was made.

    Errors: invalid, action_not_allowed (too many), conflict.
    """
    token = secrets.token_urlsafe(32)
    made: list[str] = []

    def make(uow: UnitOfWork, asked: c.MakeFeedLink) -> c.NewFeedLink:
        account_id = account_of(uow.context)
        uow.lock(f"feed-links-{account_id}")
        check_room(len(store.links_of(uow.connection, account_id)), "links")
        link = c.FeedLinkView(link_id=uow.new_id(), name=check_name(asked.name), created_at=to_text(uow.now))
        store.add_link(uow.connection, link, account_id, _hash(token))
        uow.append_anywhere(link_stream(link.link_id), FeedLinkMade(link_id=link.link_id, account_id=account_id))
        made.append(link.link_id)
        return c.NewFeedLink(link=link, calendar_url="", rss_url="")

    link = app.room.execute(make, request, context).link
    if link.link_id not in made:
        said = "This link was made by the same request before, and its addresses were shown then. Make another one."
        raise ServiceError(Code.CONFLICT, said, extra={"link_id": link.link_id})
    at = f"{app.settings.public_url.rstrip('/')}/feeds/{token}"
    return c.NewFeedLink(link=link, calendar_url=f"{at}/certificates.ics", rss_url=f"{at}/alerts.rss")


def end_link(uow: UnitOfWork, request: c.EndFeedLink) -> Done:
    """Errors: not_found."""
    account_id = account_of(uow.context)
    if not store.end_link(uow.connection, account_id, request.link_id):
        raise not_found("link")
    uow.append_anywhere(link_stream(request.link_id), FeedLinkEnded(link_id=request.link_id, account_id=account_id))
    return Done(id=request.link_id)


def open_link(room: Room, request: c.OpenFeedLink) -> c.Subscription:
    """What stands behind a secret. Errors: not_found."""
    now = room.clock.now()
    with room.query() as connection:
        link = store.find_link(connection, _hash(request.token))
        if link is None:
            raise not_found("link")
        rows, _ = watching.list_alerts(connection, link.account_id, state=None, limit=NEWEST, after=None)
        return c.Subscription(
            name=link.name,
            ends=store.coming_ends(connection, link.account_id, to_text(now)),
            alerts=[watching.alert_view(row, now) for row in rows],
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()  # 256 random bits need no slow hash
