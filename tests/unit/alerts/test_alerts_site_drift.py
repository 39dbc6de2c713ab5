# SPDX-License-Identifier: Apache-2.0
"""The alert about what is amiss with a site."""

from services.alerts.model import site_drift as model
from services.alerts.model.audit import summary_of
from shared.contracts import installer

SINCE = "2026-11-20T08:00:00.000000Z"


def finding(kind="replaced", **changes):
    return installer.SiteFinding(kind=kind, since=SINCE, path="/etc/x.pem", by="certbot", **changes)


def tell(alerts, version, *findings, order="", site="site-1"):
    fact = installer.SiteFindingsChanged(
        server_id="server-1",
        agent_id="agent-1",
        account_id=alerts.account,
        site_id=site,
        site_name="www.example.test",
        findings=list(findings),
        order_id=order,
        installation_id="i" if order else "",
    )
    alerts.tell(fact, version)
    alerts.room.queue.run_due(alerts.app)


def test_it_is_raised_with_the_tool_and_the_cure_told_once_and_resolved(alerts):
    tell(alerts, 3, finding())
    alert = alerts.only()
    assert (alert.kind, alert.state, alert.severity, alert.subject) == (
        model.KIND, "open", "warning", "www.example.test",
    )  # fmt: skip
    assert "Certbot" in alert.text
    [mail] = alerts.outbox.sent
    assert mail.subject == "Something is amiss with one of your sites"
    assert "https://cw.example/console/sites" in mail.text
    assert "/console/orders/" not in mail.text
    tell(alerts, 4, finding(), finding("key_readable", mode="0644"))
    assert alerts.only().severity == "critical"
    assert len(alerts.outbox.sent) == 1
    tell(alerts, 5)
    assert alerts.only().state == "resolved"


def test_an_older_report_that_comes_late_counts_no_more(alerts):
    tell(alerts, 5, finding())
    tell(alerts, 6)
    tell(alerts, 4, finding("key_readable"))
    assert alerts.only().state == "resolved"


def test_the_order_is_named_where_its_certificate_was_there(alerts):
    alerts.issued("aa", 60)
    tell(alerts, 3, finding(), order="o1")
    alert = alerts.only()
    assert (alert.order_id, alert.names, alert.subject) == ("o1", ["shop.example.com"], "www.example.test")
    assert "https://cw.example/console/orders/o1" in alerts.outbox.sent[-1].text


def test_that_a_certificate_ends_has_an_alert_of_its_own(alerts):
    tell(alerts, 3, finding("expires_without_order", until=SINCE))
    assert alerts.list().items == []


def test_each_site_has_its_own(alerts):
    tell(alerts, 3, finding())
    tell(alerts, 4, finding(), site="site-2")
    assert len(alerts.list().items) == 2


def test_the_audit_log_says_it():
    said = summary_of("alerts.AlertRaised", {"kind": model.KIND, "severity": "warning"})
    assert said == "An alert (warning) was raised: something is amiss with a site."
