# SPDX-License-Identifier: Apache-2.0
"""The alert about a site that goes on refusing a reissued certificate."""

import pytest

from services.alerts.model import installation_failing as model
from services.alerts.model.audit import summary_of
from shared.contracts import orders

AGAIN = "2026-11-24T08:30:00.000000Z"
SITE = {"order_id": "o1", "installation_id": "i", "server_id": "s"}


def fail(alerts, tries, again_at=AGAIN, site="site"):
    fact = orders.InstallationFailed(
        **SITE, site_id=site, reason="It failed.", rolled_back=True, tries=tries, again_at=again_at
    )
    alerts.tell(fact)
    alerts.room.queue.run_due(alerts.app)


@pytest.fixture
def issued(alerts):
    alerts.issued("aa", 60)
    return alerts


def test_it_is_raised_at_the_third_try_told_once_and_resolved_by_the_installation(issued):
    fail(issued, 1)
    fail(issued, 2)
    assert issued.list().items == []
    fail(issued, 3)
    alert = issued.only()
    assert (alert.kind, alert.state, alert.severity, alert.order_id) == (model.KIND, "open", "warning", "o1")
    assert alert.text.endswith("It failed. It will be tried again at 2026-11-24T08:30Z.")
    [mail] = issued.outbox.sent
    assert mail.subject == "A certificate cannot be installed on a site"
    assert "https://cw.example/console/orders/o1" in mail.text
    fail(issued, 4, again_at="")
    assert issued.only().text.endswith("It is not tried again by itself.")
    assert len(issued.outbox.sent) == 1
    issued.tell(orders.CertInstalled(**SITE, site_id="another", served_serial="5E", csr_version=2))
    assert issued.only().state == "open"
    issued.tell(orders.CertInstalled(**SITE, site_id="site", served_serial="5E", csr_version=2))
    assert issued.only().state == "resolved"


def test_what_is_not_tried_again_is_told_at_once_and_what_a_person_asked_for_is_not(issued):
    fail(issued, 0, again_at="")
    assert issued.list().items == []
    fail(issued, 1, again_at="")
    assert issued.only().state == "open"


def test_it_ends_with_the_order(issued):
    fail(issued, 3)
    fail(issued, 3, site="another")
    assert [each.state for each in issued.list().items] == ["open", "open"]
    issued.tell(orders.OrderExpired(order_id="o1"))
    assert {each.state for each in issued.list().items} == {"resolved"}


def test_an_order_that_is_not_known_has_no_alert(alerts):
    fail(alerts, 5)
    assert alerts.list().items == []


def test_the_audit_log_says_it():
    said = summary_of("alerts.AlertRaised", {"kind": model.KIND, "severity": "warning"})
    assert said == "An alert (warning) was raised: a reissued certificate cannot be installed on a site."
