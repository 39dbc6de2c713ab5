# SPDX-License-Identifier: Apache-2.0
"""The audit log: every event in words, found by who, what and when, by its own account only."""

from __future__ import annotations

import re

import msgspec
import pytest

from services.alerts.handlers import audit
from services.alerts.model.audit import SENTENCES, summary_of
from shared.context import Context
from shared.contracts import accounts, billing, orders
from shared.contracts.alerts import ListAudit
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Metadata
from tests.support.golden_events import golden, registered

PUBLIC = {name: kind for name, kind in registered().items() if kind.__module__.startswith("shared.contracts.")}
ADMIN = frozenset({"view", "administer"})


@pytest.mark.parametrize("event_type", PUBLIC.values(), ids=lambda one: one.TYPE)
def test_every_public_event_has_a_sentence_of_its_own_fields(event_type):
    sentence = SENTENCES.get(event_type.TYPE)
    assert sentence, f"say in services/alerts/model/audit.py what {event_type.TYPE} means"
    assert set(re.findall(r"\{(\w+)\}", sentence)) <= set(event_type.__struct_fields__)


def test_no_sentence_is_about_an_event_that_is_gone():
    assert set(SENTENCES) == set(PUBLIC)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, _, text in golden() if name in SENTENCES])
def test_a_golden_event_reads_as_one_sentence(name, text):
    summary = summary_of(name, msgspec.json.decode(text))
    assert summary != name
    assert "{" not in summary
    assert "BEGIN" not in summary
    assert len(summary) <= 300


def test_amounts_lists_and_moments_are_written_for_people():
    event = {"currency": "USD", "total": 4900, "product_name": "DV", "names": ["a", "b", "c", "d", "e"]}
    assert summary_of("billing.QuoteGiven", event) == "A price of USD 49.00 was quoted for DV, a, b, c and 2 more."
    assert summary_of("accounts.UserChanged", {"permissions": []}) == "A user may do nothing now."
    assert summary_of("alerts.AlertRaised", {"severity": "notice", "not_after": "2027-01-02T03:04:05Z"}) == (
        "An alert (notice) was raised: a certificate ends on 2027-01-02."
    )
    assert summary_of("elsewhere.Unknown", {}) == "elsewhere.Unknown"


class Log:
    """The audit log of a room that is told events of several actors."""

    def __init__(self, alerts):
        self.alerts = alerts

    def told(self, fact, actor, *, account="a1", stream=None):
        envelope = self.alerts.envelope(fact, account=account, stream=stream)
        metadata = Metadata(actor=actor, account_id=account)
        self.alerts.app.feed.add(msgspec.structs.replace(envelope, metadata=metadata))
        self.alerts.clock.forward(minutes=1)

    def read(self, *, account="a1", **asked):
        context = Context(actor="user:u", account_id=account, permissions=ADMIN)
        return audit.entries(self.alerts.room, ListAudit(**asked), context)

    def types(self, **asked):
        return [entry.type.partition(".")[2] for entry in self.read(**asked).items]


@pytest.fixture
def log(alerts):
    told = Log(alerts)
    told.told(accounts.PasswordChanged(user_id="u1"), "user:u1", stream="user-u1")
    told.told(accounts.TokenCreated(token_id="t1", user_id="u1", permissions=["view"]), "user:u1", stream="user-u1")
    told.told(orders.OrderExpired(order_id="o1"), "system:orders", stream="order-o1")
    told.told(orders.OrderRenewed(order_id="o1", by_order_id="o2"), "token:t1", stream="order-o1")
    told.told(billing.DepositOpened(account_id="a2", currency="USD"), "user:u2", account="a2")
    return told


def test_the_newest_comes_first_page_by_page(log):
    everything = log.read(total=True)
    assert [entry.position for entry in everything.items] == [4, 3, 2, 1]
    assert everything.total == 4
    first = log.read(limit=3)
    assert (first.total, len(first.items)) == (None, 3)
    assert [entry.position for entry in log.read(limit=3, cursor=first.next_cursor).items] == [1]
    [entry] = log.read(type="orders.OrderExpired").items
    assert (entry.actor, entry.subject, entry.summary) == ("system:orders", "order-o1", "The order expired.")
    assert entry.data == {"order_id": "o1"}


def test_entries_are_found_by_who_what_and_when(log):
    assert log.types(people=True) == ["OrderRenewed", "TokenCreated", "PasswordChanged"]
    assert log.types(actor="user:u1") == ["TokenCreated", "PasswordChanged"]
    assert log.types(actor="system:orders") == ["OrderExpired"]
    assert log.types(actor="system:orders", people=True) == []
    assert log.types(type="accounts.") == ["TokenCreated", "PasswordChanged"]
    assert log.types(type="accounts.PasswordChanged") == ["PasswordChanged"]
    assert log.types(type="accounts.Password") == []
    assert log.types(search="ORDER-o1") == ["OrderRenewed", "OrderExpired"]
    assert log.types(search="api token") == ["TokenCreated"]
    assert log.types(since="2026-11-23T12:02:00Z") == ["OrderRenewed", "OrderExpired"]
    assert log.types(until="2026-11-23T13:01:00+01:00") == ["PasswordChanged"]
    assert log.read(people=True, total=True).total == 3


def test_an_account_sees_its_own_and_an_operator_without_one_sees_all(log):
    assert log.types(account="a2") == ["DepositOpened"]
    operator = Context(actor="user:op", permissions=frozenset({"operator"}))
    assert len(audit.entries(log.alerts.room, ListAudit(), operator).items) == 5
    with pytest.raises(ServiceError) as refused:
        audit.entries(log.alerts.room, ListAudit(), Context(actor="user:x", permissions=ADMIN))
    assert refused.value.code is Code.FORBIDDEN


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"until": "2026-13-01T00:00:00Z"}, "/until"),
        ({"limit": 0}, "/limit"),
        ({"cursor": "x"}, "/cursor"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(log, asked, pointer):
    with pytest.raises(ServiceError) as refused:
        log.read(**asked)
    assert refused.value.pointer == pointer


def test_events_of_people_are_found_by_their_own_index(log):
    if log.alerts.room.database.dialect != "sqlite":
        pytest.skip("the plan of SQLite")
    sql = "EXPLAIN QUERY PLAN SELECT * FROM feed WHERE account_id = ? AND by_person = 1 ORDER BY position DESC LIMIT 9"
    with log.alerts.room.query() as connection:
        plan = " ".join(row[3] for row in connection.exec_driver_sql(sql, ("a1",)))
    assert "feed_by_person" in plan
    assert "TEMP B-TREE" not in plan
