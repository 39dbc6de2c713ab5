# SPDX-License-Identifier: Apache-2.0
"""The tables of accounts. They hold state, not folded events: contact data may be corrected and erased."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()
state = projections.state

accounts = sa.Table(
    "accounts",
    state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("order_number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("company", sa.Text, nullable=False),  # JSON of contracts.accounts.Company
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("admin_address", sa.Text),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
)

users = sa.Table(
    "users",
    state,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.account_id")),  # null: an operator
    sa.Column("login", sa.Text, nullable=False),
    sa.Column("login_key", sa.Text, nullable=False, unique=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("permissions", sa.Text, nullable=False),  # space-separated
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("last_sign_in_at", sa.Text),
    sa.Column("totp_sealed", sa.Text),
    sa.Column("totp_confirmed", sa.Boolean, nullable=False),
    sa.Column("totp_step", sa.BigInteger, nullable=False),  # of the last code that was used
    sa.Column("password_changed_at", sa.Text, nullable=False, server_default=""),
    sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("users_of_account", "account_id", "created_at", "user_id"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    state,
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("code_hash", sa.Text, primary_key=True),
)

passkeys = sa.Table(
    "passkeys",
    state,
    sa.Column("passkey_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("credential_id", sa.Text, nullable=False, unique=True),  # base64url, as browsers write it
    sa.Column("public_key", sa.Text, nullable=False),  # COSE in base64url
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("last_used_at", sa.Text),
)

used_challenges = sa.Table(
    "used_challenges",
    state,
    sa.Column("challenge_hash", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.Text, nullable=False, index=True),
)

oidc_identities = sa.Table(
    "oidc_identities",
    state,
    sa.Column("identity_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("last_used_at", sa.Text),
    sa.UniqueConstraint("issuer", "subject", name="oidc_subject"),
    sa.UniqueConstraint("user_id", "issuer", name="oidc_user"),
)

oidc_requests = sa.Table(
    "oidc_requests",
    state,
    sa.Column("state_hash", sa.Text, primary_key=True),
    sa.Column("browser_hash", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),  # nonce and PKCE verifier
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE")),  # null: a sign-in
    sa.Column("next", sa.Text, nullable=False),
    sa.Column("remote_address", sa.Text, nullable=False, index=True),
    sa.Column("expires_at", sa.Text, nullable=False, index=True),
)

sessions = sa.Table(
    "sessions",
    state,
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("last_seen_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False, index=True),
    sa.Column("remote_address", sa.Text, nullable=False),
)

tokens = sa.Table(
    "tokens",
    state,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("permissions", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("last_used_at", sa.Text),
    sa.Index("tokens_of_user", "user_id", "created_at", "token_id"),
)

acme_credentials = sa.Table(
    "acme_credentials",
    state,
    sa.Column("credential_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key_sealed", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("term_years", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("last_used_at", sa.Text),
    sa.Column("revoked_at", sa.Text),
    sa.Index("acme_credentials_of_account", "account_id", "created_at", "credential_id"),
)

acme_accounts = sa.Table(
    "acme_accounts",
    state,
    sa.Column("acme_account_id", sa.Text, primary_key=True),
    sa.Column("credential_id", sa.Text, sa.ForeignKey("acme_credentials.credential_id"), nullable=False, index=True),
    sa.Column("jwk", sa.Text, nullable=False),  # JSON, public members only
    sa.Column("thumbprint", sa.Text, nullable=False, unique=True),
    sa.Column("contact", sa.Text, nullable=False),  # JSON
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("deactivated_at", sa.Text),
)

acme_nonces = sa.Table(
    "acme_nonces",
    state,
    sa.Column("nonce_hash", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.Text, nullable=False, index=True),
)

acme_nonce_key = sa.Table(
    "acme_nonce_key",
    state,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # one row
    sa.Column("key_sealed", sa.Text, nullable=False),
)

acceptances = sa.Table(
    "acceptances",
    state,
    sa.Column("user_id", sa.Text, primary_key=True),  # kept when the user is removed: it is evidence
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("remote_address", sa.Text, nullable=False),
)

order_numbers = sa.Table(
    "order_numbers",
    state,
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
)

failures = sa.Table(
    "failures",
    state,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("last_failed_at", sa.Text, nullable=False, index=True),
    sa.Column("blocked_until", sa.Text),
)

first_run = sa.Table(
    "first_run",
    state,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # one row
    sa.Column("token_hash", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)

counters = sa.Table(
    "counters",
    state,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
