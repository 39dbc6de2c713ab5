# SPDX-License-Identifier: Apache-2.0
"""Passkeys with their counters, and the challenges that were answered: none is good twice."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.accounts.tables.schema import passkeys, used_challenges
from shared.contracts import accounts as c


class Passkey(msgspec.Struct, frozen=True):
    """A row of `passkeys`."""

    passkey_id: str
    user_id: str
    credential_id: str
    public_key: str
    sign_count: int
    name: str
    created_at: str
    last_used_at: str | None = None

    def view(self) -> c.PasskeyView:
        """What its user may see."""
        return c.PasskeyView(
            passkey_id=self.passkey_id, name=self.name, created_at=self.created_at, last_used_at=self.last_used_at
        )


_ROW = [passkeys.c[name] for name in Passkey.__struct_fields__]


def passkeys_of(connection: sa.Connection, user_id: str) -> list[Passkey]:
    """The user's passkeys, oldest first."""
    query = sa.select(*_ROW).where(passkeys.c.user_id == user_id)
    return [Passkey(*row) for row in connection.execute(query.order_by(passkeys.c.created_at, passkeys.c.passkey_id))]


def passkey_by_credential(connection: sa.Connection, credential_id: str) -> Passkey | None:
    """Whose credential this is."""
    row = connection.execute(sa.select(*_ROW).where(passkeys.c.credential_id == credential_id)).first()
    return None if row is None else Passkey(*row)


def add_passkey(connection: sa.Connection, new: Passkey) -> None:
    """A new passkey."""
    connection.execute(passkeys.insert(), {name: getattr(new, name) for name in new.__struct_fields__})


def use_passkey(connection: sa.Connection, used: Passkey, sign_count: int, at: str) -> bool:
    """Keeps the new counter; False when another sign-in moved it meanwhile."""
    moved = (
        passkeys.update()
        .where(passkeys.c.passkey_id == used.passkey_id, passkeys.c.sign_count == used.sign_count)
        .values(sign_count=sign_count, last_used_at=at)
    )
    return connection.execute(moved).rowcount == 1


def remove_passkeys(connection: sa.Connection, user_id: str, *, only: str | None = None) -> list[str]:
    """Forgets one passkey of the user, or all; the ids of those that were there."""
    mine = passkeys.c.user_id == user_id
    if only is not None:
        mine &= passkeys.c.passkey_id == only
    found = list(connection.execute(sa.select(passkeys.c.passkey_id).where(mine)).scalars())
    connection.execute(passkeys.delete().where(mine))
    return found


def use_challenge(connection: sa.Connection, challenge_hash: str, expires_at: str) -> bool:
    """Uses a challenge up; False when it was before."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"challenge_hash": challenge_hash, "expires_at": expires_at}
    return connection.execute(insert(used_challenges).values(**values).on_conflict_do_nothing()).rowcount == 1


def forget_challenges(connection: sa.Connection, now: str) -> None:
    """Drops those that are too old to be good anyway."""
    connection.execute(used_challenges.delete().where(used_challenges.c.expires_at <= now))
