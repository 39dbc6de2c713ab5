# SPDX-License-Identifier: Apache-2.0
"""The installer's tables. Folded ones are rebuilt from events; state ones hold secrets' hashes and last contacts."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from shared.contracts.installer import AgentFacts
from shared.eventstore.projections import Projections

projections = Projections()

agents = sa.Table(
    "agents",
    projections.metadata,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("uid", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("taken_name", sa.Text),  # NULL once removed: the name is free again
    sa.Column("server_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("enrolled_at", sa.Text),
    sa.Column("removed", sa.Boolean, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("os", sa.Text, nullable=False),
    sa.UniqueConstraint("account_id", "taken_name"),  # decides a race for one name
    sa.Index("agents_page", "account_id", "created_at", "agent_id"),
    sa.Index("agents_server", "server_id"),
)

# Hosts of agents have an empty `ref`: what they are is said by their agent's last contact.
servers = sa.Table(
    "servers",
    projections.metadata,
    sa.Column("server_id", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("taken_name", sa.Text),  # of `given_name`; NULL where there is none
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("label", sa.Text, nullable=False),  # what the agent calls it
    sa.Column("given_name", sa.Text, nullable=False),  # what the customer calls it; empty: label or host name count
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("host_key", sa.Text, nullable=False),
    sa.Column("host_key_seen", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("os", sa.Text, nullable=False),
    sa.Column("host_name", sa.Text, nullable=False),
    sa.Column("web_servers", sa.Text, nullable=False),  # a list as JSON
    sa.Index("servers_page", "account_id", "created_at", "server_id"),
    sa.Index("servers_agent", "agent_id"),
    sa.Index("servers_name", "account_id", "taken_name", unique=True),
)

sites = sa.Table(
    "sites",
    projections.metadata,
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("server_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("names", sa.Text, nullable=False),  # " a.example.com *.b.example.com ", to look for " <name> "
    sa.Column("ends_at", sa.Text, nullable=False, server_default=""),  # of its first certificate to end
    sa.Column("view", sa.Text, nullable=False),  # SiteView as JSON
    sa.Index("sites_page", "account_id", "name", "site_id"),
    sa.Index("sites_ending", "ends_at"),
)

site_findings = sa.Table(
    "site_findings",
    projections.metadata,
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True, index=True),
    sa.Column("server_id", sa.Text, nullable=False, index=True),
    sa.Column("finding", sa.Text, nullable=False),  # SiteFinding as JSON
)

# Which keys sites use, by their public half.
site_keys = sa.Table(
    "site_keys",
    projections.metadata,
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("spki_sha256", sa.Text, primary_key=True, index=True),
    sa.Column("server_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False),
)

# The last certificate that was brought to a site.
brought = sa.Table(
    "brought",
    projections.metadata,
    sa.Column("site_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("installation_id", sa.Text, nullable=False),
)

# Orders that still bring certificates, by their names: " a.example.com *.b.example.com ". What is over has `ended`.
covering = sa.Table(
    "covering",
    projections.state,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("names", sa.Text, nullable=False),
    sa.Column("paid", sa.Boolean, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
)

agent_jobs = sa.Table(
    "agent_jobs",
    projections.metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("server_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("view", sa.Text, nullable=False),  # JobView as JSON
    sa.Index("agent_jobs_open", "agent_id", "status", "created_at"),
    sa.Index("agent_jobs_page", "account_id", "created_at", "job_id"),
)

introductions = sa.Table(
    "introductions",
    projections.state,
    sa.Column("uid", sa.Text, primary_key=True),
    sa.Column("code_sha256", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting, verified, refused
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # AgentFacts as JSON
)

credentials = sa.Table(
    "credentials",
    projections.state,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("token_sha256", sa.Text, nullable=False, unique=True),
    sa.Column("code_sha256", sa.Text, nullable=False),  # the enrolment that it came from
    sa.Column("used", sa.Boolean, nullable=False),
)

contacts = sa.Table(
    "contacts",
    projections.state,
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # AgentFacts as JSON
    sa.Column("hostname", sa.Text, nullable=False, server_default=""),  # of the facts, to order by
)

# What agents told of installations, as `Plan` in JSON: configurations' text, which the log does not keep.
plans = sa.Table(
    "plans",
    projections.state,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("plan_sha256", sa.Text, nullable=False),
    sa.Column("told_at", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Index("plans_age", "told_at"),
)


def introduction(connection: sa.Connection, uid: str, code_sha256: str) -> sa.Row[Any] | None:
    """What became of one code."""
    query = sa.select(introductions).where(introductions.c.uid == uid, introductions.c.code_sha256 == code_sha256)
    return connection.execute(query).first()


def waiting_codes(connection: sa.Connection, agent_id: str, now: str) -> set[str]:
    """Hashes of the codes that the agent shows and that are still good."""
    query = sa.select(introductions.c.code_sha256).where(
        introductions.c.agent_id == agent_id, introductions.c.state == "waiting", introductions.c.expires_at > now
    )
    return set(connection.execute(query).scalars())


def introduced_from(connection: sa.Connection, agent_id: str) -> str:
    """The address of the agent's newest introduction; empty when there is none."""
    query = sa.select(introductions.c.address).where(introductions.c.agent_id == agent_id)
    return connection.execute(query.order_by(introductions.c.expires_at.desc()).limit(1)).scalar() or ""


def introduce(
    connection: sa.Connection, *, uid: str, code_sha256: str, agent_id: str, expires_at: str, address: str, facts: str
) -> None:
    """Takes down a new code."""
    values = {"uid": uid, "code_sha256": code_sha256, "agent_id": agent_id, "expires_at": expires_at}
    connection.execute(
        sa.insert(introductions).values(**values, address=address, facts=facts, state="waiting", tries=0)
    )


def mark_verified(connection: sa.Connection, uid: str, code_sha256: str, expires_at: str) -> None:
    """The customer typed this code; the agent has until `expires_at` to finish. The agent's other codes end."""
    mine = introductions.c.uid == uid
    connection.execute(sa.update(introductions).where(mine).values(state="refused"))
    chosen = sa.update(introductions).where(mine, introductions.c.code_sha256 == code_sha256)
    connection.execute(chosen.values(state="verified", expires_at=expires_at))


def count_wrong_code(connection: sa.Connection, agent_id: str, tries: int) -> None:
    """A code was typed that fits none: after `tries` of them the waiting codes are refused."""
    waiting = (introductions.c.agent_id == agent_id) & (introductions.c.state == "waiting")
    connection.execute(sa.update(introductions).where(waiting).values(tries=introductions.c.tries + 1))
    spent = sa.update(introductions).where(waiting, introductions.c.tries >= tries)
    connection.execute(spent.values(state="refused"))


def forget_codes(connection: sa.Connection, before: str) -> None:
    """Removes codes that ended before a moment."""
    connection.execute(sa.delete(introductions).where(introductions.c.expires_at < before))


def credential_of(connection: sa.Connection, agent_id: str) -> sa.Row[Any] | None:
    """The agent's credential, as hashes."""
    return connection.execute(sa.select(credentials).where(credentials.c.agent_id == agent_id)).first()


def holder_of(connection: sa.Connection, token_sha256: str) -> tuple[str, str] | None:
    """Agent and account behind a token's hash."""
    query = (
        sa.select(agents.c.agent_id, agents.c.account_id)
        .join(credentials, credentials.c.agent_id == agents.c.agent_id)
        .where(credentials.c.token_sha256 == token_sha256, agents.c.removed.is_(False))
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1])


def store_credential(connection: sa.Connection, agent_id: str, token_sha256: str, code_sha256: str) -> None:
    """Gives the agent this credential; one that it had before ends."""
    end_credential(connection, agent_id)
    values = {"agent_id": agent_id, "token_sha256": token_sha256, "code_sha256": code_sha256}
    connection.execute(sa.insert(credentials).values(**values, used=False))


def end_credential(connection: sa.Connection, agent_id: str) -> None:
    """The agent is nobody from now on."""
    connection.execute(sa.delete(credentials).where(credentials.c.agent_id == agent_id))


def touch(
    connection: sa.Connection, agent_id: str, now: str, facts: AgentFacts, *, address: str, fresh_since: str
) -> None:
    """The agent spoke with its credential, from `address` if that is known.

    Nothing is written while the last note is fresh and says the same: agents ask every few seconds, and each write is a
    flush to disk.
    """
    text = msgspec.json.encode(facts).decode()
    mine = contacts.c.agent_id == agent_id
    chosen = sa.select(contacts.c.seen_at, contacts.c.facts, contacts.c.address).where(mine)
    noted = connection.execute(chosen).first()
    said = {"seen_at": now, "facts": text, "hostname": facts.hostname}
    if noted is None:
        connection.execute(sa.insert(contacts).values(agent_id=agent_id, address=address, **said))
    elif noted.seen_at < fresh_since or noted.facts != text or noted.address != (address or noted.address):
        connection.execute(sa.update(contacts).where(mine).values(address=address or noted.address, **said))
    held = credential_of(connection, agent_id)
    if held is not None and not held.used:
        connection.execute(sa.update(credentials).where(credentials.c.agent_id == agent_id).values(used=True))


def meet(connection: sa.Connection, agent_id: str, now: str, address: str, facts: str) -> None:
    """The agent enrolled from `address`."""
    connection.execute(sa.delete(contacts).where(contacts.c.agent_id == agent_id))
    values = {"agent_id": agent_id, "seen_at": now, "address": address, "facts": facts}
    hostname = msgspec.json.decode(facts, type=AgentFacts).hostname
    connection.execute(sa.insert(contacts).values(**values, hostname=hostname))


def keep_plan(connection: sa.Connection, *, job_id: str, account_id: str, plan_sha256: str, at: str, plan: str) -> None:
    """Keeps the plan of a job, which ends once."""
    values = {"job_id": job_id, "account_id": account_id, "plan_sha256": plan_sha256, "told_at": at, "plan": plan}
    connection.execute(sa.insert(plans).values(**values))


def kept_plan(connection: sa.Connection, job_id: str) -> str | None:
    """The plan of a job as JSON, if it is still there."""
    return connection.execute(sa.select(plans.c.plan).where(plans.c.job_id == job_id)).scalar()


def approved_plan(connection: sa.Connection, account_id: str, job_id: str, plan_sha256: str) -> str | None:
    """The plan that an approval names, as JSON: by job and hash, of this account."""
    query = sa.select(plans.c.plan).where(
        plans.c.job_id == job_id, plans.c.account_id == account_id, plans.c.plan_sha256 == plan_sha256
    )
    return connection.execute(query).scalar()


def forget_plans(connection: sa.Connection, before: str) -> None:
    """Removes plans that were told before a moment."""
    connection.execute(sa.delete(plans).where(plans.c.told_at < before))
