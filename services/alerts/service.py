# SPDX-License-Identifier: Apache-2.0
"""Alerts on the wire: the feed takes every event of every room."""

from __future__ import annotations

from typing import Any

from nameko.extensions import DependencyProvider

from services.alerts import bootstrap
from services.alerts.adapters.balances import AskedBalances
from services.alerts.adapters.contacts import AskedContacts
from services.alerts.adapters.proofs import AskedProofs
from services.alerts.handlers import (
    audit,
    channels,
    feed,
    feed_links,
    installation_failing,
    low_balance,
    proof_missing,
    requests,
    site_drift,
    telling,
    watching,
    welcome,
)
from shared.context import Context, system
from shared.contracts import accounts, alert_channels, alerts, billing, ca, dcv, discovery, installer, orders
from shared.contracts.base import Done, Page
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event, event_types
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service

PUBLISHERS = tuple(room.SERVICE for room in (accounts, alerts, billing, ca, dcv, discovery, installer, orders))


def published() -> list[type[Event]]:
    """Every event type of every room, in the order of their names."""
    found = sorted(event_types().items())
    return [event_type for name, event_type in found if name.partition(".")[0] in PUBLISHERS]


class OthersOnTheWire(DependencyProvider):
    """Gives the app a way to ask accounts, billing and validation."""

    def setup(self) -> None:
        """Called before anything runs."""
        contacts = self.container.app.contacts
        if isinstance(contacts, AskedContacts):
            contacts.send = self.container.client.send
        balances = self.container.app.balances
        if isinstance(balances, AskedBalances):
            balances.send = self.container.client.send
        proofs = self.container.app.proofs
        if isinstance(proofs, AskedProofs):
            proofs.send = self.container.client.send


class AlertsService(Service):
    """The feed, expiry alerts, mails."""

    name = "alerts"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App
    others_on_the_wire = OthersOnTheWire()

    @rpc(alerts.GetAlertSettings)
    def get_alert_settings(self, request: alerts.GetAlertSettings, context: Context) -> alerts.AlertSettings:
        """The rule."""
        return requests.get_settings(self.app.room, request, context)

    @rpc(alerts.SetAlertSettings)
    def set_alert_settings(self, request: alerts.SetAlertSettings, context: Context) -> alerts.AlertSettings:
        """Changes the rule."""
        return self.app.room.execute(requests.set_settings, request, context)

    @rpc(alerts.ListAlerts)
    def list_alerts(self, request: alerts.ListAlerts, context: Context) -> Page[alerts.AlertView]:
        """Newest first."""
        return requests.list_alerts(self.app.room, request, context)

    @rpc(alerts.AcknowledgeAlert)
    def acknowledge_alert(self, request: alerts.AcknowledgeAlert, context: Context) -> alerts.AlertView:
        """Somebody looks after it."""
        return self.app.room.execute(requests.acknowledge, request, context)

    @rpc(alerts.MuteAlert)
    def mute_alert(self, request: alerts.MuteAlert, context: Context) -> alerts.AlertView:
        """No more mails about it."""
        return self.app.room.execute(requests.mute, request, context)

    @rpc(alerts.ListMails)
    def list_mails(self, request: alerts.ListMails, _context: Context) -> Page[alerts.MailView]:
        """The folder."""
        return requests.list_mails(self.app.folder, request)

    @rpc(alerts.GetMail)
    def get_mail(self, request: alerts.GetMail, _context: Context) -> alerts.MailView:
        """One mail."""
        return requests.get_mail(self.app.folder, request)

    @rpc(alerts.ReadFeed)
    def read_feed(self, request: alerts.ReadFeed, context: Context) -> alerts.FeedPage:
        """Events after a position."""
        return feed.read(self.app.room, request, context)

    @rpc(alerts.GetFeedHead)
    def get_feed_head(self, _request: alerts.GetFeedHead, _context: Context) -> alerts.FeedPage:
        """The newest position."""
        return feed.head(self.app.room)

    @rpc(alerts.ListAudit)
    def list_audit(self, request: alerts.ListAudit, context: Context) -> Page[alerts.AuditEntry]:
        """Who did what."""
        return audit.entries(self.app.room, request, context)

    # --- channels and links ---

    @rpc(alert_channels.ListChannels)
    def list_channels(
        self, _request: alert_channels.ListChannels, context: Context
    ) -> Page[alert_channels.ChannelView]:
        """Where alerts go."""
        return channels.list_channels(self.app.room, context)

    @rpc(alert_channels.MakeChannel)
    def make_channel(self, request: alert_channels.MakeChannel, context: Context) -> alert_channels.NewChannel:
        """Shows the secret once."""
        return channels.make_channel(self.app, request, context)

    @rpc(alert_channels.ChangeChannel)
    def change_channel(self, request: alert_channels.ChangeChannel, context: Context) -> alert_channels.ChannelView:
        """Changes what is given."""
        return channels.change_channel(self.app, request, context)

    @rpc(alert_channels.RemoveChannel)
    def remove_channel(self, request: alert_channels.RemoveChannel, context: Context) -> Done:
        """Nothing goes there any more."""
        return self.app.room.execute(channels.remove_channel, request, context)

    @rpc(alert_channels.TestChannel)
    def test_channel(self, request: alert_channels.TestChannel, context: Context) -> alert_channels.ChannelTest:
        """Sends a test alert."""
        return channels.test_channel(self.app, request, context)

    @rpc(alert_channels.ListFeedLinks)
    def list_feed_links(
        self, _request: alert_channels.ListFeedLinks, context: Context
    ) -> Page[alert_channels.FeedLinkView]:
        """Without their secrets."""
        return feed_links.list_links(self.app.room, context)

    @rpc(alert_channels.MakeFeedLink)
    def make_feed_link(self, request: alert_channels.MakeFeedLink, context: Context) -> alert_channels.NewFeedLink:
        """Shows the addresses once."""
        return feed_links.make_link(self.app, request, context)

    @rpc(alert_channels.EndFeedLink)
    def end_feed_link(self, request: alert_channels.EndFeedLink, context: Context) -> Done:
        """At once."""
        return self.app.room.execute(feed_links.end_link, request, context)

    @rpc(alert_channels.OpenFeedLink)
    def open_feed_link(self, request: alert_channels.OpenFeedLink, _context: Context) -> alert_channels.Subscription:
        """For calendars and feed readers."""
        return feed_links.open_link(self.app.room, request)

    @every(seconds=300)
    def collect_digests(self) -> None:
        """Sends the message of each day that is over."""
        for channel_id in telling.days_over(self.app.room):
            self.app.room.execute(telling.collect, channel_id, system("alerts"))

    # --- events ---

    @subscribe(*published())
    def on_any_event(self, event: Envelope[Any]) -> None:
        """Into the feed. Its key is the event id, so that no inbox mark is needed: the writer shares transactions."""
        self.app.feed.add(event)

    @subscribe(accounts.AccountOpened)
    def on_account_opened(self, event: Envelope[accounts.AccountOpened]) -> None:
        """Greeted by mail."""
        self.app.room.react(welcome.on_account_opened, event, name="alerts.on_account_opened")

    @subscribe(billing.TransactionPosted)
    def on_transaction_posted(self, event: Envelope[billing.TransactionPosted]) -> None:
        """A deposit may be low now, or filled up."""
        self.app.room.react(low_balance.on_transaction_posted, event, name="alerts.on_transaction_posted")

    @subscribe(orders.CSRSubmitted)
    def on_csr_submitted(self, event: Envelope[orders.CSRSubmitted]) -> None:
        """A reissue may wait for proofs."""
        self.app.room.react(proof_missing.on_csr_submitted, event, name="alerts.on_csr_submitted")

    @subscribe(dcv.DCVPassed)
    def on_dcv_passed(self, event: Envelope[dcv.DCVPassed]) -> None:
        """It may wait no more."""
        self.app.room.react(proof_missing.on_dcv_passed, event, name="alerts.on_dcv_passed")

    @subscribe(orders.OrderExpired, orders.OrderRenewed, orders.CertRevoked)
    def on_order_over(self, event: Envelope[orders.OrderExpired]) -> None:
        """Nor after this."""
        self.app.room.react(proof_missing.on_order_over, event, name="alerts.on_order_over")

    @subscribe(orders.InstallationFailed)
    def on_installation_failed(self, event: Envelope[orders.InstallationFailed]) -> None:
        """A site may go on failing."""
        handler = installation_failing.on_installation_failed
        self.app.room.react(handler, event, name="alerts.on_installation_failed")

    @subscribe(orders.CertInstalled)
    def on_cert_installed(self, event: Envelope[orders.CertInstalled]) -> None:
        """It does no more."""
        self.app.room.react(installation_failing.on_cert_installed, event, name="alerts.on_cert_installed")

    @subscribe(orders.OrderExpired, orders.CertRevoked, orders.CertIssued)
    def on_installation_over(self, event: Envelope[orders.OrderExpired]) -> None:
        """Nor does anybody wait for it after this."""
        self.app.room.react(installation_failing.on_order_over, event, name="alerts.on_installation_over")

    @subscribe(installer.SiteFindingsChanged)
    def on_site_findings_changed(self, event: Envelope[installer.SiteFindingsChanged]) -> None:
        """Something is amiss with a site, or no more."""
        self.app.room.react(site_drift.on_site_findings_changed, event, name="alerts.on_site_findings_changed")

    @subscribe(orders.CertIssued)
    def on_cert_issued(self, event: Envelope[orders.CertIssued]) -> None:
        """Watched from now on."""
        self.app.room.react(watching.on_cert_issued, event, name="alerts.on_cert_issued")

    @subscribe(orders.CertRevoked)
    def on_cert_revoked(self, event: Envelope[orders.CertRevoked]) -> None:
        """Missed by nobody."""
        self.app.room.react(watching.on_cert_revoked, event, name="alerts.on_cert_revoked")

    @subscribe(orders.OrderRenewed)
    def on_order_renewed(self, event: Envelope[orders.OrderRenewed]) -> None:
        """A later order takes over."""
        self.app.room.react(watching.on_order_renewed, event, name="alerts.on_order_renewed")

    @subscribe(discovery.CertDiscovered)
    def on_cert_discovered(self, event: Envelope[discovery.CertDiscovered]) -> None:
        """Known now."""
        self.app.room.react(watching.on_cert_discovered, event, name="alerts.on_cert_discovered")

    @subscribe(discovery.CertsDiscovered)
    def on_certs_discovered(self, event: Envelope[discovery.CertsDiscovered]) -> None:
        """Known now, many at once."""
        self.app.room.react(watching.on_certs_discovered, event, name="alerts.on_certs_discovered")

    @subscribe(installer.SitesReported)
    def on_sites_reported(self, event: Envelope[installer.SitesReported]) -> None:
        """What is served now."""
        self.app.room.react(watching.on_sites_reported, event, name="alerts.on_sites_reported")

    @subscribe(installer.AgentRemoved)
    def on_agent_removed(self, event: Envelope[installer.AgentRemoved]) -> None:
        """Nobody looks any more."""
        self.app.room.react(watching.on_agent_removed, event, name="alerts.on_agent_removed")

    @every(seconds=300)
    def look_at_the_calendar(self) -> None:
        """Raises, tells again and resolves what time has brought."""
        for which in watching.due(self.app.room):
            self.app.room.execute(watching.review, which, system("alerts", account_id=which.account_id))

    @every(seconds=86400)
    def prune_feed(self) -> None:
        """Forgets what is older than the setting says."""
        self.app.room.execute(feed.prune, self.app.own.feed_days, system("alerts"))
