# SPDX-License-Identifier: Apache-2.0
"""Mass replacements again, on PostgreSQL with tables made by the revisions."""

import pytest
from psycopg.sql import SQL

from services.orders.projections import projections
from shared.eventstore.database import Database
from shared.eventstore.migrations import differences
from shared.settings import Settings
from tests.support import postgres
from tests.unit.orders.test_mass_replacement_room import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.orders.test_mass_replacement_room import Fleet, told


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        made.create_database("orders")
        yield made


@pytest.fixture
def fleet(server):
    server.execute("orders", SQL("DROP SCHEMA IF EXISTS orders CASCADE"))
    with told(Fleet(Database.open("orders", Settings(database_url=server.url("orders"))))) as found:
        yield found


def test_the_revisions_make_the_declared_tables(fleet):
    assert differences(fleet.database, projections) == []
