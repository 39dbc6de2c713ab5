# SPDX-License-Identifier: Apache-2.0
"""Authorizations, what orders need of them, attempts, and challenge mails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.eventstore import schema as store

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    store.version_1(op)
    op.create_table(
        "attempts",
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("authorization_id", "version"),
    )
    op.create_index(op.f("ix_attempts_order_id"), "attempts", ["order_id"], unique=False)
    op.create_table(
        "authorizations",
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fqdn", sa.Text(), nullable=False),
        sa.Column("proved_at", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("authorization_id"),
    )
    op.create_index(op.f("ix_authorizations_account_id"), "authorizations", ["account_id"], unique=False)
    op.create_index(op.f("ix_authorizations_expires_at"), "authorizations", ["expires_at"], unique=False)
    op.create_table(
        "challenge_mails",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_challenge_mails_account_id"), "challenge_mails", ["account_id"], unique=False)
    op.create_index(op.f("ix_challenge_mails_authorization_id"), "challenge_mails", ["authorization_id"], unique=False)
    op.create_index(op.f("ix_challenge_mails_made_at"), "challenge_mails", ["made_at"], unique=False)
    op.create_index(op.f("ix_challenge_mails_order_id"), "challenge_mails", ["order_id"], unique=False)
    op.create_table(
        "needs",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("fqdn", sa.Text(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("csr_version", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("unique_value", sa.Text(), nullable=False),
        sa.Column("validating", sa.Boolean(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("passed_method", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("reused", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_sent_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "fqdn"),
    )
    op.create_index(op.f("ix_needs_account_id"), "needs", ["account_id"], unique=False)
    op.create_index(op.f("ix_needs_authorization_id"), "needs", ["authorization_id"], unique=False)
