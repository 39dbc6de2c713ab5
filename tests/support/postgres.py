# SPDX-License-Identifier: Apache-2.0
"""The private PostgreSQL server of the tests: the one that the cluster on one machine uses. What a CA signed in its
databases is kept before they go, to be linted at the end of the run, and so is every row, to be searched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from certwright.servers import postgresql
from certwright.servers.postgresql import Server, bin_folder
from tests.support import signed, stored_rows

__all__ = ["Server", "bin_folder", "running"]
_numbers = itertools.count(1)


@contextmanager
def running(folder: Path | None = None, *, fast: bool = False) -> Iterator[Server]:
    """See `postgresql.running`."""
    with postgresql.running(folder, fast=fast) as server:
        drop = server.drop_database

        def keep(events: list[signed.Event]) -> None:
            signed.keep(events, server.folder.parent / f"{server.folder.name}-{next(_numbers)}")

        def drop_database(name: str) -> None:
            with suppress(psycopg.OperationalError):  # it is not there
                keep(signed.in_database(server.url(name)))
                stored_rows.keep_database(server.url(name))
            drop(name)

        server.drop_database = drop_database  # type: ignore[method-assign]
        yield server
        with suppress(psycopg.OperationalError):  # a test ended the server itself
            keep(signed.in_server(server.url("postgres")))
            stored_rows.keep_server(server.url("postgres"))
