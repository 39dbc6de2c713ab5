# SPDX-License-Identifier: Apache-2.0
"""Expiry alerts: told in time, told again until somebody acts, silent when there is nothing to say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.model.expiry import Standing, judge, sentence, subject_of
from services.alerts.projections import projections
from services.alerts.projections.watching import find_watched
from shared.clock import to_text
from shared.contracts.alerts import AlertSettings
from shared.contracts.discovery import CertsDiscovered, SeenFirst
from shared.contracts.installer import AgentRemoved
from shared.errors import Code, ServiceError
from shared.eventstore import migrations
from shared.mail.message import MailError


def test_a_certificate_far_from_its_end_is_no_alert(alerts):
    alerts.issued("aa", 90)
    assert alerts.look() == 0
    assert alerts.look(days=59, hours=23) == 0
    assert (alerts.list().items, alerts.outbox.sent) == ([], [])


def test_each_day_of_the_rule_tells_once(alerts):
    alerts.issued("aa", 90)
    for _ in range(90 * 4):
        alerts.look(hours=6)
    days = [30, 23, 16, 14, 7, 3, 1]  # the rule's days, and every seventh day after the last mail
    assert len(alerts.outbox.sent) == len(days)
    assert alerts.subjects()[0].startswith("Certificate for shop.example.com expires in 30 days")
    assert alerts.events().count("AlertRaised") == 1
    assert alerts.events().count("NotificationSent") == len(days)


def test_a_look_that_finds_nothing_new_writes_nothing(alerts):
    alerts.issued("aa", 20)
    alerts.look()
    assert alerts.look() == 0
    assert alerts.look(hours=6) == 0


def test_the_mail_goes_to_the_contact_and_says_what_to_do(alerts):
    alerts.issued("aa", 5, names=("shop.example.com", "www.example.com"))
    alerts.look()
    [mail] = alerts.outbox.sent
    assert mail.to == "contact@a1.example"
    assert "shop.example.com and 1 more expires in 5 days" in mail.text
    for part in ("  www.example.com", "5Eaa", "https://cw.example", "Renew or reissue"):
        assert part in mail.text


def test_the_rules_own_addresses_come_before_the_contact(alerts):
    alerts.set_rule(addresses=["one@example.com", "two@example.com", "one@example.com"])
    alerts.issued("aa", 5)
    alerts.look()
    assert [mail.to for mail in alerts.outbox.sent] == ["one@example.com", "two@example.com"]
    assert alerts.contacts.asked == []


def test_a_mail_server_that_is_away_gets_the_same_mail_later(alerts):
    alerts.outbox.fails = [MailError("away", permanent=False)] * 2
    alerts.issued("aa", 5)
    alerts.look()
    assert alerts.outbox.sent == []
    alerts.look(minutes=1)
    alerts.look(minutes=1)
    [mail] = alerts.outbox.sent
    assert mail.key.startswith("alert-")
    assert alerts.events().count("NotificationSent") == 1


def test_no_mail_where_the_rule_wants_none_and_one_when_it_changes_its_mind(alerts):
    alerts.set_rule(email=False)
    alerts.issued("aa", 5)
    alerts.look()
    assert (alerts.only().state, alerts.outbox.sent) == ("open", [])
    assert alerts.look(days=1) == 0
    alerts.set_rule(email=True)
    alerts.look()
    assert len(alerts.outbox.sent) == 1


def test_an_acknowledged_alert_is_silent_until_it_gets_more_severe(alerts):
    alerts.issued("aa", 13)
    alerts.look()
    assert alerts.acknowledge(alerts.only().alert_id).state == "acknowledged"
    for _ in range(9):
        alerts.look(days=1)
    assert len(alerts.outbox.sent) == 1
    alerts.look(days=1)
    assert (alerts.only().severity, alerts.only().state, len(alerts.outbox.sent)) == ("critical", "acknowledged", 2)


def test_a_reissued_certificate_resolves_the_alert_of_the_one_before(alerts):
    alerts.issued("aa", 5)
    alerts.look()
    alerts.issued("bb", 90, csr_version=2)
    assert alerts.only().state == "resolved"
    assert alerts.look() == 0


def test_a_certificate_that_is_replaced_but_still_served_is_an_alert(alerts):
    alerts.issued("aa", 5)
    alerts.reported(1, ("aa", 5))
    alerts.issued("bb", 90, csr_version=2)
    assert alerts.only().state == "open"
    alerts.reported(2, ("bb", 90))
    assert alerts.only().state == "resolved"


@pytest.mark.parametrize("renewal_first", [True, False])
def test_a_renewal_resolves_when_it_has_its_certificate(alerts, renewal_first):
    alerts.issued("aa", 5)
    if renewal_first:
        alerts.renewed("o1", "o2")
        assert alerts.only().state == "open"
    alerts.issued("bb", 200, order="o2")
    if not renewal_first:
        alerts.renewed("o1", "o2")
    assert alerts.only().state == "resolved"


def test_a_revoked_certificate_is_missed_by_nobody_in_whatever_order_it_is_told(alerts):
    alerts.issued("aa", 5)
    alerts.revoked("aa")
    assert alerts.only().state == "resolved"
    alerts.revoked("bb", order="o2")
    alerts.issued("bb", 5, order="o2")
    alerts.look()
    assert len(alerts.list().items) == 1


def test_a_foreign_certificate_is_watched_while_it_is_served(alerts):
    alerts.reported(2, ("cc", 2))
    alert = alerts.only()
    assert (alert.subject, alert.severity, alert.order_id) == ("cc.example.org", "critical", "")
    alerts.look()
    assert "not issued through Certwright" in alerts.outbox.sent[0].text
    alerts.reported(1, ("dd", 2))
    assert len(alerts.list().items) == 1
    alerts.reported(3)
    assert alerts.only().state == "resolved"


def test_what_a_scan_found_is_known_and_nothing_that_was_known_is_written_over(alerts):
    alerts.issued("aa", 60)
    ends = to_text(alerts.clock.now() + timedelta(days=9))
    seen = [SeenFirst(fingerprint_sha256=one, serial=f"0{one}", not_after=ends) for one in ("AA", "BB", "CC")]
    fact = CertsDiscovered(account_id="a1", scan_id="s1", source="scan", count=len(seen), certificates=seen)
    alerts.tell(fact)
    alerts.tell(fact)
    with alerts.room.query() as connection:
        kept = {one: find_watched(connection, "a1", one) for one in ("aa", "bb", "cc")}
    assert [row.serial for row in kept.values()] == ["5Eaa", "0BB", "0CC"]
    assert [row.not_after == ends for row in kept.values()] == [False, True, True]
    assert kept["aa"].own
    assert not kept["bb"].own


def test_a_removed_agents_sites_are_watched_no_more(alerts):
    alerts.reported(1, ("cc", 2))
    alerts.tell(AgentRemoved(agent_id="g1", account_id="a1"))
    assert alerts.only().state == "resolved"
    alerts.reported(2, ("dd", 2))
    assert len(alerts.list().items) == 1


def test_what_ended_long_ago_is_no_news(alerts):
    alerts.issued("aa", 5)
    alerts.look(days=20)
    assert "expired on" in alerts.only().text
    alerts.look(days=20)
    assert alerts.only().state == "resolved"


def test_a_muted_alert_writes_no_mail_whatever_happens(alerts):
    alerts.issued("aa", 13)
    alerts.look()
    alert_id = alerts.only().alert_id
    assert alerts.mute(alert_id).muted
    assert alerts.mute(alert_id).muted
    for _ in range(11):
        alerts.look(days=1)
    assert (alerts.only().severity, alerts.only().state, len(alerts.outbox.sent)) == ("critical", "open", 1)
    assert alerts.look() == 0
    assert not alerts.mute(alert_id, muted=False).muted
    alerts.look()
    assert len(alerts.outbox.sent) == 2
    assert alerts.events().count("AlertMuted") == 2


def test_a_resolved_alert_needs_no_acknowledgement(alerts):
    alerts.issued("aa", 5)
    alerts.issued("bb", 90, csr_version=2)
    with pytest.raises(ServiceError) as caught:
        alerts.acknowledge(alerts.only().alert_id)
    assert caught.value.code is Code.ACTION_NOT_ALLOWED


def test_another_accounts_alert_does_not_exist(alerts):
    alerts.issued("aa", 5)
    assert alerts.list("a2").items == []
    for account, alert_id in (("a2", alerts.only().alert_id), ("a1", "nothing")):
        for command in (alerts.acknowledge, alerts.mute):
            with pytest.raises(ServiceError) as caught:
                command(alert_id, account=account)
            assert caught.value.code is Code.NOT_FOUND


def test_alerts_come_newest_first_page_by_page(alerts):
    for number in range(5):
        alerts.issued(f"f{number}", 5, order=f"o{number}", names=(f"n{number}.example.com",))
        alerts.clock.forward(seconds=number % 2)
    found, cursor = [], None
    while True:
        page = alerts.list(limit=2, cursor=cursor)
        found += [alert.subject for alert in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(found) == [f"n{number}.example.com" for number in range(5)]
    assert page.total == 5
    assert [alert.raised_at for alert in alerts.list().items] == sorted(
        (alert.raised_at for alert in alerts.list().items), reverse=True
    )
    assert alerts.list(state="resolved").items == []


def test_the_rule_begins_with_thirty_days_and_is_kept_as_it_is_set(alerts):
    assert alerts.rule().days_before == [30, 14, 7, 3, 1]
    alerts.set_rule(days_before=[1, 60, 10, 10], repeat_days=2)
    assert (alerts.rule().days_before, alerts.rule().repeat_days) == ([60, 10, 1], 2)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"days_before": []}, "/days_before"),
        ({"days_before": [0]}, "/days_before"),
        ({"days_before": [366]}, "/days_before"),
        ({"days_before": list(range(1, 12))}, "/days_before"),
        ({"repeat_days": 0}, "/repeat_days"),
        ({"addresses": ["a@example.com"] * 6}, "/addresses"),
        ({"addresses": ["a@example.com", "nobody"]}, "/addresses/1"),
        ({"addresses": ["a@example.com\r\nBcc: b@example.com"]}, "/addresses/0"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_field(alerts, fields, pointer):
    with pytest.raises(ServiceError) as caught:
        alerts.set_rule(**fields)
    assert (caught.value.code, caught.value.pointer) == (Code.INVALID, pointer)


@pytest.mark.parametrize("fields", [{"limit": 0}, {"state": "gone"}, {"cursor": "x"}])
def test_a_list_that_cannot_be_is_refused(alerts, fields):
    with pytest.raises(ServiceError) as caught:
        alerts.list(**fields)
    assert caught.value.code is Code.INVALID


def test_the_revisions_lead_to_the_declared_tables(alerts):
    assert migrations.differences(alerts.room.database, projections) == []


# --- the pure rule

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULES = st.builds(
    AlertSettings,
    days_before=st.lists(st.integers(1, 365), min_size=1, max_size=10).map(lambda d: sorted(set(d), reverse=True)),
    email=st.booleans(),
    repeat_days=st.integers(1, 30),
)
STANDINGS = st.none() | st.builds(
    Standing,
    state=st.sampled_from(["open", "acknowledged", "resolved"]),
    severity=st.sampled_from(["notice", "warning", "critical"]),
    step=st.integers(1, 365),
    last_notified_at=st.none() | st.integers(0, 90).map(lambda d: to_text(NOW - timedelta(days=d))),
)


@given(rule=RULES, hours=st.integers(-800, 9000), standing=STANDINGS)
def test_whatever_the_rule_a_mail_is_due_only_inside_its_days_and_when_it_is_wanted(rule, hours, standing):
    verdict = judge(rule, to_text(NOW + timedelta(hours=hours)), NOW, standing)
    inside = -30 * 24 < hours <= max(rule.days_before) * 24
    assert (verdict.step is not None) == inside
    if verdict.notify:
        assert inside
        assert rule.email
    if verdict.step is not None:
        assert verdict.step in rule.days_before
        assert hours <= verdict.step * 24


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        ({"days": 7, "hours": 5}, "expires in 7 days, on 2026-11-30 17:00 UTC."),
        ({"days": 1}, "expires in 1 day, on 2026-11-24 12:00 UTC."),
        ({"hours": 3}, "expires today, at 2026-11-23 15:00 UTC."),
        ({"days": -2}, "expired on 2026-11-21 12:00 UTC."),
    ],
)
def test_the_sentence_says_it_as_people_do(delta, said):
    assert sentence("x.example", to_text(NOW + timedelta(**delta)), NOW) == f"The certificate for x.example {said}"
    assert subject_of([], "AB") == "serial number AB"
