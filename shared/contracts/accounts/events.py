# SPDX-License-Identifier: Apache-2.0
"""What is said about accounts, users and credentials: facts, past tense."""

from __future__ import annotations

from shared.eventsourcing.event import Event, event


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
    """For the audit log. `factor` is order_number, totp, recovery_code, passkey, passkey_alone, oidc or none."""

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


@event("accounts.PasskeyAdded")
class PasskeyAdded(Event):
    """For the audit log."""

    user_id: str
    passkey_id: str


@event("accounts.PasskeyRemoved")
class PasskeyRemoved(Event):
    """For the audit log."""

    user_id: str
    passkey_id: str


@event("accounts.OIDCIdentityLinked")
class OIDCIdentityLinked(Event):
    """For the audit log; whose identity it is at the provider is not said."""

    user_id: str
    identity_id: str


@event("accounts.OIDCIdentityRemoved")
class OIDCIdentityRemoved(Event):
    """For the audit log."""

    user_id: str
    identity_id: str


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
