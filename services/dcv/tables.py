# SPDX-License-Identifier: Apache-2.0
"""The tables of validation, and the questions about mailed secrets."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from shared.eventstore.projections import Projections

projections = Projections()

authorizations = sa.Table(
    "authorizations",
    projections.metadata,
    sa.Column("authorization_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("fqdn", sa.Text, nullable=False),
    sa.Column("proved_at", sa.Text),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, index=True),
    sa.Column("expired", sa.Boolean, nullable=False),
)

needs = sa.Table(
    "needs",
    projections.metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("fqdn", sa.Text, primary_key=True),
    sa.Column("authorization_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("md5", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("unique_value", sa.Text, nullable=False),
    sa.Column("validating", sa.Boolean, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("passed_method", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("reused", sa.Boolean, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("email_sent_at", sa.Text),
)

attempts = sa.Table(
    "attempts",
    projections.metadata,
    sa.Column("authorization_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("advice", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)

# Not folded: hashes of secrets are no part of history.
mails = sa.Table(
    "challenge_mails",
    projections.state,
    sa.Column("token_hash", sa.Text, primary_key=True),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False, index=True),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("csr_version", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False, server_default="email"),
    sa.Column("made_at", sa.Text, nullable=False, index=True),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("used_at", sa.Text),
    sa.Column("tries", sa.Integer, nullable=False),
)


class MailKey(NamedTuple):
    """What a mailed secret was made for."""

    authorization_id: str
    order_id: str
    csr_version: int


def _for(key: MailKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        mails.c.authorization_id == key.authorization_id,
        mails.c.order_id == key.order_id,
        mails.c.csr_version == key.csr_version,
    )


def add_mail(connection: sa.Connection, **values: Any) -> None:
    """Keeps the hashes of one mail's secrets."""
    connection.execute(mails.insert().values(used_at=None, tries=0, **values))


def mail_by_token(connection: sa.Connection, token_hash: str) -> sa.Row[Any] | None:
    """The mail that a link came in."""
    return connection.execute(sa.select(mails).where(mails.c.token_hash == token_hash)).first()


def mails_for(connection: sa.Connection, key: MailKey, *, most_tries: int) -> list[sa.Row[Any]]:
    """The mails whose code may still be tried."""
    return list(connection.execute(sa.select(mails).where(_for(key), mails.c.tries <= most_tries)))


def count_try(connection: sa.Connection, key: MailKey) -> None:
    """One more try at the codes of all unused mails."""
    connection.execute(mails.update().where(_for(key), mails.c.used_at.is_(None)).values(tries=mails.c.tries + 1))


def use_mail(connection: sa.Connection, token_hash: str, at: str) -> None:
    """Its secrets are good no more."""
    connection.execute(mails.update().where(mails.c.token_hash == token_hash).values(used_at=at))


def mails_since(connection: sa.Connection, since: str, *, authorization_id: str, account_id: str) -> tuple[int, int]:
    """How many mails were made after a moment for one authorization, and for one account."""
    recent = sa.select(sa.func.count()).select_from(mails).where(mails.c.made_at > since)
    for_name = connection.execute(recent.where(mails.c.authorization_id == authorization_id)).scalar_one()
    for_account = connection.execute(recent.where(mails.c.account_id == account_id)).scalar_one()
    return for_name, for_account
