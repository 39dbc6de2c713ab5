# SPDX-License-Identifier: Apache-2.0
"""Reading and writing checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.discovery.tables import checks
from shared.contracts.discovery import CheckView

_SHORT = [column for column in checks.c if column.name not in {"verdict", "survey"}]


def insert_check(connection: sa.Connection, row: dict[str, Any]) -> None:
    """A new check; it gets the account's next number."""
    last = sa.select(sa.func.coalesce(sa.func.max(checks.c.number), 0)).where(checks.c.account_id == row["account_id"])
    connection.execute(sa.insert(checks), {**row, "number": connection.execute(last).scalar_one() + 1})


def change_check(connection: sa.Connection, check_id: str, **values: Any) -> None:
    """Writes some columns of a check."""
    connection.execute(sa.update(checks).where(checks.c.id == check_id).values(**values))


def find_check(connection: sa.Connection, check_id: str, account_id: str | None = None) -> sa.Row[Any] | None:
    """A check; only of this account when one is given."""
    chosen = sa.select(checks).where(checks.c.id == check_id)
    if account_id is not None:
        chosen = chosen.where(checks.c.account_id == account_id)
    return connection.execute(chosen).first()


def count_open(connection: sa.Connection, account_id: str) -> int:
    """How many checks of an account wait or run."""
    mine = sa.and_(checks.c.account_id == account_id, checks.c.state.in_(("waiting", "running")))
    return connection.execute(sa.select(sa.func.count()).select_from(checks).where(mine)).scalar_one()


def list_checks(
    connection: sa.Connection,
    account_id: str,
    *,
    fqdn: str | None,
    port: int | None,
    before: int | None,
    limit: int,
) -> tuple[Sequence[sa.Row[Any]], int]:
    """Up to `limit` + 1 checks below a number, newest first, without what they saw; and how many there are."""
    conditions = [checks.c.account_id == account_id]
    if fqdn is not None:
        conditions.append(checks.c.fqdn == fqdn)
    if port is not None:
        conditions.append(checks.c.port == port)
    total = connection.execute(sa.select(sa.func.count()).select_from(checks).where(*conditions)).scalar_one()
    if before is not None:
        conditions.append(checks.c.number < before)
    chosen = sa.select(*_SHORT).where(*conditions).order_by(checks.c.number.desc()).limit(limit + 1)
    return connection.execute(chosen).all(), total


def check_view(row: sa.Row[Any]) -> CheckView:
    """The row as people see it; with what was seen where the row has it."""
    here = row._mapping
    fields = {name: here[name] for name in CheckView.__struct_fields__ if name in here}
    return CheckView(check_id=row.id, **fields)
