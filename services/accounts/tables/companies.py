# SPDX-License-Identifier: Apache-2.0
"""Accounts, and the numbers by which they are known."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.accounts.tables.schema import accounts, counters, order_numbers
from shared.contracts import accounts as c
from shared.contracts.paging import number_after

FIRST_NUMBER = 1_000_001  # sign-up numbers; orders proper begin with 2


def next_number(connection: sa.Connection) -> int:
    """The next sign-up number."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(counters).values(name="sign_up_number", value=FIRST_NUMBER)
    number: int = connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1}).returning(
            counters.c.value
        )
    ).scalar_one()
    return number


def add_account(connection: sa.Connection, account: c.AccountView, admin_address: c.Company | None) -> None:
    """A new account with its number."""
    connection.execute(
        accounts.insert(),
        {
            "account_id": account.account_id,
            "order_number": account.order_number,
            "admin_address": _json(admin_address) if admin_address else None,
            "created_at": account.created_at,
            **_details(account),
        },
    )
    remember_number(connection, account.order_number, account.account_id)


def change_account(connection: sa.Connection, account: c.AccountView) -> None:
    """New company and contact data."""
    connection.execute(accounts.update().where(accounts.c.account_id == account.account_id).values(**_details(account)))


def account(connection: sa.Connection, account_id: str) -> c.AccountView | None:
    """One account."""
    row = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).first()
    return _account(row) if row is not None else None


def list_accounts(connection: sa.Connection, search: str | None, limit: int, cursor: str | None) -> list[c.AccountView]:
    """Up to `limit` + 1, newest first. The cursor is the number of the last one seen."""
    query = sa.select(accounts).order_by(accounts.c.order_number.desc()).limit(limit + 1)
    if search:
        query = query.where(accounts.c.search.contains(search.strip().lower(), autoescape=True))
    if cursor is not None:
        query = query.where(accounts.c.order_number < number_after(cursor))
    return [_account(row) for row in connection.execute(query)]


def remember_number(connection: sa.Connection, number: int, account_id: str) -> None:
    """An order number of an account; saying it again changes nothing."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(order_numbers).values(number=number, account_id=account_id).on_conflict_do_nothing())


def owns_number(connection: sa.Connection, number: int, account_id: str) -> bool:
    """Whether this is one of the account's order numbers."""
    found = connection.execute(sa.select(order_numbers.c.account_id).where(order_numbers.c.number == number)).scalar()
    return found == account_id


def _account(row: sa.Row[Any]) -> c.AccountView:
    return c.AccountView(
        account_id=row.account_id,
        company=msgspec.json.decode(row.company, type=c.Company),
        contact=msgspec.json.decode(row.contact, type=c.Contact),
        created_at=row.created_at,
        order_number=row.order_number,
    )


def _details(account: c.AccountView) -> dict[str, str]:
    words = [str(account.order_number), account.company.name, account.contact.last_name, account.contact.email]
    return {
        "company": _json(account.company),
        "contact": _json(account.contact),
        "search": " ".join(words).lower(),
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
