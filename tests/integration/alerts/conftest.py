# SPDX-License-Identifier: Apache-2.0
"""Databases for the alerts room: SQLite, and PostgreSQL as a private server."""

import itertools

import pytest

from shared.settings import Settings
from tests.support import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    with postgres.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, tmp_path):
    """Settings of an empty database."""
    if request.param == "sqlite":
        yield Settings(data_dir=tmp_path / "data", database_connections=20)
        return
    server = request.getfixturevalue("postgres_server")
    name = f"alerts_{next(_numbers)}"
    yield Settings(database_url=server.create_database(name), data_dir=tmp_path / "data", database_connections=20)
    server.drop_database(name)
