# SPDX-License-Identifier: Apache-2.0
"""Reading and writing channels and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.alerts.projections.watching import needs_attention
from services.alerts.tables import channels, feed_links, watched
from shared.contracts.alert_channels import ChannelView, FeedLinkView, WatchedEnd

MOST_ENDS = 1000


def add_channel(connection: sa.Connection, values: dict[str, Any]) -> None:
    """A new one."""
    connection.execute(sa.insert(channels), values)


def keep_channel(connection: sa.Connection, channel_id: str, **values: Any) -> None:
    """Writes columns of one that may have gone meanwhile."""
    if values:
        connection.execute(sa.update(channels).where(channels.c.channel_id == channel_id).values(**values))


def remove_channel(connection: sa.Connection, channel_id: str) -> None:
    """With everything that was known of it."""
    connection.execute(sa.delete(channels).where(channels.c.channel_id == channel_id))


def find_channel(connection: sa.Connection, channel_id: str) -> sa.Row[Any] | None:
    """One channel of anybody."""
    return connection.execute(sa.select(channels).where(channels.c.channel_id == channel_id)).first()


def channels_of(connection: sa.Connection, account_id: str) -> Sequence[sa.Row[Any]]:
    """Oldest first."""
    chosen = sa.select(channels).where(channels.c.account_id == account_id)
    return connection.execute(chosen.order_by(channels.c.created_at, channels.c.channel_id)).all()


def is_listening(connection: sa.Connection, account_id: str) -> bool:
    """Whether a channel of the account is on."""
    chosen = sa.select(channels.c.channel_id).where(channels.c.account_id == account_id, channels.c.enabled.is_(True))
    return connection.execute(chosen.limit(1)).first() is not None


def digests_before(connection: sa.Connection, moment: str) -> Sequence[str]:
    """Channels whose day is over."""
    chosen = sa.select(channels.c.channel_id).where(
        channels.c.digest == "daily", channels.c.enabled.is_(True), channels.c.digest_at <= moment
    )
    return connection.execute(chosen).scalars().all()


def channel_view(row: sa.Row[Any]) -> ChannelView:
    """A channel without its secrets."""
    return ChannelView(
        channel_id=row.channel_id,
        kind=row.kind,
        name=row.name,
        target=row.shown_target,
        enabled=bool(row.enabled),
        digest=row.digest,
        alerts=row.alerts,
        created_at=row.created_at,
        last_at=row.last_at,
        last_result=row.last_result,
        last_detail=row.last_detail,
    )


# --- links ---------------------------------------------------------------------------------------------------------


def add_link(connection: sa.Connection, link: FeedLinkView, account_id: str, token_sha256: str) -> None:
    """A new one; of its secret only the hash is kept."""
    values = {"link_id": link.link_id, "name": link.name, "created_at": link.created_at}
    connection.execute(sa.insert(feed_links), {**values, "account_id": account_id, "token_sha256": token_sha256})


def end_link(connection: sa.Connection, account_id: str, link_id: str) -> bool:
    """False when the account has no such link."""
    mine = sa.and_(feed_links.c.link_id == link_id, feed_links.c.account_id == account_id)
    return bool(connection.execute(sa.delete(feed_links).where(mine)).rowcount)


def links_of(connection: sa.Connection, account_id: str) -> list[FeedLinkView]:
    """Oldest first."""
    chosen = sa.select(feed_links).where(feed_links.c.account_id == account_id)
    rows = connection.execute(chosen.order_by(feed_links.c.created_at, feed_links.c.link_id))
    return [FeedLinkView(link_id=row.link_id, name=row.name, created_at=row.created_at) for row in rows]


def find_link(connection: sa.Connection, token_sha256: str) -> sa.Row[Any] | None:
    """The link of a secret."""
    return connection.execute(sa.select(feed_links).where(feed_links.c.token_sha256 == token_sha256)).first()


def coming_ends(connection: sa.Connection, account_id: str, after: str) -> list[WatchedEnd]:
    """Certificates that somebody would miss, the next one to end first."""
    chosen = sa.select(watched).where(watched.c.account_id == account_id, watched.c.not_after > after)
    rows = connection.execute(chosen.order_by(watched.c.not_after).limit(MOST_ENDS)).all()
    return [
        WatchedEnd(
            fingerprint_sha256=row.fingerprint,
            names=row.names,
            serial=row.serial,
            not_after=row.not_after,
            order_id=row.order_id,
        )
        for row in rows
        if needs_attention(connection, row)
    ]
