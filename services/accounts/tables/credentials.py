# SPDX-License-Identifier: Apache-2.0
"""Sessions and API tokens: only hashes of them are kept."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from services.accounts.tables.schema import failures, sessions, tokens, users
from shared.contracts import accounts as c


class Credential(msgspec.Struct, frozen=True):
    """A session or token that was presented, with its user."""

    credential_id: str
    user_id: str
    account_id: str | None
    permissions: list[str]  # the user's
    granted: list[str] | None  # the token's
    expires_at: str | None
    seen_at: str | None


def add_session(connection: sa.Connection, session: c.SessionView, user_id: str, token_hash: str) -> None:
    """A new session."""
    connection.execute(
        sessions.insert(),
        {
            "session_id": session.session_id,
            "user_id": user_id,
            "token_hash": token_hash,
            "created_at": session.created_at,
            "last_seen_at": session.last_seen_at,
            "expires_at": session.expires_at,
            "remote_address": session.remote_address,
        },
    )


def session_credential(connection: sa.Connection, token_hash: str) -> Credential | None:
    """Who holds this session."""
    row = connection.execute(_SESSION, {"hash": token_hash}).first()
    return None if row is None else Credential(row[0], row[1], row[2], row[3].split(), None, row[4], row[5])


def token_credential(connection: sa.Connection, token_hash: str) -> Credential | None:
    """Who holds this API token."""
    row = connection.execute(_TOKEN, {"hash": token_hash}).first()
    return None if row is None else Credential(row[0], row[1], row[2], row[3].split(), row[6].split(), row[4], row[5])


_SESSION = (
    sa.select(
        sessions.c.session_id,
        users.c.user_id,
        users.c.account_id,
        users.c.permissions,
        sessions.c.expires_at,
        sessions.c.last_seen_at,
    )
    .join(users, users.c.user_id == sessions.c.user_id)
    .where(sessions.c.token_hash == sa.bindparam("hash"))
)
_TOKEN = (
    sa.select(
        tokens.c.token_id,
        users.c.user_id,
        users.c.account_id,
        users.c.permissions,
        tokens.c.expires_at,
        tokens.c.last_used_at,
        tokens.c.permissions,
    )
    .join(users, users.c.user_id == tokens.c.user_id)
    .where(tokens.c.token_hash == sa.bindparam("hash"))
)


def touch(connection: sa.Connection, kind: str, credential_id: str, at: str) -> None:
    """A session or token was used."""
    if kind == "session":
        connection.execute(sessions.update().where(sessions.c.session_id == credential_id).values(last_seen_at=at))
    else:
        connection.execute(tokens.update().where(tokens.c.token_id == credential_id).values(last_used_at=at))


def sessions_of(connection: sa.Connection, user_id: str, now: str) -> list[c.SessionView]:
    """The user's sessions that have not ended, newest first."""
    query = (
        sa.select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
        .order_by(sessions.c.created_at.desc())
    )
    return [
        c.SessionView(
            session_id=row.session_id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            remote_address=row.remote_address,
            current=False,
        )
        for row in connection.execute(query)
    ]


def end_sessions(
    connection: sa.Connection, user_id: str, *, only: str | None = None, but: str | None = None
) -> list[str]:
    """Ends one session of the user (`only`), or all but one; the ids of those that ended."""
    query = sa.select(sessions.c.session_id).where(sessions.c.user_id == user_id)
    if only is not None:
        query = query.where(sessions.c.session_id == only)
    if but is not None:
        query = query.where(sessions.c.session_id != but)
    ended = list(connection.execute(query).scalars())
    if ended:
        connection.execute(sessions.delete().where(sessions.c.session_id.in_(ended)))
    return ended


def forget_old(connection: sa.Connection, now: str, idle_since: str, failed_before: str) -> None:
    """Drops ended sessions and failures that no longer count."""
    connection.execute(
        sessions.delete().where((sessions.c.expires_at <= now) | (sessions.c.last_seen_at <= idle_since))
    )
    connection.execute(failures.delete().where(failures.c.last_failed_at <= failed_before))


def add_token(connection: sa.Connection, token: c.TokenView, user_id: str, token_hash: str) -> None:
    """A new API token."""
    connection.execute(
        tokens.insert(),
        {
            "token_id": token.token_id,
            "user_id": user_id,
            "name": token.name,
            "prefix": token.prefix,
            "token_hash": token_hash,
            "permissions": " ".join(token.permissions),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        },
    )


def tokens_of(connection: sa.Connection, user_id: str) -> list[c.TokenView]:
    """The user's API tokens, oldest first."""
    query = sa.select(tokens).where(tokens.c.user_id == user_id).order_by(tokens.c.created_at, tokens.c.token_id)
    return [
        c.TokenView(
            token_id=row.token_id,
            name=row.name,
            prefix=row.prefix,
            permissions=row.permissions.split(),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
        for row in connection.execute(query)
    ]


def owner_of_token(connection: sa.Connection, token_id: str) -> str | None:
    """The user who made it."""
    found: str | None = connection.execute(sa.select(tokens.c.user_id).where(tokens.c.token_id == token_id)).scalar()
    return found


def end_token(connection: sa.Connection, user_id: str, token_id: str) -> bool:
    """Ends a token of the user; False when there is none."""
    ended = tokens.delete().where(tokens.c.token_id == token_id, tokens.c.user_id == user_id)
    return connection.execute(ended).rowcount == 1
