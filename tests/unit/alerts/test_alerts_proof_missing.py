# SPDX-License-Identifier: Apache-2.0
"""The alert about a reissue that waits for somebody to prove a name."""

import pytest

from services.alerts.model import proof_missing
from services.alerts.model.audit import summary_of
from shared.contracts import dcv, orders

NAME = "shop.example.com"


def csr(alerts, version=2, order="o1"):
    fact = orders.CSRSubmitted(
        order_id=order, account_id=alerts.account, csr_version=version, csr_pem="", spki_sha256="", md5="", sha256="",
        unique_value="", names=[NAME], dcv_method="http_csr_hash",
    )  # fmt: skip
    alerts.tell(fact)


def proved(alerts):
    alerts.app.proofs.names = []
    fact = dcv.DCVPassed(
        authorization_id="z", account_id=alerts.account, order_id="o1", csr_version=2, fqdn=NAME,
        method="http_csr_hash", rules_version="r", expires_at="2027-06-01T00:00:00Z", reused=False,
    )  # fmt: skip
    alerts.tell(fact)
    alerts.room.queue.run_due(alerts.app)


def waited(alerts, **delta):
    alerts.clock.forward(**(delta or {"minutes": 5}))
    alerts.room.queue.run_due(alerts.app)


@pytest.fixture
def waiting(alerts):
    """An order with a certificate, and a reissue whose name nobody has proved after the grace."""
    alerts.issued("aa", 60)
    alerts.app.proofs.names = [NAME]
    csr(alerts)
    waited(alerts)
    return alerts


def test_it_is_raised_told_once_and_resolved_when_the_name_is_proved(waiting):
    alert = waiting.only()
    assert (alert.kind, alert.state, alert.severity, alert.order_id) == ("proof_missing", "open", "warning", "o1")
    assert (alert.subject, alert.names, alert.serial) == (NAME, [NAME], "5Eaa")
    assert alert.text == f"A new certificate waits for somebody to prove control over {NAME}."
    [mail] = waiting.outbox.sent
    assert mail.subject == "A name is to be proved before the certificate can be reissued"
    assert "https://cw.example/console/orders/o1" in mail.text
    csr(waiting, version=3)
    waited(waiting)
    assert len(waiting.outbox.sent) == 1
    proved(waiting)
    assert waiting.only().state == "resolved"
    assert waiting.events()[-1] == "AlertResolved"


def test_what_is_proved_by_itself_is_no_alert(alerts):
    alerts.issued("aa", 60)
    alerts.app.proofs.names = [NAME]
    csr(alerts)
    waited(alerts, minutes=1)
    proved(alerts)
    waited(alerts)
    assert alerts.list().items == []


def test_the_first_certificate_of_an_order_is_waited_for_by_whoever_bought_it(alerts):
    alerts.app.proofs.names = [NAME]
    csr(alerts, version=1)
    waited(alerts)
    assert alerts.list().items == []


def test_it_stands_beside_the_alert_about_the_end_of_the_same_certificate(waiting):
    waiting.look(days=40)
    assert sorted(one.kind for one in waiting.list().items) == ["expiry", "proof_missing"]
    assert waiting.look() == 0
    waiting.issued("bb", 90, csr_version=2)
    assert {one.kind: one.state for one in waiting.list().items} == {"expiry": "resolved", "proof_missing": "open"}
    proved(waiting)
    assert {one.state for one in waiting.list().items} == {"resolved"}


@pytest.mark.parametrize(
    "over",
    [orders.OrderExpired(order_id="o1"), orders.OrderExpired(order_id="another")],
    ids=["this", "another"],
)
def test_it_ends_with_its_order(waiting, over):
    waiting.tell(over)
    assert waiting.only().state == ("resolved" if over.order_id == "o1" else "open")


def test_many_names_are_counted():
    assert proof_missing.sentence(list("abcdefg")).endswith("prove control over a, b, c, d, e and 2 more.")
    assert "names are to be proved" in summary_of(
        "alerts.AlertRaised", {"kind": "proof_missing", "severity": "warning"}
    )
