# SPDX-License-Identifier: Apache-2.0
"""What administrators and operators do with accounts and their users."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec.structs import replace

from services.accounts.handlers.access import audit, check_receives, own_user, page_of, require_session, revoked
from services.accounts.handlers.app import App
from services.accounts.model import agreements, fields, grants, passwords
from services.accounts.tables import acme, companies, credentials, openid, passkeys, people
from shared.clock import to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts import orders
from shared.contracts.base import Done, Page
from shared.contracts.paging import cursor_at
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


def list_agreements(_request: c.ListAgreements) -> Page[c.AgreementText]:
    """The texts in force."""
    found = list(agreements.in_force())
    return Page(items=found, total=len(found))


def get_account(app: App, _request: c.GetAccount, context: Context) -> c.AccountView:
    """The own account. Raises not_found for operators, who have none."""
    with app.room.query() as connection:
        found = companies.account(connection, context.account_id) if context.account_id else None
    if found is None:
        raise not_found("account")
    return found


def update_account(app: App, request: c.UpdateAccount, context: Context) -> c.AccountView:
    """New company or contact data, by the rules of the sign-up. Only another address is looked up."""
    if request.contact is not None:
        email = fields.checked_contact(request.contact).email
        with app.room.query() as connection:
            found = companies.account(connection, context.account_id) if context.account_id else None
        if found is not None and found.contact.email != email:
            check_receives(app, email)
    return app.room.execute(_update_account, request, context)


def _update_account(uow: UnitOfWork, request: c.UpdateAccount) -> c.AccountView:
    account_id = uow.context.account_id
    found = companies.account(uow.connection, account_id) if account_id else None
    if found is None:
        raise not_found("account")
    if request.company is not None:
        fields.check_company(request.company)
        found = replace(found, company=request.company)
    if request.contact is not None:
        found = replace(found, contact=fields.checked_contact(request.contact))
    companies.change_account(uow.connection, found)
    return found


def list_users(app: App, request: c.ListUsers, context: Context) -> Page[c.UserView]:
    """Users of the own account; for operators, the operators."""
    with app.room.query() as connection:
        own_user(connection, context)
        found = [user.view() for user in people.users_of(connection, context.account_id)]
    return page_of(found, request.limit, request.cursor, lambda one: one.user_id)


def change_user(uow: UnitOfWork, request: c.ChangeUser) -> c.UserView:
    """New permissions or another address. The last administrator keeps the right to administer."""
    user = _colleague(uow.connection, request.user_id, uow.context)
    if request.email is not None:
        fields.check_email(request.email, "/email")
        people.change_user(uow.connection, user.user_id, email=request.email)
        user = replace(user, email=request.email)
    if request.permissions is not None:
        operator = user.account_id is None
        permissions = grants.check_grant(request.permissions, uow.context.permissions, operator=operator)
        right = "operator" if operator else "administer"
        if right in user.permissions and right not in permissions:
            others = [one for one in people.users_of(uow.connection, user.account_id) if one.user_id != user.user_id]
            if not any(right in one.permissions for one in others):
                raise ServiceError(Code.CONFLICT, f"This is the last user who may {right}.", pointer="/permissions")
        if permissions != user.permissions:
            people.change_user(uow.connection, user.user_id, permissions=" ".join(permissions))
            user = replace(user, permissions=permissions)
            audit(uow, user, c.UserChanged(user_id=user.user_id, permissions=permissions))
    return user.view()


def remove_user(uow: UnitOfWork, request: c.RemoveUser) -> Done:
    """The user is gone, and every session and token with them."""
    user = _colleague(uow.connection, request.user_id, uow.context)
    if user.user_id == own_user(uow.connection, uow.context).user_id:
        raise ServiceError(Code.CONFLICT, "Nobody removes themselves. Ask another administrator.", pointer="/user_id")
    sessions = credentials.end_sessions(uow.connection, user.user_id)
    tokens = [one.token_id for one in credentials.tokens_of(uow.connection, user.user_id)]
    people.remove_user(uow.connection, user.user_id)
    audit(uow, user, c.UserRemoved(user_id=user.user_id), *revoked(user, sessions, tokens))
    return Done(id=user.user_id)


def reset_password(app: App, request: c.ResetPassword, context: Context) -> Done:
    """A temporary password for another user of the account; whatever let the user in before ends."""
    with app.room.query() as connection:
        user = _resettable(connection, request.user_id, context)
    passwords.check_password(request.password, login=user.login)
    handler = partial(_reset_password, password_hash=app.passwords.hash(request.password))
    return app.room.execute(handler, replace(request, password=""), context)


def _reset_password(uow: UnitOfWork, request: c.ResetPassword, *, password_hash: str) -> Done:
    user = _resettable(uow.connection, request.user_id, uow.context)
    people.set_password(uow.connection, user.user_id, password_hash, at=to_text(uow.now), temporary=True)
    sessions = credentials.end_sessions(uow.connection, user.user_id)
    tokens = [one.token_id for one in credentials.tokens_of(uow.connection, user.user_id)]
    for token_id in tokens:
        credentials.end_token(uow.connection, user.user_id, token_id)
    facts: list[Any] = [c.PasswordChanged(user_id=user.user_id)]
    if request.remove_second_step:
        removed = passkeys.remove_passkeys(uow.connection, user.user_id)
        facts += [c.PasskeyRemoved(user_id=user.user_id, passkey_id=one) for one in removed]
        linked = openid.remove_identities(uow.connection, user.user_id)
        facts += [c.OIDCIdentityRemoved(user_id=user.user_id, identity_id=one) for one in linked]
        if people.forget_totp(uow.connection, user):
            facts.append(c.SecondFactorChanged(user_id=user.user_id, factor="order_number"))
        people.set_recovery_codes(uow.connection, user.user_id, [])
    audit(uow, user, *facts, *revoked(user, sessions, tokens))
    return Done(id=user.user_id)


def _resettable(connection: Any, user_id: str, context: Context) -> people.User:
    user = _colleague(connection, user_id, context)
    require_session(context)
    if user.user_id == own_user(connection, context).user_id:
        detail = "Change your own password with the present one, not like this."
        raise ServiceError(Code.CONFLICT, detail, pointer="/user_id")
    if set(user.permissions) - context.permissions:  # else this were a way to what one may not do
        raise ServiceError(Code.FORBIDDEN, "This user may do more than you. Ask another administrator.")
    return user


def list_accounts(app: App, request: c.ListAccounts) -> Page[c.AccountView]:
    """Every account, newest first, for operators."""
    if not 1 <= request.limit <= 200:
        raise invalid("The limit is between 1 and 200.", "/limit")
    with app.room.query() as connection:
        found = companies.list_accounts(connection, request.search, request.limit, request.cursor)
    items = found[: request.limit]
    return Page(items=items, next_cursor=cursor_at(items[-1].order_number) if len(found) > request.limit else None)


def get_contact(app: App, request: c.GetContact) -> c.Contact:
    """Where other rooms write to."""
    with app.room.query() as connection:
        found = companies.account(connection, request.account_id)
    if found is None:
        raise not_found("account")
    return found.contact


def on_order_placed(uow: UnitOfWork, envelope: Envelope[orders.OrderPlaced]) -> None:
    """Every order's number opens the second step of a sign-in from now on."""
    companies.remember_number(uow.connection, envelope.data.number, envelope.data.account_id)


def forget_old(uow: UnitOfWork, limits: tuple[str, str]) -> None:
    """Drops what has ended: sessions idle since before the first moment, failures before the second, old questions."""
    credentials.forget_old(uow.connection, to_text(uow.now), *limits)
    passkeys.forget_challenges(uow.connection, to_text(uow.now))
    openid.forget_pending(uow.connection, to_text(uow.now))
    acme.forget_nonces(uow.connection, to_text(uow.now))


def _colleague(connection: Any, user_id: str, context: Context) -> people.User:
    """A user of the own account. Raises not_found for all others."""
    found = people.user(connection, user_id)
    if found is None or found.account_id != context.account_id:
        raise not_found("user")
    return found
