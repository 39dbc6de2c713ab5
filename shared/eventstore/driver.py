# SPDX-License-Identifier: Apache-2.0
"""Statements that every command runs, sent by the driver inside the transaction of a SQLAlchemy connection.

SQLAlchemy describes each result anew, which costs more than fetching twelve events does (bench: rebuild). Errors are
those of SQLAlchemy all the same, and a lost connection is given up as SQLAlchemy would. Placeholders are the driver's:
see `Database.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


def rows(connection: sa.Connection, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every row that a statement returns. Raises DBAPIError."""
    driver: Any = connection.connection.dbapi_connection
    try:
        found: list[tuple[Any, ...]] = driver.execute(statement, parameters).fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, driver, statement, error) from error
    return found


def change(connection: sa.Connection, statement: str, parameters: tuple[Any, ...] = ()) -> int:
    """How many rows a statement inserted, changed or removed. Raises DBAPIError, IntegrityError among them."""
    driver: Any = connection.connection.dbapi_connection
    try:
        return int(driver.execute(statement, parameters).rowcount)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, driver, statement, error) from error


def change_each(connection: sa.Connection, statement: str, parameters: Sequence[tuple[Any, ...]]) -> None:
    """The same statement for each of many rows. Raises DBAPIError, IntegrityError among them."""
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.cursor().executemany(statement, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, driver, statement, error) from error


def _translated(connection: sa.Connection, driver: Any, statement: str, error: Any) -> Exception:
    lost = connection.dialect.is_disconnect(error, driver, None)
    if lost:
        connection.invalidate(error)
    translated: Exception = DBAPIError.instance(
        statement,
        None,  # values stay out of errors and logs
        error,
        connection.dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=connection.dialect,
    )
    return translated
