# SPDX-License-Identifier: Apache-2.0
"""Credentials of ACME clients, made by people; ACME accounts and nonces, asked for by the gateway (ADR 0019)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from services.accounts.handlers.access import own_user, page_of, secretly
from services.accounts.handlers.app import App
from services.accounts.model import acme as model
from services.accounts.tables import acme as tables
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts import accounts as c
from shared.contracts.base import Done, Page, Permission
from shared.contracts.billing import Product
from shared.contracts.tenancy import account_of, scope_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.unit_of_work import UnitOfWork

DIRECTORY = "/acme/directory"
TOUCHED_EVERY = timedelta(minutes=1)
_NONCE_KEY = "acme-nonces"  # what the key is sealed for


def create_credential(
    app: App, request: c.CreateACMECredential, context: Context, products: Sequence[Product]
) -> c.NewACMECredential:
    """A key id and an HMAC key, which is shown this once. Raises invalid, forbidden."""
    account_id = account_of(context)
    if Permission.CREATE_ORDER.value not in context.permissions:
        raise ServiceError(Code.FORBIDDEN, "ACME clients place orders: you need the permission to place them yourself.")
    name = model.check_name(request.name)
    product = model.choose_product(products, request.product, request.term_years)
    # 43 characters of base64url are 256 random bits, which is what is used as the key.
    text = app.chance.token()

    def create(uow: UnitOfWork, request: c.CreateACMECredential) -> c.ACMECredentialView:
        user = own_user(uow.connection, uow.context)
        credential_id = uow.new_id()
        new = tables.Credential(
            credential_id=credential_id,
            account_id=account_id,
            name=name,
            key_sealed=app.sealer.seal(text, credential_id),
            product=product,
            term_years=request.term_years,
            created_at=to_text(uow.now),
        )
        tables.add_credential(uow.connection, new)
        made = c.ACMECredentialCreated(
            account_id=account_id,
            credential_id=credential_id,
            user_id=user.user_id,
            name=name,
            product=product,
            term_years=request.term_years,
        )
        uow.append_anywhere(stream_of(credential_id), made)
        return tables.view(new)

    credential = app.room.execute(create, request, secretly(context))
    return c.NewACMECredential(
        credential=credential, hmac_key=text, directory_url=app.public_url.rstrip("/") + DIRECTORY
    )


def list_credentials(app: App, request: c.ListACMECredentials, context: Context) -> Page[c.ACMECredentialView]:
    """Of the account, newest first; operators have none."""
    account_id = scope_of(context)
    with app.room.query() as connection:
        found = tables.credentials_of(connection, account_id) if account_id is not None else []
    return page_of(found, request.limit, request.cursor, lambda one: one.credential_id)


def revoke_credential(uow: UnitOfWork, request: c.RevokeACMECredential) -> Done:
    """Ends it, at once."""
    account_id = account_of(uow.context)
    user = own_user(uow.connection, uow.context)
    if not tables.revoke_credential(uow.connection, account_id, request.credential_id, to_text(uow.now)):
        raise not_found("credential")
    uow.append_anywhere(
        stream_of(request.credential_id),
        c.ACMECredentialRevoked(account_id=account_id, credential_id=request.credential_id, user_id=user.user_id),
    )
    return Done(id=request.credential_id)


def nonce_key(app: App, request: c.GetACMENonceKey, context: Context) -> c.ACMENonceKey:
    """The key of nonces, the same for every gateway and after every restart."""
    with app.room.query() as connection:
        sealed = tables.nonce_key(connection)
    if sealed is None:
        fresh = app.sealer.seal(app.chance.token(), _NONCE_KEY)

        def keep(uow: UnitOfWork, _request: c.GetACMENonceKey) -> str:
            found = tables.nonce_key(uow.connection)
            if found is None:
                tables.set_nonce_key(uow.connection, fresh)
            return found or fresh

        sealed = app.room.execute(keep, request, secretly(context))
    return c.ACMENonceKey(key=app.sealer.open(sealed, _NONCE_KEY).encode().hex())


def use_nonce(uow: UnitOfWork, request: c.UseACMENonce) -> Done:
    """Marks a nonce, once."""
    if tables.nonce_used(uow.connection, request.nonce_hash):
        raise ServiceError(Code.CONFLICT, "This nonce was used before.")
    tables.use_nonce(uow.connection, request.nonce_hash, request.expires_at)
    if request.credential_id:
        _touch(uow, request.credential_id)
    return Done()


def find_account(app: App, request: c.FindACMEAccount) -> c.ACMEAccountView:
    """By id or by key. Raises not_found."""
    with app.room.query() as connection:
        found = tables.account(connection, acme_account_id=request.acme_account_id, thumbprint=request.thumbprint)
    if found is None:
        raise not_found("ACME account")
    return found


def create_account(app: App, request: c.CreateACMEAccount, context: Context) -> c.ACMEAccountView:
    """Binds a key to an account. The credential may bind any number of them: one for each host, say."""
    contact = model.check_contact(request.contact)
    with app.room.query() as connection:
        credential = tables.credential(connection, request.credential_id)
    if credential is None or credential.revoked_at is not None:
        raise _unbound("There is no such key id, or it was revoked.")
    text = app.sealer.open(credential.key_sealed, credential.credential_id)
    key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if not model.right_mac(key, bytes.fromhex(request.signed), bytes.fromhex(request.mac)):
        raise _unbound("The external account binding is not signed with the HMAC key of this key id.")
    return app.room.execute(_create_account, replace(request, contact=contact), context)


def _create_account(uow: UnitOfWork, request: c.CreateACMEAccount) -> c.ACMEAccountView:
    credential = tables.credential(uow.connection, request.credential_id)
    if credential is None or credential.revoked_at is not None:
        raise _unbound("There is no such key id, or it was revoked.")
    if tables.account(uow.connection, thumbprint=request.thumbprint) is not None:
        raise ServiceError(Code.CONFLICT, "This key has an account already.")
    acme_account_id = uow.new_id()
    tables.add_account(
        uow.connection,
        request.contact,
        acme_account_id=acme_account_id,
        credential_id=credential.credential_id,
        jwk=request.jwk,
        thumbprint=request.thumbprint,
        created_at=to_text(uow.now),
    )
    tables.touch_credential(uow.connection, credential.credential_id, to_text(uow.now))
    registered = c.ACMEAccountRegistered(
        account_id=credential.account_id,
        acme_account_id=acme_account_id,
        credential_id=credential.credential_id,
        thumbprint=request.thumbprint,
    )
    uow.append_anywhere(stream_of(credential.credential_id), registered)
    return _account(uow, acme_account_id)


def change_account(uow: UnitOfWork, request: c.ChangeACMEAccount) -> c.ACMEAccountView:
    """Another contact, another key, or the end."""
    found = _account(uow, request.acme_account_id)
    changes: list[str] = []
    if request.contact is not None:
        contact = model.check_contact(request.contact)
        if contact != found.contact:
            tables.change_account(uow.connection, found.acme_account_id, contact=contact)
            changes.append("contact")
    if request.jwk is not None and request.thumbprint is not None:
        other = tables.account(uow.connection, thumbprint=request.thumbprint)
        if other is not None:
            extra = {"acme_account_id": other.acme_account_id}
            raise ServiceError(Code.CONFLICT, "This key has an account already.", extra=extra)
        tables.change_account(uow.connection, found.acme_account_id, jwk=request.jwk, thumbprint=request.thumbprint)
        changes.append("key")
    if request.deactivate and found.status != "deactivated":
        tables.change_account(uow.connection, found.acme_account_id, deactivated_at=to_text(uow.now))
        changes.append("deactivated")
    facts = [
        c.ACMEAccountChanged(account_id=found.account_id, acme_account_id=found.acme_account_id, change=change)
        for change in changes
    ]
    if facts:
        uow.append_anywhere(stream_of(found.credential_id), *facts)
    return _account(uow, found.acme_account_id)


def _touch(uow: UnitOfWork, credential_id: str) -> None:
    credential = tables.credential(uow.connection, credential_id)
    if credential is None:
        return
    last = credential.last_used_at
    if last is None or uow.now - from_text(last) >= TOUCHED_EVERY:
        tables.touch_credential(uow.connection, credential_id, to_text(uow.now))


def stream_of(credential_id: str) -> str:
    """Where the audit of a credential and its ACME accounts stands."""
    return f"acme-{credential_id}"


def _account(uow: UnitOfWork, acme_account_id: str) -> c.ACMEAccountView:
    found = tables.account(uow.connection, acme_account_id=acme_account_id)
    if found is None:
        raise not_found("ACME account")
    return found


def _unbound(detail: str) -> ServiceError:
    return ServiceError(Code.UNAUTHENTICATED, detail, extra={"acme": "unauthorized"})
