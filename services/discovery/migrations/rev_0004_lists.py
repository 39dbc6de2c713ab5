# SPDX-License-Identifier: Apache-2.0
"""Bytes and words of certificates in tables of their own; indexes that lists of 100,000 certificates are chosen by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOVED = ("pem", "chain_pem", "search")
FACETS = ("level", "key_algorithm", "brand", "form", "own", "self_signed", "bookmarked", "spki")
INDEXES = {
    "facets": ("not_after", "fingerprint", *FACETS),
    "key": ("spki", "not_after", "fingerprint"),
    "name": ("common_name", "fingerprint", "subject", "issuer", "not_before", "last_seen_at"),
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "certificate_bytes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("chain_pem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "fingerprint"),
    )
    op.create_table(
        "certificate_words",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "fingerprint"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO certificate_bytes (account_id, fingerprint, pem, chain_pem)"
        " SELECT account_id, fingerprint, pem, chain_pem FROM certificates WHERE pem <> '' OR chain_pem <> ''"
    )
    op.execute(
        "INSERT INTO certificate_words (account_id, fingerprint, words)"
        " SELECT account_id, fingerprint, search FROM certificates ORDER BY account_id, fingerprint"
    )
    for index in ("expiry", "key", "brand", "level", "kind"):
        op.drop_index(f"certificates_by_{index}", "certificates")
    with op.batch_alter_table("certificates") as batch:
        for column in MOVED:
            batch.drop_column(column)
        batch.add_column(sa.Column("self_signed", sa.Boolean(), server_default=sa.false(), nullable=False))
    table = sa.table("certificates", *(sa.column(name) for name in ("issuer", "subject", "self_signed")))
    op.execute(sa.update(table).where(table.c.issuer == table.c.subject).values(self_signed=sa.true()))
    for index, columns in INDEXES.items():
        op.create_index(f"certificates_by_{index}", "certificates", ["account_id", *columns], unique=False)
    op.drop_index("ix_places_server_id", "places")
    for index, column in (("server", "server_id"), ("source", "source")):
        op.create_index(f"places_by_{index}", "places", ["account_id", column, "fingerprint"], unique=False)
