# SPDX-License-Identifier: Apache-2.0
"""Sign-in by the operator's OpenID Connect provider, and the identities that users connect for it.

A user connects an identity while signed in, with the password given again; only such a link lets anybody in. E-mail
addresses are not looked at: whoever rules a provider's tenant could write anybody's there. What was begun is a row, is
bound to the browser that began it, and is used up before the provider is asked.
"""

from __future__ import annotations

import hmac
import logging
from functools import partial
from typing import Any

from msgspec.structs import replace

from services.accounts.handlers import guessing, sign_in
from services.accounts.handlers.access import audit, hash_of, own_user, require_session, secretly
from services.accounts.handlers.app import App
from services.accounts.handlers.password_again import with_password
from services.accounts.model import openid as rules
from services.accounts.model.openid import ProviderError
from services.accounts.model.passkeys import relying_party
from services.accounts.ports import Identified, Provider
from services.accounts.tables import openid, people
from shared.clock import to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Done, Page
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)
REFUSALS = {
    "off": (Code.NOT_FOUND, "Nobody signs in by a provider here."),
    "busy": (Code.RATE_LIMITED, "Too many sign-ins have begun. Try again in some minutes."),
    "stale": (
        Code.UNAUTHENTICATED,
        "This sign-in was not begun in this browser, is over, or too old. Begin again.",
    ),
    "cancelled": (Code.UNAUTHENTICATED, "The sign-in was cancelled at the provider."),
    "refused": (Code.UNAUTHENTICATED, "The provider refused the sign-in."),
    "unavailable": (Code.UNAVAILABLE, "The provider cannot be reached, or gives no usable answer."),
    "invalid": (Code.UNAUTHENTICATED, "The provider's answer does not hold and was refused."),
    "unknown": (
        Code.UNAUTHENTICATED,
        "No user has connected this identity. Sign in once and connect it in the profile.",
    ),
    "taken": (Code.CONFLICT, "This identity is connected with another user."),
    "connected_before": (Code.CONFLICT, "An identity of this provider is connected. Disconnect it first."),
    "other_user": (Code.FORBIDDEN, "Another user is signed in now than the one who began. Begin again."),
}
COUNTED = frozenset({"stale", "invalid", "unknown"})  # what a guesser would cause


def list_identities(app: App, _request: c.ListOIDCIdentities, context: Context) -> Page[c.OIDCIdentityView]:
    """Own ones."""
    with app.room.query() as connection:
        found = [one.view() for one in openid.identities_of(connection, own_user(connection, context).user_id)]
    return Page(items=found, total=len(found))


def begin_sign_in(app: App, request: c.BeginOIDCSignIn, context: Context) -> c.OIDCBegun:
    """For anybody."""
    _provider(app)
    with app.room.query() as connection:
        guessing.refuse_if_blocked(connection, _keys(app, request.remote_address), app.room.clock.now())
    browser = request.browser or app.chance.token()
    return _begin(
        app,
        context,
        user_id=None,
        browser=browser,
        next_path=rules.safe_next(request.next_path),
        address=request.remote_address,
    )


def begin_link(app: App, request: c.BeginOIDCLink, context: Context) -> c.OIDCBegun:
    """For who is signed in and gave the password again: an identity lets in for ever."""
    require_session(context)
    provider = _provider(app)
    user = with_password(app, request.current_password, context)
    with app.room.query() as connection:
        _refuse_second(connection, provider.issuer, user.user_id)
    return _begin(
        app,
        context,
        user_id=user.user_id,
        browser=app.chance.token(),
        next_path="/profile",
        address=request.remote_address,
    )


def remove_identity(app: App, request: c.RemoveOIDCIdentity, context: Context) -> Done:
    """Forgets one; from then on it lets nobody in."""
    require_session(context)
    with_password(app, request.current_password, context)
    return app.room.execute(_remove_identity, replace(request, current_password=""), context)


def _remove_identity(uow: UnitOfWork, request: c.RemoveOIDCIdentity) -> Done:
    user = own_user(uow.connection, uow.context)
    if not openid.remove_identities(uow.connection, user.user_id, only=request.identity_id):
        raise not_found("identity")
    audit(uow, user, c.OIDCIdentityRemoved(user_id=user.user_id, identity_id=request.identity_id))
    return Done(id=request.identity_id)


def finish(app: App, request: c.FinishOIDC, context: Context) -> c.OIDCFinished:
    """What the browser brought back: a new session, or an identity that is connected now.

    Raises ServiceError; `extra` says why in `oidc` (see `REFUSALS`) and, in `for`, what was begun: sign_in or link.
    """
    provider = _provider(app)
    keys = _keys(app, request.remote_address)
    with app.room.query() as connection:
        guessing.refuse_if_blocked(connection, keys, app.room.clock.now())
    alone = replace(secretly(context), actor="public", account_id=None)
    pending = app.room.execute(_take, request, alone)
    purpose = "link" if pending is not None and pending.user_id is not None else "sign_in"
    try:
        if pending is None:
            raise refusal("stale")
        found = _identified(app, provider, request, pending)
        if pending.user_id is not None:
            return app.room.execute(partial(_link, pending=pending, found=found), request, secretly(context))
        return _sign_in(app, request, pending, found, alone)
    except ServiceError as error:
        if error.extra.get("oidc") in COUNTED:
            app.room.execute(guessing.record, keys, alone)
        raise ServiceError(
            error.code, error.detail, pointer=error.pointer, extra={**error.extra, "for": purpose}
        ) from error


def refusal(reason: str) -> ServiceError:
    """Why there is no session, for people and for the page that says it in their language."""
    code, detail = REFUSALS[reason]
    return ServiceError(code, detail, extra={"oidc": reason})


def _provider(app: App) -> Provider:
    if app.provider is None:
        raise refusal("off")
    return app.provider


def _keys(app: App, address: str) -> guessing.Keys:
    # By address only: under any other key, anybody could lock everybody out.
    return [(f"oidc::{address}", app.settings.failures_per_address)]


def _begin(
    app: App, context: Context, *, user_id: str | None, browser: str, next_path: str, address: str
) -> c.OIDCBegun:
    provider = _provider(app)
    asking = rules.Asking(
        state=app.chance.token(),
        nonce=app.chance.token(),
        verifier=app.chance.token() + app.chance.token(),  # RFC 7636 §4.1: at least 43 characters
        redirect_uri=_redirect_uri(app),
    )
    try:
        url = provider.authorization_url(asking)
    except ProviderError as error:
        raise _told(error) from error
    state_hash = hash_of(asking.state)
    expires_at = to_text(app.room.clock.now() + rules.LIFE)
    pending = openid.Pending(
        state_hash=state_hash,
        browser_hash=hash_of(browser),
        sealed=app.sealer.seal(f"{asking.nonce} {asking.verifier}", state_hash),
        user_id=user_id,
        next=next_path,
        remote_address=address,
        expires_at=expires_at,
    )
    app.room.execute(_keep, pending, secretly(context))
    return c.OIDCBegun(url=url, browser=browser, expires_at=expires_at)


def _keep(uow: UnitOfWork, pending: openid.Pending) -> None:
    openid.forget_pending(uow.connection, to_text(uow.now))
    if openid.pending_count(uow.connection) >= rules.MOST_PENDING:
        raise refusal("busy")
    openid.add_pending(uow.connection, pending, most_per_address=rules.MOST_PENDING_PER_ADDRESS)


def _take(uow: UnitOfWork, request: c.FinishOIDC) -> openid.Pending | None:
    """What was begun with this state in this browser; it is used up, whoever asks."""
    pending = openid.take_pending(uow.connection, hash_of(request.state))
    if pending is None or pending.expires_at <= to_text(uow.now):
        return None
    return pending if hmac.compare_digest(pending.browser_hash, hash_of(request.browser)) else None


def _identified(app: App, provider: Provider, request: c.FinishOIDC, pending: openid.Pending) -> Identified:
    nonce, _, verifier = app.sealer.open(pending.sealed, pending.state_hash).partition(" ")
    asking = rules.Asking(state=request.state, nonce=nonce, verifier=verifier, redirect_uri=_redirect_uri(app))
    try:
        provider.check_answer(request.issuer)
        if request.error:
            raise refusal("cancelled" if request.error == "access_denied" else "refused")
        return provider.identify(request.code, asking)
    except ProviderError as error:
        raise _told(error) from error


def _told(error: ProviderError) -> ServiceError:
    _log.warning("sign-in by the OpenID Connect provider: %s", error.detail)
    return refusal(error.reason)


def _redirect_uri(app: App) -> str:
    return relying_party(app.public_url).origin + rules.CALLBACK


def _refuse_second(connection: Any, issuer: str, user_id: str) -> None:
    if any(one.issuer == issuer for one in openid.identities_of(connection, user_id)):
        raise refusal("connected_before")


def _link(uow: UnitOfWork, _request: c.FinishOIDC, *, pending: openid.Pending, found: Identified) -> c.OIDCFinished:
    if uow.context.actor != f"user:{pending.user_id}":
        raise refusal("other_user")
    user = own_user(uow.connection, uow.context)
    known = openid.identity_by_subject(uow.connection, found.issuer, found.subject)
    if known is not None and known.user_id != user.user_id:
        raise refusal("taken")
    _refuse_second(uow.connection, found.issuer, user.user_id)
    made = openid.Identity(
        identity_id=uow.new_id(),
        user_id=user.user_id,
        issuer=found.issuer,
        subject=found.subject,
        created_at=to_text(uow.now),
    )
    openid.add_identity(uow.connection, made)
    audit(uow, user, c.OIDCIdentityLinked(user_id=user.user_id, identity_id=made.identity_id))
    return c.OIDCFinished(next_path=pending.next)


def _sign_in(
    app: App, request: c.FinishOIDC, pending: openid.Pending, found: Identified, alone: Context
) -> c.OIDCFinished:
    with app.room.query() as connection:
        identity = openid.identity_by_subject(connection, found.issuer, found.subject)
        user = people.user(connection, identity.user_id) if identity else None
    handler = partial(_begin_session, app=app, found=found, next_path=pending.next, token=app.chance.token())
    # The audit of a sign-in belongs to the account: its feed shows it.
    return app.room.execute(handler, request, replace(alone, account_id=user.account_id if user else None))


def _begin_session(
    uow: UnitOfWork, request: c.FinishOIDC, *, app: App, found: Identified, next_path: str, token: str
) -> c.OIDCFinished:
    identity = openid.identity_by_subject(uow.connection, found.issuer, found.subject)
    user = people.user(uow.connection, identity.user_id) if identity else None
    if identity is None or user is None or user.account_id != uow.context.account_id:
        raise refusal("unknown")
    sign_in.refuse_unless_password_current(app, user, uow.now)
    openid.use_identity(uow.connection, identity.identity_id, to_text(uow.now))
    signed_in = sign_in.begin_session(uow, app, user, token=token, factor="oidc", remote_address=request.remote_address)
    return c.OIDCFinished(signed_in=signed_in, next_path=next_path)
