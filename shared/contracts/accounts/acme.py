# SPDX-License-Identifier: Apache-2.0
"""ACME at an account: credentials for external account binding, and the ACME accounts that were bound by them."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "accounts"


class ACMECredentialView(View):
    """A credential. `credential_id` is the key id; `product` and `term_years` are what its clients buy."""

    credential_id: str
    name: str
    product: str
    term_years: int
    created_at: str
    last_used_at: str | None = None
    acme_accounts: int = 0


class NewACMECredential(View):
    """The only time that `hmac_key` (base64url) is shown. `directory_url` is where clients begin."""

    credential: ACMECredentialView
    hmac_key: str
    directory_url: str


class ACMEAccountView(View):
    """An ACME account. `status` is valid, deactivated (by its client) or revoked (with its credential).

    `jwk` is the public key as JSON text; `product` and `term_years` are those of the credential.
    """

    acme_account_id: str
    account_id: str
    credential_id: str
    status: str
    jwk: str
    thumbprint: str
    contact: list[str]
    product: str
    term_years: int
    created_at: str


class ACMENonceKey(View):
    """The key that all gateways make nonces with, in hexadecimal."""

    key: str


@command(SERVICE, Permission.ADMINISTER)
class CreateACMECredential(Request[NewACMECredential]):
    """Makes a credential for ACME clients. Who makes one must be allowed to place orders too: its clients spend the
    account's funds.

    `product` is one with domain validation; without one it is the cheapest. Errors: invalid (name, product, term).
    """

    name: str
    product: str = ""
    term_years: int = 1


@query(SERVICE, Permission.VIEW)
class ListACMECredentials(Request[Page[ACMECredentialView]]):
    """The account's credentials, newest first, without those that were revoked."""

    limit: int = 100
    cursor: str | None = None


@command(SERVICE, Permission.ADMINISTER)
class RevokeACMECredential(Request[Done]):
    """Ends a credential and every ACME account that was bound by it. Certificates stay as they are."""

    credential_id: str


@query(SERVICE, Permission.INTERNAL)
class GetACMENonceKey(Request[ACMENonceKey]):
    """For gateways."""


@command(SERVICE, Permission.INTERNAL)
class UseACMENonce(Request[Done]):
    """Marks a nonce as used, and the credential whose client used it. Errors: conflict when it was used before."""

    nonce_hash: str
    expires_at: str
    credential_id: str = ""


@query(SERVICE, Permission.INTERNAL)
class FindACMEAccount(Request[ACMEAccountView]):
    """An ACME account by its id, or by the thumbprint of its key. Errors: not_found."""

    acme_account_id: str | None = None
    thumbprint: str | None = None


@command(SERVICE, Permission.INTERNAL)
class CreateACMEAccount(Request[ACMEAccountView]):
    """Binds a key to the account of a credential. `signed` and `mac` (hexadecimal) are those of the binding.

    Errors: unauthenticated (no such credential, or a wrong MAC), conflict (the key has an account).
    """

    jwk: str
    thumbprint: str
    contact: list[str]
    credential_id: str
    signed: str
    mac: str


@command(SERVICE, Permission.INTERNAL)
class ChangeACMEAccount(Request[ACMEAccountView]):
    """Another contact, another key (with its thumbprint), or the end of an ACME account.

    Errors: not_found, conflict (extra `acme_account_id`: whose key it is).
    """

    acme_account_id: str
    contact: list[str] | None = None
    jwk: str | None = None
    thumbprint: str | None = None
    deactivate: bool = False


@event("accounts.ACMECredentialCreated")
class ACMECredentialCreated(Event):
    """For the audit log; the key is nowhere."""

    account_id: str
    credential_id: str
    user_id: str
    name: str
    product: str
    term_years: int


@event("accounts.ACMECredentialRevoked")
class ACMECredentialRevoked(Event):
    """Its ACME accounts can do nothing any more."""

    account_id: str
    credential_id: str
    user_id: str


@event("accounts.ACMEAccountRegistered")
class ACMEAccountRegistered(Event):
    """A client was bound to the account by a credential. Contacts are not said."""

    account_id: str
    acme_account_id: str
    credential_id: str
    thumbprint: str


@event("accounts.ACMEAccountChanged")
class ACMEAccountChanged(Event):
    """`change` is contact, key or deactivated."""

    account_id: str
    acme_account_id: str
    change: str
