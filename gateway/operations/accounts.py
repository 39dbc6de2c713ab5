# SPDX-License-Identifier: Apache-2.0
"""Sign-up, sessions, the own user, users and tokens of the account."""

from __future__ import annotations

from typing import Any

from gateway.exchange import Exchange
from gateway.identity import binding_cookie, cleared_cookie, session_cookie
from gateway.route import Filled, Route
from shared.contracts import accounts
from shared.contracts.base import View

SIGN_IN = "Sign-in"
ACCOUNT = "Account"


class NewSession(View):
    """A session of a browser; its secret is in the cookie that came along and nowhere else."""

    expires_at: str
    user: accounts.UserView
    agreements_due: list[accounts.AgreementText] = []
    last_sign_in_at: str | None = None


class CurrentSession(View):
    """Who asks, by which kind of credential (session or token), and what it may do."""

    kind: str
    user: accounts.UserView
    permissions: list[str]


class ProviderVisit(View):
    """Where the browser goes to connect an identity; the cookie that came along binds the answer to it."""

    url: str
    expires_at: str


def _to_provider(exchange: Exchange, reply: Any) -> ProviderVisit:
    begun: accounts.OIDCBegun = reply
    exchange.headers.append(("Set-Cookie", binding_cookie(begun.browser, secure=exchange.secure)))
    return ProviderVisit(url=begun.url, expires_at=begun.expires_at)


def _signed_in(exchange: Exchange, reply: Any) -> NewSession:
    signed_in: accounts.SignedIn = reply
    exchange.headers.append(("Set-Cookie", session_cookie(signed_in.session_token, secure=exchange.secure)))
    return NewSession(
        expires_at=signed_in.expires_at,
        user=signed_in.user,
        agreements_due=signed_in.agreements_due,
        last_sign_in_at=signed_in.last_sign_in_at,
    )


def _current(exchange: Exchange, reply: Any) -> CurrentSession:
    return CurrentSession(kind=exchange.caller.kind, user=reply, permissions=sorted(exchange.caller.permissions))


def _signed_out(exchange: Exchange, reply: Any) -> Any:
    exchange.headers.append(("Set-Cookie", cleared_cookie(secure=exchange.secure)))
    return reply


ROUTES = (
    Route(
        method="POST", path="/api/v1/sign-up", request=accounts.SignUp, tag=SIGN_IN, status=201,
        summary="Open an account", filled={"remote_address": Filled.REMOTE_ADDRESS},
    ),
    Route(
        method="GET", path="/api/v1/agreements", request=accounts.ListAgreements, tag=SIGN_IN,
        summary="Agreements in force",
    ),
    Route(
        method="POST", path="/api/v1/agreements/{kind}/accept", request=accounts.AcceptAgreement, tag=SIGN_IN,
        status=204, summary="Accept an agreement", filled={"remote_address": Filled.REMOTE_ADDRESS},
    ),
    Route(
        method="POST", path="/api/v1/session", request=accounts.SignIn, tag=SIGN_IN, status=201,
        summary="Sign in; the answer sets the session cookie", filled={"remote_address": Filled.REMOTE_ADDRESS},
        answer=_signed_in, reply=NewSession, forgets=True,
    ),
    Route(
        method="GET", path="/api/v1/sign-in-ways", request=accounts.GetSignInWays, tag=SIGN_IN,
        summary="What signing in takes here, besides login and password",
    ),
    Route(
        method="GET", path="/api/v1/session/passkey", request=accounts.BeginPasskeySignIn, tag=SIGN_IN,
        summary="A challenge for signing in with a passkey", refuses=(409,),
    ),
    Route(
        method="POST", path="/api/v1/session/passkey", request=accounts.SignInWithPasskey, tag=SIGN_IN, status=201,
        summary="Sign in with a passkey alone; the answer sets the session cookie",
        filled={"remote_address": Filled.REMOTE_ADDRESS}, answer=_signed_in, reply=NewSession, forgets=True,
    ),
    Route(
        method="GET", path="/api/v1/session", request=accounts.GetMe, tag=SIGN_IN, name="get_session",
        summary="Who is signed in", answer=_current, reply=CurrentSession,
    ),
    Route(
        method="DELETE", path="/api/v1/session", request=accounts.SignOut, tag=SIGN_IN, status=204,
        summary="Sign out", filled={"session_id": Filled.CREDENTIAL_ID}, fixed={"everywhere": False},
        answer=_signed_out, forgets=True,
    ),
    Route(
        method="GET", path="/api/v1/sessions", request=accounts.ListSessions, tag=SIGN_IN,
        summary="Browsers that are signed in", filled={"current_session_id": Filled.CREDENTIAL_ID},
    ),
    Route(
        method="DELETE", path="/api/v1/sessions", request=accounts.SignOut, tag=SIGN_IN, status=204,
        name="sign_out_everywhere", summary="End all sessions of the own user",
        fixed={"everywhere": True, "session_id": None}, answer=_signed_out, forgets=True,
    ),
    Route(
        method="DELETE", path="/api/v1/sessions/{session_id}", request=accounts.SignOut, tag=SIGN_IN, status=204,
        name="end_session", summary="End one session of the own user", fixed={"everywhere": False}, forgets=True,
    ),
    Route(method="GET", path="/api/v1/me", request=accounts.GetMe, tag=SIGN_IN, summary="The own user"),
    Route(
        method="PUT", path="/api/v1/me/password", request=accounts.ChangePassword, tag=SIGN_IN, status=204,
        summary="Change the own password", filled={"current_session_id": Filled.CREDENTIAL_ID}, forgets=True,
    ),
    Route(
        method="POST", path="/api/v1/me/totp", request=accounts.EnrolTOTP, tag=SIGN_IN, status=201,
        summary="Begin with an authenticator app",
    ),
    Route(
        method="POST", path="/api/v1/me/totp/confirm", request=accounts.ConfirmTOTP, tag=SIGN_IN,
        summary="Prove that the authenticator app works",
    ),
    Route(
        method="POST", path="/api/v1/me/totp/remove", request=accounts.RemoveTOTP, tag=SIGN_IN, status=204,
        summary="Go back to the order number as the second step",
    ),
    Route(
        method="GET", path="/api/v1/me/passkeys", request=accounts.ListPasskeys, tag=SIGN_IN, summary="Own passkeys",
    ),
    Route(
        method="POST", path="/api/v1/me/passkeys/begin", request=accounts.BeginPasskey, tag=SIGN_IN,
        summary="Begin with a new passkey",
    ),
    Route(
        method="POST", path="/api/v1/me/passkeys", request=accounts.AddPasskey, tag=SIGN_IN, status=201,
        summary="Add the passkey that the browser made",
    ),
    Route(
        method="POST", path="/api/v1/me/passkeys/{passkey_id}/remove", request=accounts.RemovePasskey, tag=SIGN_IN,
        status=204, summary="Forget a passkey",
    ),
    Route(
        method="GET", path="/api/v1/me/identities", request=accounts.ListOIDCIdentities, tag=SIGN_IN,
        summary="Own identities at the sign-in provider",
    ),
    Route(
        method="POST", path="/api/v1/me/identities/begin", request=accounts.BeginOIDCLink, tag=SIGN_IN,
        summary="Begin to connect an identity; the browser goes to the provider and comes back",
        filled={"remote_address": Filled.REMOTE_ADDRESS}, answer=_to_provider, reply=ProviderVisit,
    ),
    Route(
        method="POST", path="/api/v1/me/identities/{identity_id}/remove", request=accounts.RemoveOIDCIdentity,
        tag=SIGN_IN, status=204, summary="Disconnect an identity",
    ),
    Route(method="GET", path="/api/v1/account", request=accounts.GetAccount, tag=ACCOUNT, summary="The own account"),
    Route(
        method="PATCH", path="/api/v1/account", request=accounts.UpdateAccount, tag=ACCOUNT,
        summary="Change company or contact",
    ),
    Route(method="GET", path="/api/v1/users", request=accounts.ListUsers, tag=ACCOUNT, summary="Users of the account"),
    Route(
        method="POST", path="/api/v1/users", request=accounts.AddUser, tag=ACCOUNT, status=201, summary="Add a user",
    ),
    Route(
        method="PATCH", path="/api/v1/users/{user_id}", request=accounts.ChangeUser, tag=ACCOUNT,
        summary="Change a user's permissions or e-mail", forgets=True,
    ),
    Route(
        method="DELETE", path="/api/v1/users/{user_id}", request=accounts.RemoveUser, tag=ACCOUNT, status=204,
        summary="Remove a user with all sessions and tokens", forgets=True,
    ),
    Route(
        method="POST", path="/api/v1/users/{user_id}/password", request=accounts.ResetPassword, tag=ACCOUNT, status=204,
        summary="Give a user a temporary password; all sessions and tokens of the user end", forgets=True,
    ),
    Route(method="GET", path="/api/v1/tokens", request=accounts.ListTokens, tag=ACCOUNT, summary="Own API tokens"),
    Route(
        method="POST", path="/api/v1/tokens", request=accounts.CreateToken, tag=ACCOUNT, status=201,
        summary="Make an API token; its secret is shown this once",
    ),
    Route(
        method="DELETE", path="/api/v1/tokens/{token_id}", request=accounts.RevokeToken, tag=ACCOUNT, status=204,
        summary="End an API token", forgets=True,
    ),
    Route(
        method="GET", path="/api/v1/acme/credentials", request=accounts.ListACMECredentials, tag=ACCOUNT,
        summary="Credentials of ACME clients, newest first",
    ),
    Route(
        method="POST", path="/api/v1/acme/credentials", request=accounts.CreateACMECredential, tag=ACCOUNT, status=201,
        summary="Make a credential for ACME clients; its HMAC key is shown this once",
    ),
    Route(
        method="DELETE", path="/api/v1/acme/credentials/{credential_id}", request=accounts.RevokeACMECredential,
        tag=ACCOUNT, status=204, summary="End a credential and every ACME account that was bound by it",
    ),
)  # fmt: skip
