# SPDX-License-Identifier: Apache-2.0
"""The tables of the inventory, of scans and of checks. They hold state, not folded events: what is served where is only
true until the next report."""

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
    sa.Column("first_seen_at", sa.Text, nullable=False),
    sa.Column("last_seen_at", sa.Text, nullable=False),
    sa.Column("brand", sa.Text, nullable=False, server_default=""),
    sa.Column("level", sa.Text, nullable=False, server_default=""),
    sa.Column("spki", sa.Text, nullable=False, server_default=""),  # SHA-256 of the public key
    sa.Column("bookmarked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("tags", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("self_signed", sa.Boolean, nullable=False, server_default=sa.false()),
)
# Counts are made by indexes that hold all that they ask for, and each order has an index that a page is found along.
FACETS = ("level", "key_algorithm", "brand", "form", "own", "self_signed", "bookmarked", "spki")
for _index, _columns in (
    ("facets", ("not_after", "fingerprint", *FACETS)),
    ("key", ("spki", "not_after", "fingerprint")),
    ("name", ("common_name", "fingerprint")),
    ("subject", ("subject", "fingerprint")),
    ("issuer", ("issuer", "fingerprint")),
    ("start", ("not_before", "fingerprint")),
    ("sighting", ("last_seen_at", "fingerprint")),
):
    sa.Index(f"certificates_by_{_index}", certificates.c.account_id, *(certificates.c[_column] for _column in _columns))

# What is long stands apart: a list would carry it along for nothing.
certificate_bytes = sa.Table(
    "certificate_bytes",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("pem", sa.Text, nullable=False),
    sa.Column("chain_pem", sa.Text, nullable=False),
)

# What is searched: FQDNs, subject, issuer, owner, tags, in lower case. An account's lines stand side by side, so that
# looking through all of them (for text anywhere in a word, which no index of both databases finds) is one short read.
certificate_words = sa.Table(
    "certificate_words",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("words", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

places = sa.Table(
    "places",
    projections.state,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("server_id", sa.Text, nullable=False),
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("site_name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
)
sa.Index("places_by_certificate", places.c.account_id, places.c.fingerprint, places.c.source)
# Scans, uploads and issuances know of no server: thousands of their places stay out of this index. Who looks for a
# server's says so in these words, by which the databases see that the index serves.
ON_A_SERVER = places.c.server_id != sa.literal_column("''")
sa.Index(
    "places_by_server",
    places.c.account_id,
    places.c.server_id,
    places.c.fingerprint,
    sqlite_where=ON_A_SERVER,
    postgresql_where=ON_A_SERVER,
)

# The newest report that was taken over, by server: an older one that comes late says nothing any more.
reports = sa.Table(
    "reports",
    projections.state,
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# FQDNs that an account has proved: they may be scanned from here.
proved_names = sa.Table(
    "proved_names",
    projections.state,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("fqdn", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
)

scans = sa.Table(
    "scans",
    projections.state,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # the account's, counted from 1
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("schedule_id", sa.Text, nullable=False),
    sa.Column("targets", sa.JSON, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("ports", sa.JSON, nullable=False),
    sa.Column("exclude", sa.JSON, nullable=False),
    sa.Column("networks", sa.JSON, nullable=False),  # the targets in CIDR form
    sa.Column("named", sa.JSON, nullable=True),  # endpoints that the names lead to; NULL before they were looked up
    sa.Column("name_problems", sa.JSON, nullable=False),
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("speed", sa.Float, nullable=False),
    sa.Column("seconds_left", sa.Float, nullable=True),
    sa.Column("failures", sa.JSON, nullable=False),  # of the parts that were gone through
    sa.Column("failing", sa.JSON, nullable=False),  # of the part that runs
    sa.Column("crashes", sa.Integer, nullable=False),
    sa.Column("compared_with", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=True),
    sa.Column("ended_at", sa.Text, nullable=True),
    # Of a scan that an agent runs: what it looks at, in which run, the last report of it, and when it spoke last.
    sa.Column("agent_id", sa.Text, nullable=False, server_default=""),
    sa.Column("agent_name", sa.Text, nullable=False, server_default=""),
    sa.Column("part", sa.Text, nullable=False, server_default=""),
    sa.Column("run", sa.Integer, nullable=False, server_default="0"),
    sa.Column("report", sa.Integer, nullable=False, server_default="0"),
    sa.Column("heard_at", sa.Text, nullable=True),
)
sa.Index("scans_of_agent", scans.c.agent_id, scans.c.state)
sa.Index("scans_of_account", scans.c.account_id, scans.c.number, unique=True)
sa.Index("scans_by_definition", scans.c.account_id, scans.c.definition, scans.c.state)

scan_results = sa.Table(
    "scan_results",
    projections.state,
    sa.Column("scan_id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("port", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),  # address and port so that texts sort as numbers do
    sa.Column("starttls", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("protocol", sa.Text, nullable=False),
    sa.Column("proved", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
)
sa.Index("scan_results_by_place", scan_results.c.scan_id, scan_results.c.place, scan_results.c.name)

scan_schedules = sa.Table(
    "scan_schedules",
    projections.state,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("targets", sa.JSON, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("ports", sa.JSON, nullable=False),
    sa.Column("exclude", sa.JSON, nullable=False),
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("every_hours", sa.Integer, nullable=False),
    sa.Column("quiet_from", sa.Text, nullable=False),
    sa.Column("quiet_until", sa.Text, nullable=False),
    sa.Column("next_at", sa.Text, nullable=False, index=True),
    sa.Column("last_scan_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("agent_id", sa.Text, nullable=False, server_default=""),
    sa.Column("agent_name", sa.Text, nullable=False, server_default=""),
)

checks = sa.Table(
    "checks",
    projections.state,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # the account's, counted from 1
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("fqdn", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("starttls", sa.Text, nullable=False),
    sa.Column("depth", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("steps_total", sa.Integer, nullable=False),
    sa.Column("verdict", sa.JSON, nullable=True),
    sa.Column("survey", sa.JSON, nullable=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text, nullable=True),
)
sa.Index("checks_of_account", checks.c.account_id, checks.c.number, unique=True)
sa.Index("checks_of_endpoint", checks.c.account_id, checks.c.fqdn, checks.c.port, checks.c.number)
