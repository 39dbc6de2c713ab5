# SPDX-License-Identifier: Apache-2.0
"""Users, what they accepted, and their recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.accounts.tables.schema import acceptances, passkeys, recovery_codes, users
from shared.contracts import accounts as c


class User(msgspec.Struct, frozen=True):
    """A row of `users`."""

    user_id: str
    account_id: str | None
    login: str
    email: str
    password_hash: str
    permissions: list[str]
    created_at: str
    last_sign_in_at: str | None
    totp_sealed: str | None
    totp_confirmed: bool
    totp_step: int
    password_changed_at: str
    must_change_password: bool
    passkeys: int = 0

    def view(self) -> c.UserView:
        """What others may see."""
        return c.UserView(
            user_id=self.user_id,
            account_id=self.account_id,
            login=self.login,
            email=self.email,
            permissions=self.permissions,
            totp=self.totp_confirmed,
            created_at=self.created_at,
            last_sign_in_at=self.last_sign_in_at,
            must_change_password=self.must_change_password,
            passkeys=self.passkeys,
        )


_USER = [
    users.c.user_id,
    users.c.account_id,
    users.c.login,
    users.c.email,
    users.c.password_hash,
    users.c.permissions,
    users.c.created_at,
    users.c.last_sign_in_at,
    users.c.totp_sealed,
    users.c.totp_confirmed,
    users.c.totp_step,
    users.c.password_changed_at,
    users.c.must_change_password,
    sa.select(sa.func.count())
    .where(passkeys.c.user_id == users.c.user_id)
    .correlate(users)
    .scalar_subquery()
    .label("passkeys"),
]


def _user(row: sa.Row[Any] | None) -> User | None:
    if row is None:
        return None
    fields = dict(row._mapping)
    return User(**{**fields, "permissions": fields["permissions"].split()})


def user(connection: sa.Connection, user_id: str) -> User | None:
    """One user."""
    return _user(connection.execute(sa.select(*_USER).where(users.c.user_id == user_id)).first())


def user_by_login(connection: sa.Connection, login: str) -> User | None:
    """The user who signs in with exactly these letters."""
    return _user(connection.execute(sa.select(*_USER).where(users.c.login == login)).first())


def login_taken(connection: sa.Connection, key: str) -> bool:
    """Whether a login that looks like this exists."""
    return connection.execute(sa.select(users.c.user_id).where(users.c.login_key == key)).first() is not None


def add_user(connection: sa.Connection, new: User, login_key: str) -> None:
    """A new user."""
    row = {name: getattr(new, name) for name in new.__struct_fields__ if name != "passkeys"}
    connection.execute(users.insert(), {**row, "permissions": " ".join(new.permissions), "login_key": login_key})


def change_user(connection: sa.Connection, user_id: str, **values: Any) -> None:
    """New values of columns."""
    connection.execute(users.update().where(users.c.user_id == user_id).values(**values))


def set_password(connection: sa.Connection, user_id: str, password_hash: str, *, at: str, temporary: bool) -> None:
    """Another password. A temporary one must be changed at the next sign-in."""
    change_user(
        connection, user_id, password_hash=password_hash, password_changed_at=at, must_change_password=temporary
    )


def forget_totp(connection: sa.Connection, of: User) -> bool:
    """Forgets the authenticator app, and the recovery codes unless they still stand for a passkey; False: none."""
    if of.totp_sealed is None:
        return False
    change_user(connection, of.user_id, totp_sealed=None, totp_confirmed=False, totp_step=0)
    if not of.passkeys:
        set_recovery_codes(connection, of.user_id, [])
    return True


def remove_user(connection: sa.Connection, user_id: str) -> None:
    """The user with all credentials. What was accepted stays as evidence."""
    connection.execute(users.delete().where(users.c.user_id == user_id))


def users_of(connection: sa.Connection, account_id: str | None) -> list[User]:
    """Everybody of an account, oldest first; None: the operators."""
    query = sa.select(*_USER).where(users.c.account_id == account_id).order_by(users.c.created_at, users.c.user_id)
    return [found for row in connection.execute(query) if (found := _user(row)) is not None]


def operator_exists(connection: sa.Connection) -> bool:
    """Whether the installation was claimed."""
    return (
        connection.execute(sa.select(users.c.user_id).where(users.c.account_id.is_(None)).limit(1)).first() is not None
    )


def accept(connection: sa.Connection, user_id: str, kind: str, version: str, *, at: str, remote_address: str) -> bool:
    """Records that a text was accepted; False when it was before."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"user_id": user_id, "kind": kind, "version": version, "at": at, "remote_address": remote_address}
    return connection.execute(insert(acceptances).values(**values).on_conflict_do_nothing()).rowcount == 1


def accepted(connection: sa.Connection, user_id: str) -> set[tuple[str, str]]:
    """(kind, version) of every text that the user accepted."""
    query = sa.select(acceptances.c.kind, acceptances.c.version).where(acceptances.c.user_id == user_id)
    return {(row[0], row[1]) for row in connection.execute(query)}


def set_recovery_codes(connection: sa.Connection, user_id: str, hashes: Iterable[str]) -> None:
    """New codes in place of all old ones."""
    connection.execute(recovery_codes.delete().where(recovery_codes.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": one} for one in hashes]
    if rows:
        connection.execute(recovery_codes.insert(), rows)


def has_recovery_codes(connection: sa.Connection, user_id: str) -> bool:
    """Whether any is left."""
    query = sa.select(recovery_codes.c.code_hash).where(recovery_codes.c.user_id == user_id).limit(1)
    return connection.execute(query).first() is not None


def use_recovery_code(connection: sa.Connection, user_id: str, code_hash: str) -> bool:
    """Uses a code up; False when there is none."""
    used = recovery_codes.delete().where(recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash)
    return connection.execute(used).rowcount == 1
