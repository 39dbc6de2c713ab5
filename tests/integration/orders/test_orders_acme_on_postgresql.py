# SPDX-License-Identifier: Apache-2.0
"""Every promise about ACME orders again, on PostgreSQL with tables made by its revisions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.sql import SQL

from shared.eventstore.database import Database
from shared.settings import Settings
from tests.support import postgres
from tests.unit.orders.test_orders_acme import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.orders.test_orders_acme import ACMEStory, told


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        made.create_database("orders")
        yield made


@pytest.fixture
def story(server):
    server.execute("orders", SQL("DROP SCHEMA IF EXISTS orders CASCADE"))
    with told(ACMEStory(Database.open("orders", Settings(database_url=server.url("orders"))))) as found:
        yield found


def test_the_same_names_at_the_same_moment_are_bought_once(story):
    quotes = [story.quote(deposit=True) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda quote: story.open(quote=quote), quotes))
    assert len({one.order_id for one in opened}) == 1
    assert sorted(one.csr_version for one in opened) == list(range(1, 9))
