# SPDX-License-Identifier: Apache-2.0
"""Accounts, their users, and every way to prove who one is. Contact data stays in this service's tables."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "accounts"


class Company(View):
    """The registered address of an account's company (guide §1.1)."""

    name: str
    address1: str
    postcode: str
    country: str  # ISO 3166-1 alpha-2
    state: str
    city: str
    department: str = ""
    address2: str = ""
    address3: str = ""
    po_box: str = ""
    company_number: str = ""
    duns_number: str = ""


class Contact(View):
    """The person to write to. `telephone` in E.164."""

    title: str
    first_name: str
    last_name: str
    email: str
    telephone: str
    fax: str = ""


class AgreementText(View):
    """An agreement to be accepted; a new `version` asks again. `kind`: eula or subscriber."""

    kind: str
    version: str
    text: str


class SignUpDone(View):
    """The new account with the number that its first sign-in needs."""

    account_id: str
    user_id: str
    order_number: int


class UserView(View):
    """A user. `permissions` from view, create_order, replenish_balance, administer, operator."""

    user_id: str
    account_id: str | None
    login: str
    email: str
    permissions: list[str]
    totp: bool
    created_at: str
    last_sign_in_at: str | None = None


class SignedIn(View):
    """A session. `session_token` goes into a cookie and nowhere else."""

    session_token: str
    expires_at: str
    user: UserView
    agreements_due: list[AgreementText] = []
    last_sign_in_at: str | None = None


class Identity(View):
    """Who stands behind a credential. `credential_id` is the session's or token's id."""

    actor: str
    account_id: str | None
    user_id: str | None
    permissions: list[str]
    credential_id: str
    kind: str  # session or token


class AccountView(View):
    """An account with its company and contact."""

    account_id: str
    company: Company
    contact: Contact
    created_at: str
    order_number: int


class SessionView(View):
    """One signed-in browser."""

    session_id: str
    created_at: str
    last_seen_at: str
    expires_at: str
    remote_address: str
    current: bool


class TokenView(View):
    """An API token; its secret was shown once."""

    token_id: str
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None = None


class NewToken(View):
    """The only time that `secret` is shown."""

    token: TokenView
    secret: str


class TOTPEnrolment(View):
    """Shown once: the secret and the otpauth URI for an authenticator app."""

    secret: str
    uri: str


class RecoveryCodes(View):
    """Shown once: codes that each replace a TOTP code one time."""

    codes: list[str]


@query(SERVICE, Permission.PUBLIC)
class ListAgreements(Request[Page[AgreementText]]):
    """The agreements in force."""


@command(SERVICE, Permission.PUBLIC)
class SignUp(Request[SignUpDone]):
    """Makes an account with its first user, who may do everything in it.

    Password rule of the guide: 8 or more characters, no leading space, three of five classes.
    Errors: invalid, with the pointer of the field.
    """

    company: Company
    contact: Contact
    login: str
    password: str
    accepted_agreements: list[str]  # kinds: eula and subscriber
    admin_address: Company | None = None
    remote_address: str = ""


@command(SERVICE, Permission.PUBLIC)
class SignIn(Request[SignedIn]):
    """Signs in with password and second factor: one of the account's order numbers, or a TOTP or recovery code.

    A user with TOTP must give `code`. Errors: unauthenticated, always with the same words; rate_limited.
    """

    login: str
    password: str
    order_number: str = ""
    code: str = ""
    remote_address: str = ""


@query(SERVICE, Permission.INTERNAL)
class Authenticate(Request[Identity]):
    """Who is behind a session token or an API token. Errors: unauthenticated."""

    session_token: str = ""
    api_token: str = ""


@command(SERVICE, Permission.SIGNED_IN)
class SignOut(Request[Done]):
    """Ends the session `session_id`, or all sessions of the user."""

    session_id: str | None = None
    everywhere: bool = False


@query(SERVICE, Permission.SIGNED_IN)
class ListSessions(Request[Page[SessionView]]):
    """Sessions of the own user; `current_session_id` marks one."""

    current_session_id: str = ""


@command(SERVICE, Permission.SIGNED_IN)
class AcceptAgreement(Request[Done]):
    """Accepts the version in force of an agreement."""

    kind: str
    version: str
    remote_address: str = ""


@command(SERVICE, Permission.SIGNED_IN)
class ChangePassword(Request[Done]):
    """Changes the own password and ends all other sessions."""

    current_password: str
    new_password: str
    current_session_id: str = ""


@command(SERVICE, Permission.SIGNED_IN)
class EnrolTOTP(Request[TOTPEnrolment]):
    """Begins TOTP (RFC 6238); it counts after ConfirmTOTP."""


@command(SERVICE, Permission.SIGNED_IN)
class ConfirmTOTP(Request[RecoveryCodes]):
    """Proves that the authenticator works."""

    code: str


@command(SERVICE, Permission.SIGNED_IN)
class RemoveTOTP(Request[Done]):
    """Goes back to the order number as the second step; needs the password."""

    current_password: str


@query(SERVICE, Permission.SIGNED_IN)
class GetMe(Request[UserView]):
    """The own user."""


@query(SERVICE, Permission.SIGNED_IN)
class GetAccount(Request[AccountView]):
    """The own account."""


@command(SERVICE, Permission.ADMINISTER)
class UpdateAccount(Request[AccountView]):
    """Changes company or contact."""

    company: Company | None = None
    contact: Contact | None = None


@query(SERVICE, Permission.ADMINISTER)
class ListUsers(Request[Page[UserView]]):
    """Users of the own account."""

    limit: int = 50
    cursor: str | None = None


@command(SERVICE, Permission.ADMINISTER)
class AddUser(Request[UserView]):
    """Adds a user to the own account; permissions at most those that the adder has."""

    login: str
    password: str
    email: str
    permissions: list[str]


@command(SERVICE, Permission.ADMINISTER)
class ChangeUser(Request[UserView]):
    """Changes a user's permissions or e-mail. The last administrator keeps the right."""

    user_id: str
    permissions: list[str] | None = None
    email: str | None = None


@command(SERVICE, Permission.ADMINISTER)
class RemoveUser(Request[Done]):
    """Removes a user with all sessions and tokens, at once. Nobody removes themselves."""

    user_id: str


@query(SERVICE, Permission.SIGNED_IN)
class ListTokens(Request[Page[TokenView]]):
    """API tokens of the own user."""

    limit: int = 50
    cursor: str | None = None


@command(SERVICE, Permission.SIGNED_IN)
class CreateToken(Request[NewToken]):
    """Makes an API token with at most the user's own permissions. `expires_in_days` 1 … 365, None = never."""

    name: str
    permissions: list[str]
    expires_in_days: int | None = 90


@command(SERVICE, Permission.SIGNED_IN)
class RevokeToken(Request[Done]):
    """Ends a token at once."""

    token_id: str


@query(SERVICE, Permission.OPERATOR)
class ListAccounts(Request[Page[AccountView]]):
    """Every account of this installation."""

    search: str | None = None
    limit: int = 50
    cursor: str | None = None


@command(SERVICE, Permission.PUBLIC)
class ClaimOperator(Request[Done]):
    """First run: the one-time link of the log makes the operator. Used or older than 24 hours: unauthenticated."""

    token: str
    login: str
    password: str
    email: str


@query(SERVICE, Permission.INTERNAL)
class GetContact(Request[Contact]):
    """Where to write to an account. For alerts, invoices and validation mails."""

    account_id: str


@event("accounts.AccountOpened")
class AccountOpened(Event):
    """An account exists; `order_number` is its sign-up number."""

    account_id: str
    order_number: int


@event("accounts.OperatorClaimed")
class OperatorClaimed(Event):
    """The installation has its operator."""

    user_id: str


@event("accounts.AgreementAccepted")
class AgreementAccepted(Event):
    """Who accepted which text."""

    user_id: str
    kind: str
    version: str


@event("accounts.UserAdded")
class UserAdded(Event):
    """A user may act for the account."""

    account_id: str | None
    user_id: str
    permissions: list[str]


@event("accounts.UserChanged")
class UserChanged(Event):
    """A user's permissions changed."""

    user_id: str
    permissions: list[str]


@event("accounts.UserRemoved")
class UserRemoved(Event):
    """A user and all credentials are gone."""

    user_id: str


@event("accounts.SignInSucceeded")
class SignInSucceeded(Event):
    """For the audit log. `factor` is order_number, totp or recovery_code."""

    user_id: str
    session_id: str
    factor: str


@event("accounts.PasswordChanged")
class PasswordChanged(Event):
    """For the audit log."""

    user_id: str


@event("accounts.SecondFactorChanged")
class SecondFactorChanged(Event):
    """For the audit log. `factor` is totp or order_number."""

    user_id: str
    factor: str


@event("accounts.TokenCreated")
class TokenCreated(Event):
    """For the audit log; the secret is nowhere."""

    token_id: str
    user_id: str
    permissions: list[str]


@event("accounts.CredentialRevoked")
class CredentialRevoked(Event):
    """A session or token ended; `kind` session or token; caches must forget it."""

    credential_id: str
    kind: str
    user_id: str
