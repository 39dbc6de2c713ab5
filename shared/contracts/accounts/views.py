# SPDX-License-Identifier: Apache-2.0
"""What replies about accounts, users and credentials look like."""

from __future__ import annotations

from shared.contracts.base import View


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
    """A user. `permissions` from view, create_order, replenish_balance, administer, operator.

    `must_change_password`: the password is a temporary one; the next sign-in needs a new one.
    """

    user_id: str
    account_id: str | None
    login: str
    email: str
    permissions: list[str]
    totp: bool
    created_at: str
    last_sign_in_at: str | None = None
    must_change_password: bool = False
    passkeys: int = 0


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
    """Shown once: codes that each replace a TOTP code or a passkey one time."""

    codes: list[str]


class SignInWays(View):
    """What the sign-in page may offer. `passkeys_missing` says why there are no passkeys: the public URL names an
    ip_address, or is insecure (plain http); empty when there are. `oidc_name` is what people call the OpenID Connect
    provider of this installation; empty when there is none."""

    passkeys: bool
    passkeys_missing: str = ""
    oidc_name: str = ""


class PasskeyView(View):
    """A passkey of the own user."""

    passkey_id: str
    name: str
    created_at: str
    last_used_at: str | None = None


class NewPasskey(View):
    """A passkey was added. With the first second factor come recovery codes, shown this once; else there are none."""

    passkey: PasskeyView
    recovery_codes: list[str] = []


class PasskeyCreation(View):
    """What a browser needs for `navigator.credentials.create` (WebAuthn). Bytes are in base64url without padding.

    `algorithms` are COSE numbers, best first; `exclude` names credentials of the user that exist. The challenge is good
    once and until `expires_at`.
    """

    challenge: str
    rp_id: str
    rp_name: str
    user_handle: str
    login: str
    algorithms: list[int]
    exclude: list[str]
    expires_at: str


class PasskeyChallenge(View):
    """What a browser needs for `navigator.credentials.get`: good once and until `expires_at`."""

    challenge: str
    rp_id: str
    expires_at: str


class PasskeyAssertion(View):
    """What an authenticator answered to a challenge, in base64url without padding."""

    credential_id: str
    client_data_json: str
    authenticator_data: str
    signature: str


class OIDCIdentityView(View):
    """An identity at an OpenID Connect provider that signs its user in."""

    identity_id: str
    issuer: str
    created_at: str
    last_used_at: str | None = None


class OIDCBegun(View):
    """`url` is where the browser goes, `browser` the secret that goes into a cookie of it and nowhere else."""

    url: str
    browser: str
    expires_at: str


class OIDCFinished(View):
    """`signed_in` is None when an identity was connected. `next_path` is the page of the console to go on with."""

    signed_in: SignedIn | None = None
    next_path: str = "/"
