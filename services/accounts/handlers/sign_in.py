# SPDX-License-Identifier: Apache-2.0
"""Signing in, and knowing who is behind a credential.

Whatever is wrong, the answer is the same, and about the same work is done: nobody learns which logins exist or which
step failed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from services.accounts.handlers import guessing, passkeys
from services.accounts.handlers.access import audit, hash_of, revoked, secretly
from services.accounts.handlers.app import App
from services.accounts.model import agreements, passwords, throttle, totp
from services.accounts.tables import companies, credentials, people
from services.accounts.tables import passkeys as table
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.errors import Code, ServiceError
from shared.eventstore.unit_of_work import UnitOfWork

SEEN_EVERY = timedelta(minutes=1)  # a credential's last use is written at most so often
TOKEN_PREFIX = "cw_"  # noqa: S105 - the mark of our tokens, which secret scanners look for
REFUSAL = "The login, the password or the second step is wrong."
EXPIRED = "This password has expired. Choose a new one."
CHOOSE_FIRST = "Choose a new password first: sign in with login and password once."
TEMPORARY = "This password was given to you for one sign-in. Choose your own."


class _Try(NamedTuple):
    """What is known about a sign-in before its transaction."""

    user: people.User | None  # whose password was right
    keys: list[tuple[str, int]]
    token: str
    new_hash: str | None  # of the same password, by present parameters
    changed_hash: str | None  # of the password that shall take its place


def sign_in(app: App, request: c.SignIn, context: Context) -> c.SignedIn:
    """A new session with a new token, and with a new password when one is given.

    Raises unauthenticated, always with the same words; rate_limited; credentials_expired, after all steps were right.
    """
    keys = throttle.keys_of("sign-in", request.login, request.remote_address, app.settings.failures_per_address)
    with app.room.query() as connection:
        guessing.refuse_if_blocked(connection, keys, app.room.clock.now())
        found = people.user_by_login(connection, request.login)
    # Looked at and hashed whether the rest is right or not: neither answer nor time says more about the rest.
    changed_hash = None
    if request.new_password:
        passwords.check_change(request.password, request.new_password, login=request.login)
        changed_hash = app.passwords.hash(request.new_password)
    right = app.passwords.verify(found.password_hash if found else None, request.password)
    new_hash = None
    if found and right and app.passwords.outdated(found.password_hash):
        new_hash = app.passwords.hash(request.password)
    tried = _Try(found if right else None, keys, app.chance.token(), new_hash, changed_hash)
    handler = partial(_sign_in, app=app, tried=tried)
    # Nobody is signed in yet, and still the audit of a sign-in belongs to the account: its feed shows it.
    asking = replace(secretly(context), account_id=found.account_id if found and right else None)
    done = app.room.execute(handler, replace(request, password="", new_password=""), asking)
    if done is None:
        raise ServiceError(Code.UNAUTHENTICATED, REFUSAL)
    return done


def _sign_in(uow: UnitOfWork, request: c.SignIn, *, app: App, tried: _Try) -> c.SignedIn | None:
    """None for a refusal, so that the failure is kept."""
    # Asked again: many tries at once must not all slip in before the first failure is recorded.
    guessing.refuse_if_blocked(uow.connection, tried.keys, uow.now)
    user = people.user(uow.connection, tried.user.user_id) if tried.user else None
    if user is None or tried.user is None or user.password_hash != tried.user.password_hash:
        guessing.record(uow, tried.keys)
        return None
    factor = _second_step(uow, user, request, app)
    if factor is None:
        guessing.record(uow, tried.keys)
        return None
    if tried.changed_hash is None:
        _refuse_old_password(user, uow.now, app.settings.password_max_age_days)
    guessing.forget(uow, tried.keys)
    if tried.changed_hash is not None:
        user = _change_password(uow, user, tried.changed_hash, to_text(uow.now))
    elif tried.new_hash is not None:
        people.change_user(uow.connection, user.user_id, password_hash=tried.new_hash)
    return begin_session(uow, app, user, token=tried.token, factor=factor, remote_address=request.remote_address)


def sign_in_with_passkey(app: App, request: c.SignInWithPasskey, context: Context) -> c.SignedIn:
    """A new session for who has a passkey whose authenticator knew them: that is two factors in one.

    Raises unauthenticated, always with the same words; rate_limited; credentials_expired.
    """
    named = f"passkey {request.passkey.credential_id}"
    keys = throttle.keys_of("sign-in", named, request.remote_address, app.settings.failures_per_address)
    with app.room.query() as connection:
        guessing.refuse_if_blocked(connection, keys, app.room.clock.now())
        claimed = table.passkey_by_credential(connection, request.passkey.credential_id)
        user = people.user(connection, claimed.user_id) if claimed else None
    handler = partial(_sign_in_with_passkey, app=app, keys=keys, token=app.chance.token())
    asking = replace(secretly(context), account_id=user.account_id if user else None)
    done = app.room.execute(handler, request, asking)
    if done is None:
        raise ServiceError(Code.UNAUTHENTICATED, REFUSAL)
    return done


def _sign_in_with_passkey(
    uow: UnitOfWork, request: c.SignInWithPasskey, *, app: App, keys: guessing.Keys, token: str
) -> c.SignedIn | None:
    """None for a refusal, so that the failure is kept."""
    guessing.refuse_if_blocked(uow.connection, keys, uow.now)
    proof = passkeys.prove(uow, app, request.passkey)
    user = people.user(uow.connection, proof.passkey.user_id) if proof and proof.user_verified else None
    if user is None:
        guessing.record(uow, keys)
        return None
    refuse_unless_password_current(app, user, uow.now)
    guessing.forget(uow, keys)
    return begin_session(uow, app, user, token=token, factor="passkey_alone", remote_address=request.remote_address)


def begin_session(
    uow: UnitOfWork, app: App, user: people.User, *, token: str, factor: str, remote_address: str
) -> c.SignedIn:
    """A new session with this token, after `factor` was proved."""
    now = to_text(uow.now)
    session = c.SessionView(
        session_id=uow.new_id(),
        created_at=now,
        last_seen_at=now,
        expires_at=to_text(uow.now + timedelta(days=app.settings.session_days)),
        remote_address=remote_address,
        current=True,
    )
    credentials.add_session(uow.connection, session, user.user_id, hash_of(token))
    people.change_user(uow.connection, user.user_id, last_sign_in_at=now)
    audit(uow, user, c.SignInSucceeded(user_id=user.user_id, session_id=session.session_id, factor=factor))
    due = agreements.due(people.accepted(uow.connection, user.user_id)) if user.account_id is not None else []
    return c.SignedIn(
        session_token=token,
        expires_at=session.expires_at,
        user=replace(user.view(), last_sign_in_at=now),
        agreements_due=due,
        last_sign_in_at=user.last_sign_in_at,
    )


def refuse_unless_password_current(app: App, user: people.User, now: datetime) -> None:
    """For ways in without a password. Raises credentials_expired."""
    if _old_password(user, now, app.settings.password_max_age_days):
        raise ServiceError(Code.CREDENTIALS_EXPIRED, CHOOSE_FIRST)


def _refuse_old_password(user: people.User, now: datetime, max_age_days: int) -> None:
    """Raises credentials_expired. The transaction is undone, so that a code which was given with it is still good."""
    reason = _old_password(user, now, max_age_days)
    if reason:
        raise ServiceError(Code.CREDENTIALS_EXPIRED, reason, pointer="/new_password")


def _old_password(user: people.User, now: datetime, max_age_days: int) -> str:
    """Why the password must be changed; empty when it need not be."""
    if user.must_change_password:
        return TEMPORARY
    changed_at = user.password_changed_at or user.created_at  # empty: added by an older version beside this one
    return EXPIRED if max_age_days and now - from_text(changed_at) >= timedelta(days=max_age_days) else ""


def _change_password(uow: UnitOfWork, user: people.User, password_hash: str, now: str) -> people.User:
    people.set_password(uow.connection, user.user_id, password_hash, at=now, temporary=False)
    ended = credentials.end_sessions(uow.connection, user.user_id)
    audit(uow, user, c.PasswordChanged(user_id=user.user_id), *revoked(user, ended))
    return replace(user, must_change_password=False)


def _second_step(uow: UnitOfWork, user: people.User, request: c.SignIn, app: App) -> str | None:
    """The factor that was proved, or None."""
    if request.passkey is not None:
        proof = passkeys.prove(uow, app, request.passkey)
        return "passkey" if proof is not None and proof.passkey.user_id == user.user_id else None
    if user.totp_confirmed or user.passkeys:
        return _authenticator(uow, user, request.code, app)
    if user.account_id is None:
        return "none"  # an operator has no order; the console asks to enrol TOTP
    if not app.settings.order_number_step:
        return "none"
    text = request.order_number.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return "order_number" if companies.owns_number(uow.connection, int(text), user.account_id) else None


def _authenticator(uow: UnitOfWork, user: people.User, code: str, app: App) -> str | None:
    plain = code.strip().replace(" ", "")
    if totp.looks_like_totp(plain):
        if not user.totp_confirmed:
            return None
        secret = app.sealer.open(user.totp_sealed or "", user.user_id)
        step = totp.step_of(secret, plain, uow.now, after=user.totp_step)
        if step is None:
            return None
        people.change_user(uow.connection, user.user_id, totp_step=step)
        return "totp"
    used = people.use_recovery_code(uow.connection, user.user_id, totp.recovery_hash(user.user_id, plain))
    return "recovery_code" if used else None


def authenticate(app: App, request: c.Authenticate) -> c.Identity:
    """Who is behind a session or API token: one indexed read. Raises unauthenticated."""
    now = app.room.clock.now()
    kind = "session" if request.session_token else "token"
    with app.room.query() as connection:
        if request.session_token:
            found = credentials.session_credential(connection, hash_of(request.session_token))
        elif request.api_token.startswith(TOKEN_PREFIX):
            found = credentials.token_credential(connection, hash_of(request.api_token))
        else:
            found = None
    if found is None or _ended(found, kind, now, timedelta(hours=app.settings.session_idle_hours)):
        raise ServiceError(Code.UNAUTHENTICATED, "Sign in first: this session or token is unknown or has ended.")
    if found.seen_at is None or now - from_text(found.seen_at) >= SEEN_EVERY:
        with app.room.database.write() as connection:
            credentials.touch(connection, kind, found.credential_id, to_text(now))
    granted = found.permissions
    if found.granted is not None:
        granted = [name for name in found.granted if name in found.permissions]
    return c.Identity(
        actor=f"user:{found.user_id}" if kind == "session" else f"token:{found.credential_id}",
        account_id=found.account_id,
        user_id=found.user_id,
        permissions=granted,
        credential_id=found.credential_id,
        kind=kind,
    )


def _ended(found: credentials.Credential, kind: str, now: datetime, idle: timedelta) -> bool:
    if found.expires_at is not None and from_text(found.expires_at) <= now:
        return True
    return kind == "session" and found.seen_at is not None and now - from_text(found.seen_at) > idle
