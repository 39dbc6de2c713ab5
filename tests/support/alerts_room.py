# SPDX-License-Identifier: Apache-2.0
"""Alerts without a broker: foreign events, the look at the calendar and jobs are called as the service calls them."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from datetime import timedelta

from services.alerts import bootstrap
from services.alerts.handlers import (
    feed,
    installation_failing,
    low_balance,
    proof_missing,
    requests,
    site_drift,
    watching,
    welcome,
)
from shared.clock import to_text
from shared.context import Context, system
from shared.contracts import accounts, alerts, billing, dcv, discovery, installer, orders
from shared.eventsourcing.envelope import Envelope, Metadata
from tests.support.account_builders import contact
from tests.support.billing_room import TestClock
from tests.support.rooms import with_tables


def on_order_expired(uow, envelope):
    """What the two subscriptions do."""
    proof_missing.on_order_over(uow, envelope)
    installation_failing.on_order_over(uow, envelope)


REACTIONS = {
    accounts.AccountOpened: welcome.on_account_opened,
    billing.TransactionPosted: low_balance.on_transaction_posted,
    orders.CSRSubmitted: proof_missing.on_csr_submitted,
    dcv.DCVPassed: proof_missing.on_dcv_passed,
    orders.OrderExpired: on_order_expired,
    orders.InstallationFailed: installation_failing.on_installation_failed,
    orders.CertInstalled: installation_failing.on_cert_installed,
    orders.CertIssued: watching.on_cert_issued,
    orders.CertRevoked: watching.on_cert_revoked,
    orders.OrderRenewed: watching.on_order_renewed,
    discovery.CertDiscovered: watching.on_cert_discovered,
    discovery.CertsDiscovered: watching.on_certs_discovered,
    installer.SitesReported: watching.on_sites_reported,
    installer.SiteFindingsChanged: site_drift.on_site_findings_changed,
    installer.AgentRemoved: watching.on_agent_removed,
}


class Contacts:
    """Every account's contact, and who was asked for."""

    def __init__(self):
        self.asked = []

    def contact_of(self, account_id):
        self.asked.append(account_id)
        return contact(email=f"contact@{account_id}.example")


class Balances:
    """Every account's deposit, as billing would tell it; `held` None: there is none."""

    def __init__(self):
        self.held = None
        self.asked = 0

    def balance_of(self, account_id):
        self.asked += 1
        return billing.BalanceView(deposit=self.held is not None, balance=self.held or 0, currency="USD")


class Proofs:
    """What validation would say: the names of every order that are not proved."""

    def __init__(self):
        self.names = []

    def missing(self, account_id, order_id, csr_version):
        return self.names


class Outbox:
    """Keeps mails by their key; `fails` raises what it holds, one per mail."""

    def __init__(self):
        self.sent = []
        self.fails = []

    def send(self, mail, at):
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(mail)


class AlertsRoom:
    """The room with shorthands for one customer."""

    account = "a1"

    def __init__(self, app, clock):
        self.app, self.room, self.clock = app, app.room, clock
        self.outbox, self.contacts = app.mailer, app.contacts
        self.numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def on(cls, settings):
        clock = TestClock()
        app = with_tables(
            bootstrap.build(
                settings,
                clock=clock,
                contacts=Contacts(),
                balances=Balances(),
                proofs=Proofs(),
                mailer=Outbox(),
            )
        )
        try:
            yield cls(app, clock)
        finally:
            app.room.database.close()

    def context(self, account=None):
        return Context(actor="user:u", account_id=account or self.account, permissions=frozenset({"view"}))

    def envelope(self, fact, *, version=1, stream=None, event_id=None, account=None):
        at = to_text(self.clock.now())
        return Envelope(
            event_id=event_id or f"e-{next(self.numbers)}",
            stream=stream or f"stream-{next(self.numbers)}",
            version=version,
            type=fact.TYPE,
            schema_version=fact.SCHEMA,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(account_id=account),
            hash="",
        )

    def tell(self, fact, version=1):
        handler = REACTIONS[type(fact)]
        name = f"alerts.{handler.__name__}"
        self.room.react(handler, self.envelope(fact, version=version), name=name)

    # --- what happens elsewhere

    def issued(self, fingerprint, days, *, order="o1", csr_version=1, names=("shop.example.com",), account=None):
        fact = orders.CertIssued(
            order_id=order,
            account_id=account or self.account,
            issuance_id="i",
            csr_version=csr_version,
            serial=f"5E{fingerprint}",
            fingerprint_sha256=fingerprint,
            spki_sha256="",
            names=list(names),
            not_before=to_text(self.clock.now()),
            not_after=to_text(self.clock.now() + timedelta(days=days)),
            issuer="CN=ca",
            certificate_pem="",
            chain_pem="",
        )
        self.tell(fact)

    def deposit_is(self, balance, account=None):
        """The deposit moves to `balance`, and what is due is done."""
        account = account or self.account
        self.app.balances.held = balance
        lines = [
            billing.LedgerLine(account=f"funds:{account}", amount=1),
            billing.LedgerLine(account="revenue", amount=-1),
        ]
        fact = billing.TransactionPosted(
            transaction_id=f"t{next(self.numbers)}", account_id=account, currency="USD", text="Order", lines=lines
        )
        self.tell(fact)
        self.room.queue.run_due(self.app)

    def revoked(self, fingerprint, order="o1"):
        self.tell(orders.CertRevoked(order_id=order, serial=f"5E{fingerprint}", reason="unspecified", revoked_at=""))

    def renewed(self, order, by):
        self.tell(orders.OrderRenewed(order_id=order, by_order_id=by))

    def reported(self, version, *certificates, server="srv1"):
        """`certificates` are (fingerprint, days left); each is served by a site of its own."""
        sites = [
            installer.SiteView(
                site_id=f"site-{fingerprint}",
                server_id=server,
                web_server="nginx",
                name=fingerprint,
                names=[],
                document_root="",
                config_path="",
                writable=True,
                bindings=[
                    installer.Binding(
                        address="*",
                        port=443,
                        tls=True,
                        names=[],
                        certificate=installer.ServedCertificate(
                            serial=f"5E{fingerprint}",
                            fingerprint_sha256=fingerprint.upper(),
                            subject="",
                            issuer="",
                            names=[f"{fingerprint}.example.org"],
                            not_before="",
                            not_after=to_text(self.clock.now() + timedelta(days=days)),
                            spki_sha256="",
                        ),
                    )
                ],
            )
            for fingerprint, days in certificates
        ]
        fact = installer.SitesReported(server_id=server, agent_id="g1", account_id=self.account, sites=sites)
        self.tell(fact, version)

    # --- what alerts does

    def look(self, **delta):
        """Time passes, the calendar is looked at, mails go out; returns how many reviews there were."""
        self.clock.forward(**delta)
        due = watching.due(self.room)
        for which in due:
            self.room.execute(watching.review, which, system("alerts", account_id=which.account_id))
        self.room.queue.run_due(self.app)
        return len(due)

    def subjects(self):
        return [mail.subject for mail in self.outbox.sent]

    def list(self, account=None, **fields):
        return requests.list_alerts(self.room, alerts.ListAlerts(**fields), self.context(account))

    def only(self):
        [alert] = self.list().items
        return alert

    def mute(self, alert_id, *, muted=True, account=None):
        request = alerts.MuteAlert(alert_id=alert_id, muted=muted)
        return self.room.execute(requests.mute, request, self.context(account))

    def acknowledge(self, alert_id, account=None):
        request = alerts.AcknowledgeAlert(alert_id=alert_id)
        return self.room.execute(requests.acknowledge, request, self.context(account))

    def set_rule(self, **fields):
        request = alerts.SetAlertSettings(**{"days_before": [30, 7], "email": True, **fields})
        return self.room.execute(requests.set_settings, request, self.context())

    def rule(self):
        return requests.get_settings(self.room, alerts.GetAlertSettings(), self.context())

    def events(self):
        return [entry.type.partition(".")[2] for entry in self.room.log.read().entries]

    def feed(self, *, operator=False, account=None, **fields):
        context = Context(permissions=frozenset({"operator"})) if operator else self.context(account)
        return feed.read(self.room, alerts.ReadFeed(**fields), context)
