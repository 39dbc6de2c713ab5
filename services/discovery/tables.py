# SPDX-License-Identifier: Apache-2.0
"""The tables of the inventory. They hold state, not folded events: what is served where is only true until the next
report."""

from __future__ import annotations

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()

certificates = sa.Table(
    "certificates",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("serial", sa.Text, nullable=False),
    sa.Column("common_name", sa.Text, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("not_after", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("key_algorithm", sa.Text, nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("pem", sa.Text, nullable=False),
    sa.Column("search", sa.Text, nullable=False),  # FQDNs, subject and issuer in lower case
    sa.Column("first_seen_at", sa.Text, nullable=False),
    sa.Column("last_seen_at", sa.Text, nullable=False),
)
sa.Index("certificates_by_expiry", certificates.c.account_id, certificates.c.not_after, certificates.c.fingerprint)

places = sa.Table(
    "places",
    projections.state,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("server_id", sa.Text, nullable=False, index=True),
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("site_name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
)
sa.Index("places_by_certificate", places.c.account_id, places.c.fingerprint)

# The newest report that was taken over, by server: an older one that comes late says nothing any more.
reports = sa.Table(
    "reports",
    projections.state,
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)
