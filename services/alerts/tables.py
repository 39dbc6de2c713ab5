# SPDX-License-Identifier: Apache-2.0
"""The tables of alerts. They hold state: rules and addresses may change, and the feed copies other rooms' logs."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()

settings = sa.Table(
    "settings",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("days_before", sa.JSON, nullable=False),
    sa.Column("email", sa.Boolean, nullable=False),
    sa.Column("repeat_days", sa.Integer, nullable=False),
    sa.Column("addresses", sa.JSON, nullable=False),
    sa.Column("low_balance", sa.BigInteger),
)

# Certificates whose end is watched.
watched = sa.Table(
    "watched",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("serial", sa.Text, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("not_after", sa.Text, nullable=False, index=True),
    sa.Column("own", sa.Boolean, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
)

# What may be known before the certificate that it is about: messages come in any order.
revocations = sa.Table(
    "revocations",
    projections.state,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("serial", sa.Text, primary_key=True),
)
renewals = sa.Table(
    "renewals",
    projections.state,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("by_order_id", sa.Text, primary_key=True, index=True),
)

# What servers serve now, by their newest report.
served = sa.Table(
    "served",
    projections.state,
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
)
reports = sa.Table(
    "reports",
    projections.state,
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

alerts = sa.Table(
    "alerts",
    projections.state,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("raised_at", sa.Text, nullable=False),
    sa.Column("notifications", sa.Integer, nullable=False),
    sa.Column("last_notified_at", sa.Text),
    sa.Column("resolved_at", sa.Text),
    sa.Column("muted", sa.Integer, nullable=False, server_default="0"),
    sa.Column("text", sa.Text, nullable=False, server_default=""),  # of what is no certificate
)
sa.Index("alerts_by_account", alerts.c.account_id, alerts.c.raised_at, alerts.c.alert_id)

# Where alerts go besides the mails of the rule. What may hold a secret of somebody else is sealed.
channels = sa.Table(
    "channels",
    projections.state,
    sa.Column("channel_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("shown_target", sa.Text, nullable=False),
    sa.Column("target_sealed", sa.Text, nullable=False),
    sa.Column("secret_sealed", sa.Text, nullable=False),  # empty for mails
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("alerts", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("digest_at", sa.Text, nullable=False),  # when the last day's collection ended
    sa.Column("last_at", sa.Text),
    sa.Column("last_result", sa.Text, nullable=False),
    sa.Column("last_detail", sa.Text, nullable=False),
)
sa.Index("channels_by_account", channels.c.account_id, channels.c.created_at)

feed_links = sa.Table(
    "feed_links",
    projections.state,
    sa.Column("link_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_sha256", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.Text, nullable=False),
)
sa.Index("feed_links_by_account", feed_links.c.account_id, feed_links.c.created_at)

feed = sa.Table(
    "feed",
    projections.state,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("account_id", sa.Text),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("cloudevent", sa.Text, nullable=False),
    # For the audit log; `by_person` is 1 when a user or a user's token acted.
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("by_person", sa.Integer, nullable=False, server_default="0"),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),
    sa.Column("summary", sa.Text, nullable=False, server_default=""),
)
sa.Index("feed_by_account", feed.c.account_id, feed.c.position)
# Most events are our services' own: those of people are few, and found without looking at the others.
_people = sa.text("by_person = 1")
sa.Index("feed_by_person", feed.c.account_id, feed.c.position, sqlite_where=_people, postgresql_where=_people)

# One row: whoever writes to the feed holds it until the commit, so that positions become visible in their order.
feed_head = sa.Table(
    "feed_head",
    projections.state,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, nullable=False),
)

# Whose a stream is, for events that do not say it.
owners = sa.Table(
    "owners",
    projections.state,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
)
