# SPDX-License-Identifier: Apache-2.0
"""Every promise of the accounts room again, on PostgreSQL with tables made by its revisions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.sql import SQL

from services.accounts.projections import projections
from shared.errors import ServiceError
from shared.eventstore.database import Database
from shared.eventstore.migrations import differences
from shared.settings import Settings
from tests.support import account_builders as given
from tests.support import postgres
from tests.unit.accounts.test_accounts_room import *  # noqa: F403 - its tests run here with the fixture below
from tests.unit.accounts.test_accounts_room import enrolled


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as made:
        made.create_database("accounts")
        yield made


@pytest.fixture
def url(server):
    server.execute("accounts", SQL("DROP SCHEMA IF EXISTS accounts CASCADE"))
    return server.url("accounts")


@pytest.fixture
def house(url, tmp_path):
    found = given.House(tmp_path, Database.open("accounts", Settings(database_url=url)))
    yield found
    found.database.close()


def test_the_revisions_make_the_declared_tables(house):
    assert differences(house.database, projections) == []


def test_one_login_taken_at_the_same_moment_makes_one_account(house):
    def sign_up(login):
        try:
            return house.sign_up(login).order_number
        except ServiceError as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(sign_up, ["nora", "Nora", "NORA", "nora"]))
    assert sum(isinstance(one, int) for one in outcomes) == 1


def test_a_recovery_code_used_twice_at_the_same_moment_opens_once(house):
    *_, codes = enrolled(house)

    def sign_in(address):
        try:
            return bool(house.sign_in(code=codes[0], remote_address=address))
        except ServiceError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sign_in, ["a", "b", "c", "d"])) == 1
