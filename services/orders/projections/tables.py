# SPDX-License-Identifier: Apache-2.0
"""The tables of the read model. `folding` keeps them, and `acme` and `replacement` beside it have their own."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()

orders = sa.Table(
    "orders",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("product_name", sa.Text, nullable=False),
    sa.Column("common_name", sa.Text, nullable=False),
    sa.Column("names", sa.Text, nullable=False),  # JSON, so that both databases hold the same bytes
    sa.Column("search", sa.Text, nullable=False),  # number, product and names in lower case
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("quote_id", sa.Text, unique=True),  # a quote serves one order
    sa.Column("term_years", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("placed_at", sa.Text, nullable=False),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("certificate_version", sa.Integer, nullable=False),  # the CSR version of the newest certificate
    sa.Column("begins_at", sa.Text),  # start of the newest certificate
    sa.Column("expires_at", sa.Text),  # its end
    sa.Column("term_ends_at", sa.Text),
    sa.Column("renewed_by", sa.Text),  # the order that continues it
    sa.Column("renew_at", sa.Text),  # when the service looks whether it is to reissue; NULL while that is under way
    sa.Column("key_server_id", sa.Text, nullable=False),  # where the newest key was made; empty for a pasted CSR
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("serial", sa.Text),  # of the newest certificate, as are the next two
    sa.Column("issuer", sa.Text),
    sa.Column("key_type", sa.Text),  # such as rsa-2048 or ec-p256; empty when it cannot be read
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("orders_of_account", "account_id", "number"),
    sa.Index("orders_of_account_by_status", "account_id", "status", "number"),
    sa.Index("orders_by_status", "status", "term_ends_at"),
    sa.Index("orders_by_renewal", "renew_at"),
)

certificates = sa.Table(
    "certificates",
    projections.metadata,
    sa.Column("serial", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, primary_key=True, index=True),
    sa.Column("not_after", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)

# Sites that serve a certificate of an order, by its CSR version.
placed_sites = sa.Table(
    "placed_sites",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("csr_version", sa.Integer, nullable=False),
)

# The newest proof of each FQDN of an order; of the organization where `fqdn` is empty.
proofs = sa.Table(
    "proofs",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("fqdn", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
)

keys = sa.Table(
    "keys",
    projections.metadata,
    sa.Column("spki_sha256", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
)

counters = sa.Table(
    "counters",
    projections.state,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
