# SPDX-License-Identifier: Apache-2.0
"""What people and programs are told: expiry alerts, mails, and the feed of every event of an account."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "alerts"


class AlertSettings(View):
    """`days_before` expiry at which alerts begin; repeated every `repeat_days` until resolved.

    `low_balance` is the deposit, in minor units, below which an alert begins; None = off.
    """

    days_before: list[int]
    email: bool
    repeat_days: int = 7
    addresses: list[str] = []  # none = the account's contact
    low_balance: int | None = None


class AlertView(View):
    """Something that needs a person. `state`: open, acknowledged, resolved.

    `names` and `serial` are the certificate's.
    """

    alert_id: str
    kind: str  # expiry, low_balance, proof_missing, installation_failing, site_drift
    state: str
    severity: str  # notice, warning, critical
    text: str
    raised_at: str
    subject: str
    order_id: str = ""
    fingerprint_sha256: str = ""
    not_after: str | None = None
    last_notified_at: str | None = None
    resolved_at: str | None = None
    muted: bool = False  # no more mails about it
    names: list[str] = []
    serial: str = ""


class MailView(View):
    """A mail that was written to the folder because no SMTP server is set."""

    mail_id: str
    at: str
    to: list[str]
    subject: str
    text: str = ""


class FeedEvent(View):
    """A CloudEvents 1.0 event of the own account, with its place in the feed."""

    position: int
    cloudevent: dict[str, Any]


class FeedPage(View):
    """`next_after` is where to go on, also when nothing is new."""

    events: list[FeedEvent]
    next_after: int


@query(SERVICE, Permission.VIEW)
class GetAlertSettings(Request[AlertSettings]):
    """The rule of the own account."""


@command(SERVICE, Permission.ADMINISTER)
class SetAlertSettings(Request[AlertSettings]):
    """Changes the rule; days 1 … 365, at most 10 of them, at most 5 addresses.

    `low_balance` stays as it is where it is not given; 0 turns it off.
    """

    days_before: list[int]
    email: bool
    repeat_days: int = 7
    addresses: list[str] = []
    low_balance: int | None = None


@query(SERVICE, Permission.VIEW)
class ListAlerts(Request[Page[AlertView]]):
    """Alerts of the own account, newest first."""

    state: str | None = None
    limit: int = 50
    cursor: str | None = None


@command(SERVICE, Permission.VIEW)
class AcknowledgeAlert(Request[AlertView]):
    """Says that somebody looks after it: no more mails until it changes."""

    alert_id: str


@command(SERVICE, Permission.ADMINISTER)
class MuteAlert(Request[AlertView]):
    """No more mails about this certificate or deposit, however bad it gets; with `muted` false they come again."""

    alert_id: str
    muted: bool = True


@query(SERVICE, Permission.OPERATOR)
class ListMails(Request[Page[MailView]]):
    """Mails in the folder, newest first."""

    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.OPERATOR)
class GetMail(Request[MailView]):
    """One mail with its text."""

    mail_id: str


@query(SERVICE, Permission.VIEW)
class ReadFeed(Request[FeedPage]):
    """Events of the own account after a position; operators without an account get all. `types` narrows it."""

    after: int = 0
    limit: int = 100
    types: list[str] = []


@query(SERVICE, Permission.INTERNAL)
class GetFeedHead(Request[FeedPage]):
    """Only the newest position, to know whether it is worth reading."""


class AuditEntry(View):
    """Who did what: `actor` is user:, token:, agent: or system: with an id, or public; `summary` is one sentence.

    `data` is the event's, with long texts cut. `account_id` is None for what is nobody's.
    """

    position: int
    at: str
    type: str
    actor: str
    subject: str
    summary: str
    remote_address: str
    account_id: str | None
    data: dict[str, Any]


@query(SERVICE, Permission.ADMINISTER)
class ListAudit(Request[Page[AuditEntry]]):
    """The account's events, newest first; operators without an account get everybody's.

    `actor` is exact, `type` too unless it ends with a dot, such as `accounts.`; `search` looks into subject and
    summary; `since` and `until` are RFC 3339; `people` leaves out what agents and services did. `total` counts.
    """

    actor: str | None = None
    type: str | None = None
    search: str | None = None
    since: str | None = None
    until: str | None = None
    people: bool = False
    total: bool = False
    limit: int = 50
    cursor: str | None = None


@event("alerts.AlertRaised")
class AlertRaised(Event):
    """A certificate comes to its end, or the deposit does (`kind` low_balance; then it names no certificate)."""

    alert_id: str
    account_id: str
    kind: str
    fingerprint_sha256: str
    not_after: str
    severity: str


@event("alerts.AlertAcknowledged")
class AlertAcknowledged(Event):
    """Somebody looks after it."""

    alert_id: str
    account_id: str


@event("alerts.AlertMuted")
class AlertMuted(Event):
    """Mails about it end, or come again."""

    alert_id: str
    account_id: str
    muted: bool


@event("alerts.AlertResolved")
class AlertResolved(Event):
    """Replaced, renewed, or filled up."""

    alert_id: str
    account_id: str


@event("alerts.NotificationSent")
class NotificationSent(Event):
    """A mail went out; the address is not part of history."""

    alert_id: str
    account_id: str
    channel: str


@event("alerts.ChannelMade")
class ChannelMade(Event):
    """Where it leads is no part of history."""

    channel_id: str
    account_id: str
    kind: str


@event("alerts.ChannelChanged")
class ChannelChanged(Event):
    """Its name, target, or what goes there."""

    channel_id: str
    account_id: str


@event("alerts.ChannelRemoved")
class ChannelRemoved(Event):
    """Nothing goes there any more."""

    channel_id: str
    account_id: str


@event("alerts.FeedLinkMade")
class FeedLinkMade(Event):
    """Its secret is no part of history."""

    link_id: str
    account_id: str


@event("alerts.FeedLinkEnded")
class FeedLinkEnded(Event):
    """It leads nowhere from now on."""

    link_id: str
    account_id: str
