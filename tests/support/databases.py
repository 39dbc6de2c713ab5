# SPDX-License-Identifier: Apache-2.0
"""Fixtures for a room on each of its databases: SQLite, and PostgreSQL as a private server.

A conftest names them in its `__all__`; one server then serves all tests of a session.
"""

import itertools

import pytest

from shared.settings import Settings
from tests.support import postgres

CONNECTIONS = 20

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A PostgreSQL of the session's own."""
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    """Settings of an empty database."""
    data = tmp_path / "data"
    if request.param == "sqlite":
        yield Settings(data_dir=data, database_connections=CONNECTIONS)
        return
    server = request.getfixturevalue("postgres_server")
    name = f"empty_{next(_numbers)}"
    yield Settings(database_url=server.create_database(name), data_dir=data, database_connections=CONNECTIONS)
    server.drop_database(name)
