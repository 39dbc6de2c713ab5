# SPDX-License-Identifier: Apache-2.0
"""Ways out of alerts besides the mails of the rule: channels of an account, and links to subscribe to."""

from __future__ import annotations

from shared.contracts.alerts import SERVICE, AlertView
from shared.contracts.base import Done, Page, Permission, Request, View, command, query


class ChannelView(View):
    """Where alerts go. `kind`: email, webhook; `digest`: single, daily; `alerts`: expiry, low_balance.

    `target` is the address, or where a webhook leads without its path, which may be a secret of the receiver.
    `last_result`: delivered, failed, or empty before the first; `last_detail` says it in words.
    """

    channel_id: str
    kind: str
    name: str
    target: str
    enabled: bool
    digest: str
    alerts: list[str]
    created_at: str
    last_at: str | None = None
    last_result: str = ""
    last_detail: str = ""


class NewChannel(View):
    """The only time that `secret` is shown: it signs what a webhook sends (Standard Webhooks 1.0); mails have none."""

    channel: ChannelView
    secret: str = ""


class ChannelTest(View):
    """What came back from a test alert."""

    delivered: bool
    detail: str


class FeedLinkView(View):
    """A link that calendars and feed readers subscribe to; its secret was shown once."""

    link_id: str
    name: str
    created_at: str


class NewFeedLink(View):
    """The only time that the secret addresses are shown."""

    link: FeedLinkView
    calendar_url: str
    rss_url: str


class WatchedEnd(View):
    """A certificate that somebody would miss, and when it ends."""

    fingerprint_sha256: str
    names: list[str]
    serial: str
    not_after: str
    order_id: str


class Subscription(View):
    """What stands behind a link: coming ends of certificates, and the newest alerts."""

    name: str
    ends: list[WatchedEnd]
    alerts: list[AlertView]


@query(SERVICE, Permission.VIEW)
class ListChannels(Request[Page[ChannelView]]):
    """Channels of the own account, oldest first."""


@command(SERVICE, Permission.ADMINISTER)
class MakeChannel(Request[NewChannel]):
    """A new channel; at most 20 of them. A webhook's target is an https URL; without `alerts` all kinds go there."""

    kind: str
    name: str
    target: str
    digest: str = "single"
    alerts: list[str] = []


@command(SERVICE, Permission.ADMINISTER)
class ChangeChannel(Request[ChannelView]):
    """Changes what is given; the rest stays as it is."""

    channel_id: str
    name: str | None = None
    target: str | None = None
    enabled: bool | None = None
    digest: str | None = None
    alerts: list[str] | None = None


@command(SERVICE, Permission.ADMINISTER)
class RemoveChannel(Request[Done]):
    """Nothing goes there any more."""

    channel_id: str


@command(SERVICE, Permission.ADMINISTER)
class TestChannel(Request[ChannelTest]):
    """Sends a test alert now, also while the channel is off, and says what came back."""

    channel_id: str


@query(SERVICE, Permission.ADMINISTER)
class ListFeedLinks(Request[Page[FeedLinkView]]):
    """Links of the own account, oldest first."""


@command(SERVICE, Permission.ADMINISTER)
class MakeFeedLink(Request[NewFeedLink]):
    """A new link; at most 20 of them. Whoever has it reads the account's alerts and coming ends without signing in."""

    name: str


@command(SERVICE, Permission.ADMINISTER)
class EndFeedLink(Request[Done]):
    """The link leads nowhere from now on."""

    link_id: str


@query(SERVICE, Permission.PUBLIC)
class OpenFeedLink(Request[Subscription]):
    """What stands behind the secret of a link. Errors: not_found."""

    token: str
