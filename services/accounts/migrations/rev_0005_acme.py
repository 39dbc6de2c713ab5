# SPDX-License-Identifier: Apache-2.0
"""Credentials for ACME clients, the ACME accounts bound by them, and the nonces that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "acme_credentials",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_sealed", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("term_years", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index(
        "acme_credentials_of_account", "acme_credentials", ["account_id", "created_at", "credential_id"], unique=False
    )
    op.create_table(
        "acme_accounts",
        sa.Column("acme_account_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("thumbprint", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("deactivated_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["credential_id"], ["acme_credentials.credential_id"]),
        sa.PrimaryKeyConstraint("acme_account_id"),
        sa.UniqueConstraint("thumbprint"),
    )
    op.create_index(op.f("ix_acme_accounts_credential_id"), "acme_accounts", ["credential_id"], unique=False)
    op.create_table(
        "acme_nonces",
        sa.Column("nonce_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash"),
    )
    op.create_index(op.f("ix_acme_nonces_expires_at"), "acme_nonces", ["expires_at"], unique=False)
    op.create_table(
        "acme_nonce_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
