# SPDX-License-Identifier: Apache-2.0
"""What users do with their own sign-in: sessions, password, authenticator, agreements, tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from services.accounts.handlers.access import (
    audit,
    hash_of,
    own_user,
    page_of,
    require_session,
    revoked,
    secretly,
)
from services.accounts.handlers.app import App
from services.accounts.handlers.password_again import with_password
from services.accounts.handlers.sign_in import TOKEN_PREFIX
from services.accounts.model import agreements, grants, passwords, totp
from services.accounts.tables import credentials, people
from shared.clock import to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Done, Page
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.unit_of_work import UnitOfWork

TOTP_SECRET_CHARACTERS = 32  # 160 bits (RFC 4226 §4, R6)
ISSUER = "Certwright"


def sign_out(uow: UnitOfWork, request: c.SignOut) -> Done:
    """Ends one session of the user, or all. Raises not_found for a session that is not theirs or has ended."""
    user = own_user(uow.connection, uow.context)
    if request.session_id is None and not request.everywhere:
        raise invalid("Say which session ends, or that all do.", "/session_id")
    ended = credentials.end_sessions(
        uow.connection, user.user_id, only=None if request.everywhere else request.session_id
    )
    if not request.everywhere and not ended:
        raise not_found("session")
    audit(uow, user, *revoked(user, ended))
    return Done(id=request.session_id or "")


def list_sessions(app: App, request: c.ListSessions, context: Context) -> Page[c.SessionView]:
    """The user's sessions."""
    with app.room.query() as connection:
        user = own_user(connection, context)
        found = credentials.sessions_of(connection, user.user_id, to_text(app.room.clock.now()))
    items = [replace(one, current=one.session_id == request.current_session_id) for one in found]
    return Page(items=items, total=len(items))


def accept_agreement(uow: UnitOfWork, request: c.AcceptAgreement) -> Done:
    """Only the version in force can be accepted."""
    require_session(uow.context)
    user = own_user(uow.connection, uow.context)
    if request.version != agreements.version_of(request.kind):
        raise invalid("This version is not the one in force. Read the present one.", "/version")
    now = to_text(uow.now)
    if people.accept(
        uow.connection, user.user_id, request.kind, request.version, at=now, remote_address=request.remote_address
    ):
        audit(uow, user, c.AgreementAccepted(user_id=user.user_id, kind=request.kind, version=request.version))
    return Done(id=user.user_id)


def change_password(app: App, request: c.ChangePassword, context: Context) -> Done:
    """A new password; every other session ends."""
    require_session(context)
    user = with_password(app, request.current_password, context)
    passwords.check_change(request.current_password, request.new_password, login=user.login)
    hashed = app.passwords.hash(request.new_password)
    redacted = replace(request, current_password="", new_password="")
    return app.room.execute(partial(_change_password, was=user, password_hash=hashed), redacted, context)


def _change_password(uow: UnitOfWork, request: c.ChangePassword, *, was: people.User, password_hash: str) -> Done:
    user = own_user(uow.connection, uow.context)
    if user.password_hash != was.password_hash:
        raise ServiceError(Code.CONFLICT, "The password was changed at the same moment. Sign in again.")
    people.set_password(uow.connection, user.user_id, password_hash, at=to_text(uow.now), temporary=False)
    ended = credentials.end_sessions(uow.connection, user.user_id, but=request.current_session_id)
    audit(uow, user, c.PasswordChanged(user_id=user.user_id), *revoked(user, ended))
    return Done(id=user.user_id)


def enrol_totp(app: App, request: c.EnrolTOTP, context: Context) -> c.TOTPEnrolment:
    """A new secret, sealed at rest; it counts after ConfirmTOTP."""
    require_session(context)
    secret = app.chance.base32(TOTP_SECRET_CHARACTERS)

    def enrol(uow: UnitOfWork, _request: c.EnrolTOTP) -> c.TOTPEnrolment:
        user = own_user(uow.connection, uow.context)
        if user.totp_confirmed:
            raise ServiceError(Code.CONFLICT, "An authenticator is enrolled already. Remove it first.")
        sealed = app.sealer.seal(secret, user.user_id)
        people.change_user(uow.connection, user.user_id, totp_sealed=sealed, totp_step=0)
        return c.TOTPEnrolment(secret=secret, uri=totp.uri_of(secret, user.login, ISSUER))

    return app.room.execute(enrol, request, secretly(context))


def confirm_totp(app: App, request: c.ConfirmTOTP, context: Context) -> c.RecoveryCodes:
    """The authenticator works: from now on its code is the second step. The recovery codes are shown once."""
    require_session(context)
    raw = [app.chance.base32(16) for _ in range(totp.RECOVERY_CODES)]
    codes = ["-".join(re.findall("....", one)) for one in raw]

    def confirm(uow: UnitOfWork, request: c.ConfirmTOTP) -> c.RecoveryCodes:
        user = own_user(uow.connection, uow.context)
        if user.totp_confirmed or user.totp_sealed is None:
            raise ServiceError(Code.CONFLICT, "Begin the enrolment first.")
        secret = app.sealer.open(user.totp_sealed, user.user_id)
        step = totp.step_of(secret, request.code.strip(), uow.now, after=0)
        if step is None:
            raise invalid("This code is wrong. Is the clock of your telephone right?", "/code")
        people.change_user(uow.connection, user.user_id, totp_confirmed=True, totp_step=step)
        people.set_recovery_codes(
            uow.connection, user.user_id, [totp.recovery_hash(user.user_id, one) for one in codes]
        )
        audit(uow, user, c.SecondFactorChanged(user_id=user.user_id, factor="totp"))
        return c.RecoveryCodes(codes=codes)

    return app.room.execute(confirm, request, secretly(context))


def remove_totp(app: App, request: c.RemoveTOTP, context: Context) -> Done:
    """Back to the order number, unless there is a passkey."""
    require_session(context)
    with_password(app, request.current_password, context)
    return app.room.execute(_remove_totp, replace(request, current_password=""), context)


def _remove_totp(uow: UnitOfWork, _request: c.RemoveTOTP) -> Done:
    user = own_user(uow.connection, uow.context)
    if people.forget_totp(uow.connection, user):
        factor = "passkey" if user.passkeys else "order_number"
        audit(uow, user, c.SecondFactorChanged(user_id=user.user_id, factor=factor))
    return Done(id=user.user_id)


def create_token(app: App, request: c.CreateToken, context: Context) -> c.NewToken:
    """An API token. Its secret is stored nowhere, so that a repeated command can only say that it was made."""
    require_session(context)
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,100}", request.name.strip()):
        raise invalid("Give the token a name of 1 to 100 characters.", "/name")
    if request.expires_in_days is not None and not 1 <= request.expires_in_days <= 365:
        raise invalid("A token lasts 1 to 365 days, or for ever without a number.", "/expires_in_days")
    secret = TOKEN_PREFIX + app.chance.token()
    made = app.room.execute(partial(_create_token, secret=secret), request, context)
    if not secret.startswith(made.token.prefix):
        detail = "This token was made by the same request before, and its secret was shown then. Make another one."
        raise ServiceError(Code.CONFLICT, detail, extra={"token_id": made.token.token_id})
    return replace(made, secret=secret)


def _create_token(uow: UnitOfWork, request: c.CreateToken, *, secret: str) -> c.NewToken:
    user = own_user(uow.connection, uow.context)
    own = set(user.permissions) & uow.context.permissions
    permissions = grants.check_grant(request.permissions, own, operator=user.account_id is None)
    days = request.expires_in_days
    token = c.TokenView(
        token_id=uow.new_id(),
        name=request.name.strip(),
        prefix=secret[: len(TOKEN_PREFIX) + 8],
        permissions=permissions,
        created_at=to_text(uow.now),
        expires_at=to_text(uow.now + timedelta(days=days)) if days is not None else None,
    )
    credentials.add_token(uow.connection, token, user.user_id, hash_of(secret))
    audit(uow, user, c.TokenCreated(token_id=token.token_id, user_id=user.user_id, permissions=permissions))
    return c.NewToken(token=token, secret="")  # what is stored as the reply


def list_tokens(app: App, request: c.ListTokens, context: Context) -> Page[c.TokenView]:
    """The user's tokens, without their secrets."""
    with app.room.query() as connection:
        user = own_user(connection, context)
        found = credentials.tokens_of(connection, user.user_id)
    return page_of(found, request.limit, request.cursor, lambda one: one.token_id)


def revoke_token(uow: UnitOfWork, request: c.RevokeToken) -> Done:
    """Ends a token of the user at once."""
    user = own_user(uow.connection, uow.context)
    if not credentials.end_token(uow.connection, user.user_id, request.token_id):
        raise not_found("token")
    audit(uow, user, c.CredentialRevoked(credential_id=request.token_id, kind="token", user_id=user.user_id))
    return Done(id=request.token_id)


def get_me(app: App, _request: c.GetMe, context: Context) -> c.UserView:
    """The own user."""
    with app.room.query() as connection:
        return own_user(connection, context).view()
