# SPDX-License-Identifier: Apache-2.0
"""The accounts room on the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import eventlet.semaphore
import eventlet.tpool

from services.accounts import bootstrap
from services.accounts.handlers import acme, company, first_run, openid, own, passkeys, sign_in, sign_up
from services.accounts.handlers.app import App
from services.accounts.model.throttle import WINDOW
from shared.clock import to_text
from shared.context import Context, system
from shared.contracts import accounts as c
from shared.contracts import billing, orders
from shared.contracts.base import Done, Page
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service
from shared.settings import Settings

HASHES_AT_ONCE = 2  # each takes a core and its memory for tens of milliseconds

_turn = eventlet.semaphore.Semaphore(HASHES_AT_ONCE)


def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Hashing is C without the interpreter lock: in a thread, other requests go on meanwhile."""
    with _turn:
        return eventlet.tpool.execute(function, *arguments)


def _build(settings: Settings) -> App:
    return bootstrap.build(settings, run=_in_thread)


class AccountsService(Service):
    """See README.md of this folder."""

    name = "accounts"
    build = staticmethod(_build)
    app: App

    # --- everybody ---

    @rpc(c.ListAgreements)
    def list_agreements(self, request: c.ListAgreements, _context: Context) -> Page[c.AgreementText]:
        """In force."""
        return company.list_agreements(request)

    @rpc(c.SignUp)
    def sign_up(self, request: c.SignUp, context: Context) -> c.SignUpDone:
        """A new account."""
        return sign_up.sign_up(self.app, request, context)

    @rpc(c.SignIn)
    def sign_in(self, request: c.SignIn, context: Context) -> c.SignedIn:
        """A new session."""
        return sign_in.sign_in(self.app, request, context)

    @rpc(c.GetSignInWays)
    def get_sign_in_ways(self, _request: c.GetSignInWays, _context: Context) -> c.SignInWays:
        """What the sign-in page may offer."""
        return passkeys.sign_in_ways(self.app)

    @rpc(c.BeginPasskeySignIn)
    def begin_passkey_sign_in(self, _request: c.BeginPasskeySignIn, _context: Context) -> c.PasskeyChallenge:
        """A challenge for anybody."""
        return passkeys.begin_sign_in(self.app)

    @rpc(c.SignInWithPasskey)
    def sign_in_with_passkey(self, request: c.SignInWithPasskey, context: Context) -> c.SignedIn:
        """A new session without a password."""
        return sign_in.sign_in_with_passkey(self.app, request, context)

    @rpc(c.BeginOIDCSignIn)
    def begin_oidc_sign_in(self, request: c.BeginOIDCSignIn, context: Context) -> c.OIDCBegun:
        """Where the browser goes."""
        return openid.begin_sign_in(self.app, request, context)

    @rpc(c.FinishOIDC)
    def finish_oidc(self, request: c.FinishOIDC, context: Context) -> c.OIDCFinished:
        """A new session, or an identity that is connected."""
        return openid.finish(self.app, request, context)

    @rpc(c.ClaimOperator)
    def claim_operator(self, request: c.ClaimOperator, context: Context) -> Done:
        """The first operator."""
        return sign_up.claim_operator(self.app, request, context)

    # --- other rooms and the gateway ---

    @rpc(c.Authenticate)
    def authenticate(self, request: c.Authenticate, _context: Context) -> c.Identity:
        """Who is it."""
        return sign_in.authenticate(self.app, request)

    @rpc(c.GetContact)
    def get_contact(self, request: c.GetContact, _context: Context) -> c.Contact:
        """Where to write to."""
        return company.get_contact(self.app, request)

    # --- the own user ---

    @rpc(c.SignOut)
    def sign_out(self, request: c.SignOut, context: Context) -> Done:
        """One session or all."""
        return self.app.room.execute(own.sign_out, request, context)

    @rpc(c.ListSessions)
    def list_sessions(self, request: c.ListSessions, context: Context) -> Page[c.SessionView]:
        """Own ones."""
        return own.list_sessions(self.app, request, context)

    @rpc(c.AcceptAgreement)
    def accept_agreement(self, request: c.AcceptAgreement, context: Context) -> Done:
        """In force."""
        return self.app.room.execute(own.accept_agreement, request, context)

    @rpc(c.ChangePassword)
    def change_password(self, request: c.ChangePassword, context: Context) -> Done:
        """Ends other sessions."""
        return own.change_password(self.app, request, context)

    @rpc(c.EnrolTOTP)
    def enrol_totp(self, request: c.EnrolTOTP, context: Context) -> c.TOTPEnrolment:
        """Shows the secret once."""
        return own.enrol_totp(self.app, request, context)

    @rpc(c.ConfirmTOTP)
    def confirm_totp(self, request: c.ConfirmTOTP, context: Context) -> c.RecoveryCodes:
        """Shows the codes once."""
        return own.confirm_totp(self.app, request, context)

    @rpc(c.RemoveTOTP)
    def remove_totp(self, request: c.RemoveTOTP, context: Context) -> Done:
        """With the password."""
        return own.remove_totp(self.app, request, context)

    @rpc(c.ListPasskeys)
    def list_passkeys(self, request: c.ListPasskeys, context: Context) -> Page[c.PasskeyView]:
        """Own ones."""
        return passkeys.list_passkeys(self.app, request, context)

    @rpc(c.BeginPasskey)
    def begin_passkey(self, request: c.BeginPasskey, context: Context) -> c.PasskeyCreation:
        """With the password."""
        return passkeys.begin_passkey(self.app, request, context)

    @rpc(c.AddPasskey)
    def add_passkey(self, request: c.AddPasskey, context: Context) -> c.NewPasskey:
        """May show recovery codes once."""
        return passkeys.add_passkey(self.app, request, context)

    @rpc(c.RemovePasskey)
    def remove_passkey(self, request: c.RemovePasskey, context: Context) -> Done:
        """With the password."""
        return passkeys.remove_passkey(self.app, request, context)

    @rpc(c.ListOIDCIdentities)
    def list_oidc_identities(self, request: c.ListOIDCIdentities, context: Context) -> Page[c.OIDCIdentityView]:
        """Own ones."""
        return openid.list_identities(self.app, request, context)

    @rpc(c.BeginOIDCLink)
    def begin_oidc_link(self, request: c.BeginOIDCLink, context: Context) -> c.OIDCBegun:
        """With the password."""
        return openid.begin_link(self.app, request, context)

    @rpc(c.RemoveOIDCIdentity)
    def remove_oidc_identity(self, request: c.RemoveOIDCIdentity, context: Context) -> Done:
        """With the password."""
        return openid.remove_identity(self.app, request, context)

    @rpc(c.GetMe)
    def get_me(self, request: c.GetMe, context: Context) -> c.UserView:
        """The own user."""
        return own.get_me(self.app, request, context)

    @rpc(c.ListTokens)
    def list_tokens(self, request: c.ListTokens, context: Context) -> Page[c.TokenView]:
        """Own ones."""
        return own.list_tokens(self.app, request, context)

    @rpc(c.CreateToken)
    def create_token(self, request: c.CreateToken, context: Context) -> c.NewToken:
        """Shows the secret once."""
        return own.create_token(self.app, request, context)

    @rpc(c.RevokeToken)
    def revoke_token(self, request: c.RevokeToken, context: Context) -> Done:
        """At once."""
        return self.app.room.execute(own.revoke_token, request, context)

    # --- the own account ---

    @rpc(c.GetAccount)
    def get_account(self, request: c.GetAccount, context: Context) -> c.AccountView:
        """With company and contact."""
        return company.get_account(self.app, request, context)

    @rpc(c.UpdateAccount)
    def update_account(self, request: c.UpdateAccount, context: Context) -> c.AccountView:
        """Company or contact."""
        return company.update_account(self.app, request, context)

    @rpc(c.ListUsers)
    def list_users(self, request: c.ListUsers, context: Context) -> Page[c.UserView]:
        """Of the account."""
        return company.list_users(self.app, request, context)

    @rpc(c.AddUser)
    def add_user(self, request: c.AddUser, context: Context) -> c.UserView:
        """To the account."""
        return sign_up.add_user(self.app, request, context)

    @rpc(c.ChangeUser)
    def change_user(self, request: c.ChangeUser, context: Context) -> c.UserView:
        """Permissions, e-mail."""
        return self.app.room.execute(company.change_user, request, context)

    @rpc(c.RemoveUser)
    def remove_user(self, request: c.RemoveUser, context: Context) -> Done:
        """With all credentials."""
        return self.app.room.execute(company.remove_user, request, context)

    @rpc(c.ResetPassword)
    def reset_password(self, request: c.ResetPassword, context: Context) -> Done:
        """To be changed at the next sign-in."""
        return company.reset_password(self.app, request, context)

    @rpc(c.ListAccounts)
    def list_accounts(self, request: c.ListAccounts, _context: Context) -> Page[c.AccountView]:
        """For operators."""
        return company.list_accounts(self.app, request)

    # --- ACME ---

    @rpc(c.CreateACMECredential)
    def create_acme_credential(self, request: c.CreateACMECredential, context: Context) -> c.NewACMECredential:
        """Shows the key once. Billing knows the products."""
        products = self.client.send(billing.ListProducts(), context).items
        return acme.create_credential(self.app, request, context, products)

    @rpc(c.ListACMECredentials)
    def list_acme_credentials(self, request: c.ListACMECredentials, context: Context) -> Page[c.ACMECredentialView]:
        """Of the account."""
        return acme.list_credentials(self.app, request, context)

    @rpc(c.RevokeACMECredential)
    def revoke_acme_credential(self, request: c.RevokeACMECredential, context: Context) -> Done:
        """With its ACME accounts."""
        return self.app.room.execute(acme.revoke_credential, request, context)

    @rpc(c.GetACMENonceKey)
    def get_acme_nonce_key(self, request: c.GetACMENonceKey, context: Context) -> c.ACMENonceKey:
        """Made when it is first asked for."""
        return acme.nonce_key(self.app, request, context)

    @rpc(c.UseACMENonce)
    def use_acme_nonce(self, request: c.UseACMENonce, context: Context) -> Done:
        """Once."""
        return self.app.room.execute(acme.use_nonce, request, context)

    @rpc(c.FindACMEAccount)
    def find_acme_account(self, request: c.FindACMEAccount, _context: Context) -> c.ACMEAccountView:
        """By id or key."""
        return acme.find_account(self.app, request)

    @rpc(c.CreateACMEAccount)
    def create_acme_account(self, request: c.CreateACMEAccount, context: Context) -> c.ACMEAccountView:
        """Bound by a credential."""
        return acme.create_account(self.app, request, context)

    @rpc(c.ChangeACMEAccount)
    def change_acme_account(self, request: c.ChangeACMEAccount, context: Context) -> c.ACMEAccountView:
        """Contact, key, or the end."""
        return self.app.room.execute(acme.change_account, request, context)

    # --- events and the clock ---

    @subscribe(orders.OrderPlaced)
    def on_order_placed(self, event: Envelope[orders.OrderPlaced]) -> None:
        """Its number opens the second step."""
        self.app.room.react(company.on_order_placed, event, name="accounts.on_order_placed")

    @every(seconds=3600)
    def tidy(self) -> None:
        """Drops what has ended; a first-run link that ran out unclaimed is replaced."""
        now = self.app.room.clock.now()
        idle = timedelta(hours=self.app.settings.session_idle_hours)
        limits = (to_text(now - idle), to_text(now - WINDOW))
        self.app.room.execute(company.forget_old, limits, system("accounts"))
        if first_run.expired(self.app):
            first_run.announce(self.app)
