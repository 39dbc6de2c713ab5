# SPDX-License-Identifier: Apache-2.0
"""Every promise of the orders room again, on PostgreSQL with tables made by its revisions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.sql import SQL

from services.orders.handlers import commands, reactions
from services.orders.projections import projections
from shared.contracts import orders
from shared.errors import ServiceError
from shared.eventstore.database import Database
from shared.eventstore.migrations import differences
from shared.eventstore.verify import verify
from shared.settings import Settings
from tests.support import order_builders as given
from tests.support import postgres
from tests.support.rooms import customer
from tests.unit.orders.test_orders_listing import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.orders.test_orders_room import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.orders.test_orders_room import Story, told


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        made.create_database("orders")
        yield made


@pytest.fixture
def url(server):
    server.execute("orders", SQL("DROP SCHEMA IF EXISTS orders CASCADE"))
    return server.url("orders")


@pytest.fixture
def story(url):
    with told(Story(Database.open("orders", Settings(database_url=url)))) as found:
        yield found


def test_the_revisions_make_the_declared_tables(story):
    assert differences(story.database, projections) == []


def test_orders_placed_at_the_same_moment_get_numbers_without_gap_or_repetition(story):
    with ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(lambda _: story.place().number, range(24)))
    assert sorted(placed) == list(range(2_000_001, 2_000_025))
    assert not verify(story.database).faults


def test_a_quote_used_twice_at_the_same_moment_makes_one_order(story):
    quote = story.quote()

    def place(_):
        try:
            return story.place(quote=quote).number
        except ServiceError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(place, range(4)))
    assert sum(isinstance(one, int) for one in outcomes) == 1


def test_proofs_that_arrive_at_the_same_moment_ask_the_ca_once(story):
    names = [f"host-{number}.example.com" for number in range(6)]
    quote = story.quote(names=names)
    order = story.place(quote=quote)
    story.tell(reactions.on_payment_captured, given.captured(order_id=order.order_id))
    csr = given.csr(tuple(names))
    story.do(commands.submit_csr, orders.SubmitCSR(order_id=order.order_id, csr=csr.pem), csr=csr)

    def prove(fqdn):
        for _ in range(20):  # a conflict is tried again, as the subscription does
            try:
                return story.tell(reactions.on_dcv_passed, given.passed(fqdn, order_id=order.order_id), f"e-{fqdn}")
            except ServiceError:
                continue
        raise AssertionError("never got through")

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(prove, names))
    kinds = [type(envelope.data).__name__ for envelope in story.room.events(f"order-{order.order_id}")]
    assert kinds.count("IssuanceRequested") == 1
    assert kinds[-1] == "IssuanceRequested"


def test_one_key_in_two_accounts_at_the_same_moment_belongs_to_one(story):
    placed = {account: story.place(account) for account in ("account-1", "account-2")}
    for order in placed.values():
        story.tell(reactions.on_payment_captured, given.captured(order_id=order.order_id))

    def submit(account):
        try:
            return story.submit(placed[account].order_id, 1, customer(account)).status
        except ServiceError as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(map(str, pool.map(submit, placed))) == ["invalid", "processing"]
