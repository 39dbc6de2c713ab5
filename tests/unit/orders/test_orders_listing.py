# SPDX-License-Identifier: Apache-2.0
"""The list of orders in every order that may be asked for, by pages, and its counts."""

from __future__ import annotations

import pytest

from services.orders.bootstrap import build
from services.orders.handlers import queries
from services.orders.projections.listing import SORTS
from shared.contracts import orders
from shared.eventstore import rebuild
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support.many_orders import fill, fill_room
from tests.support.rooms import customer
from tests.unit.orders.test_orders_room import Story, refused, told

COUNT = 60


@pytest.fixture
def story():
    with told(Story()) as found:
        yield found


@pytest.fixture
def many(story):
    fill_room(story.app, "account-1", COUNT)
    fill_room(story.app, "account-2", 10)
    return story


def listed(story, **asked):
    return queries.list_page(story.room, orders.ListOrders(**asked), customer())


@pytest.mark.parametrize("sort", [sign + key for key in SORTS for sign in ("", "-")])
def test_pages_by_offset_show_every_order_once_in_the_order_asked_for(many, sort):
    items = []
    for offset in range(0, COUNT + 25, 25):
        page = listed(many, sort=sort, offset=offset, limit=25)
        assert page.total == COUNT
        items += page.items
    field = {"product": "product_name"}.get(sort.removeprefix("-"), sort.removeprefix("-"))
    keys = [(getattr(item, field), item.number) for item in items]
    given = [key for key in keys if key[0] is not None]
    assert len({item.number for item in items}) == COUNT
    assert given == sorted(given, reverse=sort.startswith("-"))
    assert keys[: len(given)] == given  # what has no such value comes last


def test_a_cursor_goes_with_the_newest_first_only(many):
    cursor = listed(many, limit=5).next_cursor
    assert listed(many, limit=5, cursor=cursor).items
    assert listed(many, limit=5, sort="amount").next_cursor is None
    for asked in ({"offset": 5}, {"sort": "number"}):
        assert refused(listed, many, cursor=cursor, **asked).pointer == "/cursor"
    assert refused(listed, many, sort="account_id").pointer == "/sort"
    assert refused(listed, many, offset=100_001).pointer == "/offset"
    assert refused(listed, many, offset=-1).pointer == "/offset"


def test_several_statuses_may_be_asked_for_at_once(many):
    found = listed(many, status="issued, installed", limit=200)
    assert {item.status for item in found.items} == {"issued", "installed"}
    assert found.total == 18
    assert refused(listed, many, status="issued,nonsense").pointer == "/status"


def test_orders_are_counted_by_status_as_search_and_kind_say(many):
    def counted(**asked):
        return queries.count(many.room, orders.CountOrders(**asked), customer())

    everything = counted()
    assert everything.total == COUNT == sum(everything.by_status.values())
    assert everything.by_status["issued"] == 12
    assert everything.by_status["rejected"] == 0
    assert counted(kind="topup").by_status["paid"] == counted(kind="topup").total == 6
    assert counted(search="HOST-00001").total == 1
    nobody = customer("account-3")
    assert queries.count(many.room, orders.CountOrders(), nobody).total == 0


def test_a_filled_folder_is_what_a_running_product_would_have_made(tmp_path):
    made = fill(tmp_path, "account-1", 300)
    app = build(Settings(data_dir=tmp_path))
    try:
        assert not verify(app.room.database).faults
        assert rebuild.check(app.room).equal
        found = queries.list_page(app.room, orders.ListOrders(sort="common_name", limit=200), customer())
    finally:
        app.room.database.close()
    assert (len(set(made)), found.total) == (300, 300)
    assert {item.order_id for item in found.items} <= set(made)


def test_the_filled_history_is_whole(many):
    assert not verify(many.database).faults
    assert rebuild.check(many.room).equal


def test_an_account_with_many_orders_is_read_by_its_index():
    plans = []
    with told(Story()) as story:  # SQLite, also where the other tests run on PostgreSQL
        fill_room(story.app, "account-1", COUNT)
        with story.room.query() as connection:
            for where, order in (
                ("account_id = ?", "number DESC"),
                ("account_id = ?", "status, number"),
                ("account_id = ? AND status = 'issued'", "number DESC"),
            ):
                sql = f"EXPLAIN QUERY PLAN SELECT number FROM orders WHERE {where} ORDER BY {order} LIMIT 25"
                plans.append(" ".join(row[3] for row in connection.exec_driver_sql(sql, ("account-1",))))
    assert all("orders_of_account" in plan and "TEMP B-TREE" not in plan for plan in plans), plans
