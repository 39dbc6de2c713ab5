# SPDX-License-Identifier: Apache-2.0
"""The feed: every event once, in one order, to those whose it is."""

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from services.alerts.handlers import feed, requests
from shared.clock import from_text
from shared.context import Context, system
from shared.contracts import alerts as contract
from shared.contracts import billing, orders
from shared.errors import Code, ServiceError
from shared.eventstore.retries import NotYet
from shared.mail.folder import MailFolder
from shared.mail.message import Mail


def refused(order="o1", account="a1"):
    return billing.ChargeRefused(order_id=order, account_id=account, reason="r")


def types(page):
    return [event.cloudevent["type"] for event in page.events]


def test_an_event_is_in_the_feed_as_a_cloudevent(alerts):
    envelope = alerts.envelope(refused(), stream="charge-o1")
    alerts.app.feed.add(envelope)
    [event] = alerts.feed().events
    assert event.position == 1
    assert event.cloudevent == {
        "specversion": "1.0",
        "id": envelope.event_id,
        "source": "/certwright/billing",
        "type": "certwright.billing.ChargeRefused.v1",
        "subject": "charge-o1",
        "time": envelope.occurred_at,
        "datacontenttype": "application/json",
        "streamversion": 1,
        "actor": "public",
        "accountid": "a1",
        "data": {"order_id": "o1", "account_id": "a1", "reason": "r"},
    }


def test_the_same_event_is_there_once_however_often_it_comes(alerts):
    envelope = alerts.envelope(refused())
    for _ in range(3):
        alerts.app.feed.add(envelope)
    assert len(alerts.feed().events) == 1


def test_reading_on_from_a_position_gives_the_rest_page_by_page(alerts):
    for number in range(7):
        alerts.app.feed.add(alerts.envelope(refused(f"o{number}", "a1" if number % 2 else "a2")))
    found, after = [], 0
    while page := alerts.feed(after=after, limit=2):
        found += [event.position for event in page.events]
        after = page.next_after
        if not page.events:
            break
    assert found == [2, 4, 6]
    assert after == 7
    assert [event.position for event in alerts.feed(operator=True).events] == [1, 2, 3, 4, 5, 6, 7]


def test_types_narrow_the_feed_and_the_end_moves_on(alerts):
    alerts.app.feed.add(alerts.envelope(refused()))
    alerts.app.feed.add(alerts.envelope(billing.DepositOpened(account_id="a1", currency="USD")))
    page = alerts.feed(types=["billing.ChargeRefused"])
    assert types(page) == ["certwright.billing.ChargeRefused.v1"]
    assert page.next_after == 2
    assert feed.head(alerts.room).next_after == 2


def test_an_event_that_does_not_say_whose_it_is_belongs_to_its_streams_account(alerts):
    opened = alerts.envelope(refused(), stream="order-1", version=1)
    later = alerts.envelope(billing.ChargeCancelled(order_id="o1"), stream="order-1", version=2)
    with pytest.raises(NotYet):
        alerts.app.feed.add(later)
    alerts.app.feed.add(opened)
    alerts.app.feed.add(later)
    assert [event.cloudevent["accountid"] for event in alerts.feed().events] == ["a1", "a1"]


def test_the_context_of_an_event_says_whose_it_is_where_its_data_does_not(alerts):
    alerts.app.feed.add(alerts.envelope(billing.ChargeCancelled(order_id="o1"), version=5, account="a1"))
    assert len(alerts.feed().events) == 1


def test_streams_of_different_rooms_are_never_mixed_up(alerts):
    alerts.app.feed.add(alerts.envelope(refused(), stream="x-1"))
    with pytest.raises(NotYet):
        alerts.app.feed.add(alerts.envelope(orders.OrderExpired(order_id="o"), stream="x-1", version=2))


def test_what_is_nobodys_is_seen_by_operators_alone(alerts):
    alerts.app.feed.add(alerts.envelope(orders.OrderExpired(order_id="o"), version=1))
    assert alerts.feed().events == []
    assert len(alerts.feed(operator=True).events) == 1


def test_pruning_forgets_old_events_and_positions_go_on(alerts):
    alerts.app.feed.add(alerts.envelope(refused()))
    alerts.clock.forward(days=91)
    alerts.room.execute(feed.prune, 90, system("alerts"))
    assert alerts.feed().events == []
    alerts.app.feed.add(alerts.envelope(refused()))
    assert [event.position for event in alerts.feed().events] == [2]


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 501}, {"after": -1}, {"after": 2**63}, {"types": ["x"] * 101}]
)
def test_a_page_that_cannot_be_is_refused(alerts, fields):
    with pytest.raises(ServiceError) as caught:
        alerts.feed(**fields)
    assert caught.value.code is Code.INVALID


def test_without_an_account_only_operators_read(alerts):
    with pytest.raises(ServiceError) as caught:
        feed.read(alerts.room, contract.ReadFeed(), Context(permissions=frozenset({"view"})))
    assert caught.value.code is Code.FORBIDDEN


def test_a_failed_write_fails_for_all_who_wait_and_the_next_one_works(alerts):
    broken = msgspec.structs.replace(alerts.envelope(refused()), occurred_at=None)
    with pytest.raises(IntegrityError):
        alerts.app.feed.add(broken)
    alerts.app.feed.add(alerts.envelope(refused()))
    assert len(alerts.feed().events) == 1


def test_operators_read_the_mails_that_lie_in_the_folder(alerts, tmp_path):
    folder = MailFolder(tmp_path / "mail")
    for number in range(3):
        at = from_text(f"2026-11-23T12:00:0{number}Z")
        folder.send(Mail(to="a@example.com", subject=f"S{number}", text=f"T{number}", key=f"k{number}"), at)
    first = requests.list_mails(folder, contract.ListMails(limit=2))
    rest = requests.list_mails(folder, contract.ListMails(limit=2, cursor=first.next_cursor))
    assert [mail.subject for mail in first.items + rest.items] == ["S2", "S1", "S0"]
    assert rest.next_cursor is None
    mail = requests.get_mail(folder, contract.GetMail(mail_id=first.items[0].mail_id))
    assert (mail.text.strip(), mail.to) == ("T2", ["a@example.com"])
    for mail_id in ("nothing", "../../etc/passwd"):
        with pytest.raises(ServiceError) as caught:
            requests.get_mail(folder, contract.GetMail(mail_id=mail_id))
        assert caught.value.code is Code.NOT_FOUND
