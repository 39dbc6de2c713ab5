# SPDX-License-Identifier: Apache-2.0
"""What stands in a PostgreSQL server, written out before it goes, for the search at the end of a run of tests."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import psycopg
from psycopg import sql

_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables "
    "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
)


def keep_database(url: str) -> None:
    """All rows of all tables of one database, as text, in a file of the run (tests/support/searched_run.py)."""
    folder = os.environ.get("SEARCHED_RUN")
    if folder is None:  # nobody will search
        return
    name = f"rows-{url.rpartition('/')[2]}-{secrets.token_hex(8)}"
    with psycopg.connect(url) as connection, (Path(folder) / name).open("wb") as out:
        for schema, table in connection.execute(_TABLES).fetchall():
            out.write(f"{schema}.{table}\n".encode())
            query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                for part in copy:
                    out.write(part)


def keep_server(url: str) -> None:
    """The same for all databases of a server, of which `url` is one."""
    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datallowconn")]
    for name in names:
        keep_database(f"{url.rpartition('/')[0]}/{name}")
