# SPDX-License-Identifier: Apache-2.0
"""Identities at a provider, each of one user, and the sign-ins by one that have begun: none is ended twice."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from services.accounts.tables.schema import oidc_identities, oidc_requests
from shared.contracts import accounts as c


class Identity(msgspec.Struct, frozen=True):
    """A row of `oidc_identities`."""

    identity_id: str
    user_id: str
    issuer: str
    subject: str
    created_at: str
    last_used_at: str | None = None

    def view(self) -> c.OIDCIdentityView:
        """What its user may see."""
        return c.OIDCIdentityView(
            identity_id=self.identity_id,
            issuer=self.issuer,
            created_at=self.created_at,
            last_used_at=self.last_used_at,
        )


class Pending(msgspec.Struct, frozen=True):
    """A row of `oidc_requests`. `user_id` is who connects an identity; None: somebody signs in."""

    state_hash: str
    browser_hash: str
    sealed: str
    user_id: str | None
    next: str
    remote_address: str
    expires_at: str


_IDENTITY = [oidc_identities.c[name] for name in Identity.__struct_fields__]
_PENDING = [oidc_requests.c[name] for name in Pending.__struct_fields__]


def identities_of(connection: sa.Connection, user_id: str) -> list[Identity]:
    """The user's identities, oldest first."""
    query = sa.select(*_IDENTITY).where(oidc_identities.c.user_id == user_id)
    ordered = query.order_by(oidc_identities.c.created_at, oidc_identities.c.identity_id)
    return [Identity(*row) for row in connection.execute(ordered)]


def identity_by_subject(connection: sa.Connection, issuer: str, subject: str) -> Identity | None:
    """Whose identity this is."""
    mine = (oidc_identities.c.issuer == issuer) & (oidc_identities.c.subject == subject)
    row = connection.execute(sa.select(*_IDENTITY).where(mine)).first()
    return None if row is None else Identity(*row)


def add_identity(connection: sa.Connection, new: Identity) -> None:
    """A new identity."""
    connection.execute(oidc_identities.insert(), {name: getattr(new, name) for name in new.__struct_fields__})


def use_identity(connection: sa.Connection, identity_id: str, at: str) -> None:
    """Notes its last use."""
    used = oidc_identities.update().where(oidc_identities.c.identity_id == identity_id)
    connection.execute(used.values(last_used_at=at))


def remove_identities(connection: sa.Connection, user_id: str, *, only: str | None = None) -> list[str]:
    """Forgets one identity of the user, or all; the ids of those that were there."""
    mine = oidc_identities.c.user_id == user_id
    if only is not None:
        mine &= oidc_identities.c.identity_id == only
    found = list(connection.execute(sa.select(oidc_identities.c.identity_id).where(mine)).scalars())
    connection.execute(oidc_identities.delete().where(mine))
    return found


def pending_count(connection: sa.Connection) -> int:
    """How many sign-ins have begun and not ended."""
    return connection.execute(sa.select(sa.func.count()).select_from(oidc_requests)).scalar_one()


def add_pending(connection: sa.Connection, new: Pending, *, most_per_address: int) -> None:
    """A sign-in that begins. Of one address at most so many are kept; the oldest go."""
    connection.execute(oidc_requests.insert(), {name: getattr(new, name) for name in new.__struct_fields__})
    theirs = (
        sa.select(oidc_requests.c.state_hash)
        .where(oidc_requests.c.remote_address == new.remote_address)
        .order_by(oidc_requests.c.expires_at.desc(), oidc_requests.c.state_hash)
        .offset(most_per_address)
    )
    too_many = list(connection.execute(theirs.limit(most_per_address)).scalars())
    connection.execute(oidc_requests.delete().where(oidc_requests.c.state_hash.in_(too_many)))


def take_pending(connection: sa.Connection, state_hash: str) -> Pending | None:
    """The sign-in with this state, which is good no more; None when another request took it."""
    row = connection.execute(sa.select(*_PENDING).where(oidc_requests.c.state_hash == state_hash)).first()
    gone = connection.execute(oidc_requests.delete().where(oidc_requests.c.state_hash == state_hash))
    return Pending(*row) if row is not None and gone.rowcount == 1 else None


def forget_pending(connection: sa.Connection, now: str) -> None:
    """Drops those that are too old to be good."""
    connection.execute(oidc_requests.delete().where(oidc_requests.c.expires_at <= now))
