# SPDX-License-Identifier: Apache-2.0
"""Whose request it is, and the cursors of short lists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from services.accounts.handlers.app import App
from services.accounts.tables import credentials, people
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Page
from shared.errors import Code, ServiceError, invalid
from shared.eventstore.unit_of_work import UnitOfWork

T = TypeVar("T")
MAX_LIMIT = 200


def hash_of(secret: str) -> str:
    """How tokens are kept. They have 256 random bits, so that a fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def own_user(connection: Any, context: Context) -> people.User:
    """The user behind a session or token. Raises unauthenticated when there is none any more."""
    kind, _, identifier = context.actor.partition(":")
    user_id = credentials.owner_of_token(connection, identifier) if kind == "token" else identifier
    found = people.user(connection, user_id) if user_id and kind in {"user", "token"} else None
    if found is None:
        raise ServiceError(Code.UNAUTHENTICATED, "Sign in first.")
    return found


def require_session(context: Context) -> None:
    """Credentials are changed by people, not by programs. Raises forbidden for tokens."""
    if not context.actor.startswith("user:"):
        raise ServiceError(Code.FORBIDDEN, "This needs a user who is signed in; a token cannot do it.")


def secretly(context: Context) -> Context:
    """The context without its command id: for commands whose reply holds a secret, which must not be stored."""
    return replace(context, command_id=None)


def stream_of(user: people.User) -> str:
    """Where the audit of a user stands."""
    return f"user-{user.user_id}"


def audit(uow: UnitOfWork, user: people.User, *events: Any) -> None:
    """Records events of a user."""
    if events:
        uow.append_anywhere(stream_of(user), *events)


def revoked(user: people.User, session_ids: list[str], token_ids: Sequence[str] = ()) -> list[c.CredentialRevoked]:
    """What is said about credentials of a user that ended."""
    ended = [("session", one) for one in session_ids] + [("token", one) for one in token_ids]
    return [c.CredentialRevoked(credential_id=one, kind=kind, user_id=user.user_id) for kind, one in ended]


def check_receives(app: App, email: str) -> None:
    """Raises invalid for an address at which nobody can receive mail. Asks the DNS: never inside a transaction."""
    fqdn = email.rpartition("@")[2]
    if app.mailboxes.missing(fqdn):
        raise invalid(f"Nobody can receive mail at {fqdn}: it has no mail server.", "/contact/email")


def page_of(items: Sequence[T], limit: int, cursor: str | None, key: Callable[[T], str]) -> Page[T]:
    """One page of a list that is short enough to be read whole; the cursor is the key of the last item seen.

    Raises ServiceError invalid.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"The limit is between 1 and {MAX_LIMIT}.", "/limit")
    start = 0
    if cursor is not None:
        keys = [key(item) for item in items]
        if cursor not in keys:
            raise invalid("This cursor is not one of ours, or too old. Start from the first page.", "/cursor")
        start = keys.index(cursor) + 1
    chosen = list(items[start : start + limit])
    more = start + limit < len(items)
    return Page(items=chosen, next_cursor=key(chosen[-1]) if more else None, total=len(items))
