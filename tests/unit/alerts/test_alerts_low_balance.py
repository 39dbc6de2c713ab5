# SPDX-License-Identifier: Apache-2.0
"""The alert about a deposit that runs low (check list 17.06)."""

import pytest

from services.alerts.model.audit import summary_of
from shared.contracts import billing
from shared.errors import Code, ServiceError


def test_it_is_raised_once_told_once_and_resolved_when_filled_up(alerts):
    alerts.set_rule(low_balance=5000)
    alerts.deposit_is(6000)
    assert alerts.list().items == []
    alerts.deposit_is(4999)
    alerts.deposit_is(1200)
    alert = alerts.only()
    assert (alert.kind, alert.state, alert.severity, alert.subject) == ("low_balance", "open", "warning", "Deposit")
    assert alert.text == "The deposit has USD 12.00 left, less than USD 50.00."
    assert (alert.order_id, alert.fingerprint_sha256, alert.not_after) == ("", "", None)
    assert alerts.subjects() == ["The deposit runs low"]
    assert "USD 49.99" in alerts.outbox.sent[0].text
    alerts.deposit_is(5000)
    assert alerts.only().state == "resolved"
    alerts.look(days=30)
    alerts.deposit_is(10)
    assert alerts.only().state == "open"
    assert len(alerts.outbox.sent) == 2


def test_an_acknowledged_one_stays_quiet_until_it_is_resolved(alerts):
    alerts.set_rule(low_balance=5000)
    alerts.deposit_is(10)
    alerts.acknowledge(alerts.only().alert_id)
    alerts.deposit_is(5)
    assert (alerts.only().state, len(alerts.outbox.sent)) == ("acknowledged", 1)


def test_a_new_threshold_is_looked_at_at_once_and_zero_turns_it_off(alerts):
    alerts.deposit_is(3000)
    assert alerts.app.balances.asked == 0, "nobody wants to know"
    alerts.set_rule(low_balance=5000)
    alerts.room.queue.run_due(alerts.app)
    assert alerts.only().state == "open"
    alerts.set_rule(low_balance=0)
    alerts.room.queue.run_due(alerts.app)
    assert alerts.rule().low_balance is None
    assert alerts.only().state == "resolved"


def test_a_rule_that_does_not_speak_of_it_leaves_it_as_it_is(alerts):
    alerts.set_rule(low_balance=5000)
    assert alerts.set_rule(days_before=[14]).low_balance == 5000
    assert alerts.rule().low_balance == 5000


def test_without_mail_it_only_stands_in_the_list(alerts):
    alerts.set_rule(low_balance=5000, email=False)
    alerts.deposit_is(1)
    assert (alerts.only().state, alerts.outbox.sent) == ("open", [])


def test_an_account_without_a_deposit_has_no_alert(alerts):
    alerts.set_rule(low_balance=5000)
    alerts.room.queue.run_due(alerts.app)
    assert alerts.list().items == []


def test_movements_of_other_ledger_accounts_are_no_movement_of_the_deposit(alerts):
    alerts.set_rule(low_balance=5000)
    alerts.room.queue.run_due(alerts.app)
    asked = alerts.app.balances.asked
    lines = [billing.LedgerLine(account="card_clearing", amount=1), billing.LedgerLine(account="revenue", amount=-1)]
    card = billing.TransactionPosted(transaction_id="t", account_id="a1", currency="USD", text="", lines=lines)
    alerts.tell(card)
    alerts.room.queue.run_due(alerts.app)
    assert alerts.app.balances.asked == asked


@pytest.mark.parametrize("amount", [-1, 10_000_001, 2**53])
def test_an_amount_that_is_none_is_refused_with_its_field(alerts, amount):
    with pytest.raises(ServiceError) as caught:
        alerts.set_rule(low_balance=amount)
    assert (caught.value.code, caught.value.pointer) == (Code.INVALID, "/low_balance")


def test_it_stands_beside_alerts_about_certificates(alerts):
    alerts.set_rule(low_balance=5000)
    alerts.issued("aa", 6)
    alerts.look()
    alerts.deposit_is(1)
    assert sorted(each.kind for each in alerts.list().items) == ["expiry", "low_balance"]
    alerts.look(days=1)
    assert {each.state for each in alerts.list().items} == {"open"}


def test_the_audit_log_says_what_the_alert_is_about():
    raised = {"severity": "warning", "kind": "low_balance", "not_after": ""}
    assert summary_of("alerts.AlertRaised", raised) == "An alert (warning) was raised: the deposit runs low."
    raised = {"severity": "notice", "kind": "expiry", "not_after": "2027-01-01T00:00:00Z"}
    assert summary_of("alerts.AlertRaised", raised).endswith("a certificate ends on 2027-01-01.")
