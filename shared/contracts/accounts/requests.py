# SPDX-License-Identifier: Apache-2.0
"""What may be asked about accounts, users and credentials, and by whom."""

from __future__ import annotations

from shared.contracts.accounts.views import (
    AccountView,
    AgreementText,
    Company,
    Contact,
    Identity,
    NewPasskey,
    NewToken,
    OIDCBegun,
    OIDCFinished,
    OIDCIdentityView,
    PasskeyAssertion,
    PasskeyChallenge,
    PasskeyCreation,
    PasskeyView,
    RecoveryCodes,
    SessionView,
    SignedIn,
    SignInWays,
    SignUpDone,
    TokenView,
    TOTPEnrolment,
    UserView,
)
from shared.contracts.base import Done, Page, Permission, Request, command, query

SERVICE = "accounts"


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
    """Signs in with password and second factor: an order number of the account, a TOTP or recovery code, a passkey.

    A user with TOTP or a passkey must give `code` or `passkey`. With `new_password` the password is changed on the way
    in, and all other sessions end. Errors: unauthenticated, always with the same words; credentials_expired when all
    was right and the password is too old or a temporary one, so that it takes a `new_password`; invalid for one that
    breaks the rule; rate_limited.
    """

    login: str
    password: str
    order_number: str = ""
    code: str = ""
    new_password: str = ""
    remote_address: str = ""
    passkey: PasskeyAssertion | None = None


@query(SERVICE, Permission.PUBLIC)
class GetSignInWays(Request[SignInWays]):
    """What the sign-in page may offer besides login and password."""


@query(SERVICE, Permission.PUBLIC)
class BeginPasskeySignIn(Request[PasskeyChallenge]):
    """A challenge for a passkey of whoever wants to sign in. Errors: conflict where passkeys cannot be used."""


@command(SERVICE, Permission.PUBLIC)
class SignInWithPasskey(Request[SignedIn]):
    """Signs in with a passkey alone, if its authenticator knew its user by PIN, finger or face.

    Errors: unauthenticated, always with the same words; credentials_expired for who must choose a new password first,
    which takes login and password; rate_limited.
    """

    passkey: PasskeyAssertion
    remote_address: str = ""


@command(SERVICE, Permission.INTERNAL)
class BeginOIDCSignIn(Request[OIDCBegun]):
    """Begins a sign-in by the OpenID Connect provider, bound to a browser by the secret `browser` (new when empty).

    For the gateway, on behalf of whoever comes: browsers go to an address of it and are sent on.

    Errors, with `oidc` in `extra`: not_found where there is no provider; unavailable; rate_limited.
    """

    browser: str = ""
    next_path: str = "/"
    remote_address: str = ""


@command(SERVICE, Permission.INTERNAL)
class FinishOIDC(Request[OIDCFinished]):
    """What the browser brought back from the provider; `browser` is its secret. Each `state` is good once.

    For the gateway. The actor of the context is who is signed in in that browser, or nobody.

    Errors, with `oidc` in `extra`: unauthenticated (stale, cancelled, refused, invalid, unknown); conflict (taken,
    connected_before); forbidden (other_user); unavailable; and credentials_expired, rate_limited.
    """

    state: str
    browser: str
    code: str = ""
    error: str = ""
    issuer: str = ""
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
class ListPasskeys(Request[Page[PasskeyView]]):
    """Passkeys of the own user."""


@command(SERVICE, Permission.SIGNED_IN)
class BeginPasskey(Request[PasskeyCreation]):
    """Begins with a new passkey; needs the password. `name` is looked at here, before an authenticator keeps anything.

    Errors: invalid at /name and /current_password; conflict where there can be no passkeys, or for too many.
    """

    name: str
    current_password: str


@command(SERVICE, Permission.SIGNED_IN)
class AddPasskey(Request[NewPasskey]):
    """Ends what BeginPasskey began with the authenticator's answer, in base64url without padding.

    From now on a passkey or a code is the second step. Errors: invalid at /name; conflict when the answer is not one to
    a fresh challenge.
    """

    name: str
    client_data_json: str
    attestation_object: str


@command(SERVICE, Permission.SIGNED_IN)
class RemovePasskey(Request[Done]):
    """Forgets a passkey of the own user; needs the password. After the last second factor the order number is back."""

    passkey_id: str
    current_password: str


@query(SERVICE, Permission.SIGNED_IN)
class ListOIDCIdentities(Request[Page[OIDCIdentityView]]):
    """Identities at a provider that sign the own user in."""


@command(SERVICE, Permission.SIGNED_IN)
class BeginOIDCLink(Request[OIDCBegun]):
    """Begins to connect an identity at the OpenID Connect provider; needs the password.

    The browser goes to `url` and comes back by itself. Errors: invalid at /current_password; not_found where there is
    no provider; conflict when one is connected; unavailable.
    """

    current_password: str
    remote_address: str = ""


@command(SERVICE, Permission.SIGNED_IN)
class RemoveOIDCIdentity(Request[Done]):
    """Disconnects an identity, which signs nobody in from then on; needs the password."""

    identity_id: str
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
    """Adds a user to the own account; permissions at most those that the adder has.

    The password is a temporary one, to be changed at the first sign-in, unless `must_change_password` is false.
    """

    login: str
    password: str
    email: str
    permissions: list[str]
    must_change_password: bool = True


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


@command(SERVICE, Permission.ADMINISTER)
class ResetPassword(Request[Done]):
    """Gives another user of the own account a temporary password, to be changed at the next sign-in.

    All sessions and tokens of the user end, and with `remove_second_step` authenticator app, passkeys and connected
    identities are forgotten. Only people who are signed in may do this, and only to users who may do no more than they.
    Errors: not_found, conflict for oneself, forbidden, invalid for a password that breaks the rule.
    """

    user_id: str
    password: str
    remove_second_step: bool = False


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
