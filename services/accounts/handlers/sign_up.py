# SPDX-License-Identifier: Apache-2.0
"""New accounts and new users."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from services.accounts.handlers import first_run, guessing
from services.accounts.handlers.access import audit, check_receives, hash_of, own_user
from services.accounts.handlers.app import App
from services.accounts.model import agreements, fields, grants, passwords, throttle
from services.accounts.tables import companies, people
from services.accounts.tables import guessing as guesses
from shared.clock import to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Done
from shared.errors import ServiceError, invalid
from shared.eventstore.unit_of_work import UnitOfWork


def sign_up(app: App, request: c.SignUp, context: Context) -> c.SignUpDone:
    """An account with its first user. The password is hashed before the transaction and is in no fingerprint."""
    fields.check_company(request.company)
    if request.admin_address is not None:
        fields.check_company(request.admin_address, "/admin_address")
    request = replace(request, contact=fields.checked_contact(request.contact))
    for kind in agreements.KINDS:
        if kind not in request.accepted_agreements:
            raise invalid(f"Accept the agreement: {kind}.", "/accepted_agreements")
    fields.check_login(request.login)
    passwords.check_password(request.password, login=request.login)
    # Whoever asks for one taken login after the other wants to know which exist.
    keys = throttle.keys_of("sign-up", "", request.remote_address, app.settings.failures_per_address)[2:]
    with app.room.query() as connection:
        guessing.refuse_if_blocked(connection, keys, app.room.clock.now())
    check_receives(app, request.contact.email)
    hashed = app.passwords.hash(request.password)
    try:
        return app.room.execute(partial(_sign_up, password_hash=hashed), replace(request, password=""), context)
    except ServiceError as error:
        if error.pointer == "/login":
            app.room.execute(guessing.record, keys, replace(context, command_id=None))
        raise


def _sign_up(uow: UnitOfWork, request: c.SignUp, *, password_hash: str) -> c.SignUpDone:
    now = to_text(uow.now)
    account = c.AccountView(
        account_id=uow.new_id(),
        company=request.company,
        contact=request.contact,
        created_at=now,
        order_number=companies.next_number(uow.connection),
    )
    companies.add_account(uow.connection, account, request.admin_address)
    user = _add(
        uow,
        account.account_id,
        login=request.login,
        email=request.contact.email,
        password_hash=password_hash,
        permissions=list(grants.CUSTOMER),
    )
    accepted = []
    for kind in agreements.KINDS:
        version = agreements.version_of(kind)
        people.accept(uow.connection, user.user_id, kind, version, at=now, remote_address=request.remote_address)
        accepted.append(c.AgreementAccepted(user_id=user.user_id, kind=kind, version=version))
    uow.append(
        f"account-{account.account_id}",
        c.AccountOpened(account_id=account.account_id, order_number=account.order_number),
    )
    added = c.UserAdded(account_id=account.account_id, user_id=user.user_id, permissions=user.permissions)
    audit(uow, user, added, *accepted)
    return c.SignUpDone(account_id=account.account_id, user_id=user.user_id, order_number=account.order_number)


def add_user(app: App, request: c.AddUser, context: Context) -> c.UserView:
    """A further user of the own account, or a further operator."""
    fields.check_login(request.login)
    fields.check_email(request.email, "/email")
    passwords.check_password(request.password, login=request.login)
    grants.check_grant(request.permissions, context.permissions, operator=context.account_id is None)
    hashed = app.passwords.hash(request.password)
    return app.room.execute(partial(_add_user, password_hash=hashed), replace(request, password=""), context)


def _add_user(uow: UnitOfWork, request: c.AddUser, *, password_hash: str) -> c.UserView:
    own_user(uow.connection, uow.context)
    account_id = uow.context.account_id
    permissions = grants.check_grant(request.permissions, uow.context.permissions, operator=account_id is None)
    user = _add(
        uow,
        account_id,
        login=request.login,
        email=request.email,
        password_hash=password_hash,
        permissions=permissions,
        temporary=request.must_change_password,
    )
    audit(uow, user, c.UserAdded(account_id=account_id, user_id=user.user_id, permissions=permissions))
    return user.view()


def claim_operator(app: App, request: c.ClaimOperator, context: Context) -> Done:
    """Makes the first operator. The link works once; a refused login or password leaves it as it was."""
    token_hash = hash_of(request.token)
    with app.room.query() as connection:
        first_run.check(connection, token_hash, app.room.clock.now())
    fields.check_login(request.login)
    fields.check_email(request.email, "/email")
    passwords.check_password(request.password, login=request.login)
    hashed = app.passwords.hash(request.password)
    redacted = replace(request, password="", token="")
    handler = partial(_claim_operator, password_hash=hashed, token_hash=token_hash)
    user = app.room.execute(handler, redacted, replace(context, command_id=None))
    app.first_run_file.unlink(missing_ok=True)
    return Done(id=user.user_id)


def _claim_operator(uow: UnitOfWork, request: c.ClaimOperator, *, password_hash: str, token_hash: str) -> people.User:
    first_run.check(uow.connection, token_hash, uow.now)
    guesses.end_first_run(uow.connection)
    user = _add(
        uow,
        None,
        login=request.login,
        email=request.email,
        password_hash=password_hash,
        permissions=list(grants.OPERATOR),
    )
    added = c.UserAdded(account_id=None, user_id=user.user_id, permissions=user.permissions)
    audit(uow, user, added, c.OperatorClaimed(user_id=user.user_id))
    return user


def _add(
    uow: UnitOfWork,
    account_id: str | None,
    *,
    login: str,
    email: str,
    password_hash: str,
    permissions: list[str],
    temporary: bool = False,
) -> people.User:
    key = fields.login_key(login)
    if people.login_taken(uow.connection, key):
        raise fields.login_refused()
    user = people.User(
        user_id=uow.new_id(),
        account_id=account_id,
        login=login,
        email=email,
        password_hash=password_hash,
        permissions=permissions,
        created_at=to_text(uow.now),
        last_sign_in_at=None,
        totp_sealed=None,
        totp_confirmed=False,
        totp_step=0,
        password_changed_at=to_text(uow.now),
        must_change_password=temporary,
    )
    people.add_user(uow.connection, user, key)
    return user
