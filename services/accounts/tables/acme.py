# SPDX-License-Identifier: Apache-2.0
"""Credentials for ACME clients, the ACME accounts that were bound by them, and used nonces."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from services.accounts.tables.schema import acme_accounts, acme_credentials, acme_nonce_key, acme_nonces
from shared.contracts import accounts as c


class Credential(msgspec.Struct, frozen=True):
    """A row of `acme_credentials`."""

    credential_id: str
    account_id: str
    name: str
    key_sealed: str
    product: str
    term_years: int
    created_at: str
    last_used_at: str | None = None
    revoked_at: str | None = None


_CREDENTIAL = [acme_credentials.c[name] for name in Credential.__struct_fields__]


def add_credential(connection: sa.Connection, new: Credential) -> None:
    """A new credential."""
    connection.execute(acme_credentials.insert(), msgspec.structs.asdict(new))


def credential(connection: sa.Connection, credential_id: str) -> Credential | None:
    """A credential, revoked or not."""
    row = connection.execute(sa.select(*_CREDENTIAL).where(acme_credentials.c.credential_id == credential_id)).first()
    return None if row is None else Credential(*row)


def credentials_of(connection: sa.Connection, account_id: str) -> list[c.ACMECredentialView]:
    """Those of an account that hold, newest first, with how many ACME accounts were bound by each."""
    bound = (
        sa.select(sa.func.count())
        .select_from(acme_accounts)
        .where(
            acme_accounts.c.credential_id == acme_credentials.c.credential_id, acme_accounts.c.deactivated_at.is_(None)
        )
        .scalar_subquery()
    )
    query = (
        sa.select(*_CREDENTIAL, bound)
        .where(acme_credentials.c.account_id == account_id, acme_credentials.c.revoked_at.is_(None))
        .order_by(acme_credentials.c.created_at.desc(), acme_credentials.c.credential_id.desc())
    )
    return [view(Credential(*row[:-1]), row[-1]) for row in connection.execute(query)]


def view(one: Credential, bound: int = 0) -> c.ACMECredentialView:
    """What may be seen of a credential."""
    return c.ACMECredentialView(
        credential_id=one.credential_id,
        name=one.name,
        product=one.product,
        term_years=one.term_years,
        created_at=one.created_at,
        last_used_at=one.last_used_at,
        acme_accounts=bound,
    )


def revoke_credential(connection: sa.Connection, account_id: str, credential_id: str, at: str) -> bool:
    """Ends a credential of the account; False when there is none that holds."""
    mine = (acme_credentials.c.credential_id == credential_id) & (acme_credentials.c.account_id == account_id)
    ended = acme_credentials.update().where(mine, acme_credentials.c.revoked_at.is_(None)).values(revoked_at=at)
    return connection.execute(ended).rowcount == 1


def touch_credential(connection: sa.Connection, credential_id: str, at: str) -> None:
    """It was used."""
    used = acme_credentials.update().where(acme_credentials.c.credential_id == credential_id)
    connection.execute(used.values(last_used_at=at))


_ACCOUNT = sa.select(
    acme_accounts, *(acme_credentials.c[name] for name in ("account_id", "product", "term_years", "revoked_at"))
).join(acme_credentials, acme_credentials.c.credential_id == acme_accounts.c.credential_id)


def account(
    connection: sa.Connection, *, acme_account_id: str | None = None, thumbprint: str | None = None
) -> c.ACMEAccountView | None:
    """An ACME account by its id or by its key."""
    query = _ACCOUNT.where(
        acme_accounts.c.acme_account_id == acme_account_id
        if acme_account_id is not None
        else acme_accounts.c.thumbprint == (thumbprint or "")
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return c.ACMEAccountView(
        acme_account_id=row.acme_account_id,
        account_id=row.account_id,
        credential_id=row.credential_id,
        status="deactivated" if row.deactivated_at else "revoked" if row.revoked_at else "valid",
        jwk=row.jwk,
        thumbprint=row.thumbprint,
        contact=msgspec.json.decode(row.contact, type=list[str]),
        product=row.product,
        term_years=row.term_years,
        created_at=row.created_at,
    )


def add_account(connection: sa.Connection, contact: list[str], **values: Any) -> None:
    """A new ACME account."""
    connection.execute(acme_accounts.insert(), {**values, "contact": msgspec.json.encode(contact).decode()})


def change_account(connection: sa.Connection, acme_account_id: str, **values: Any) -> None:
    """Another contact (a list), key or end."""
    if "contact" in values:
        values["contact"] = msgspec.json.encode(values["contact"]).decode()
    changed = acme_accounts.update().where(acme_accounts.c.acme_account_id == acme_account_id)
    connection.execute(changed.values(**values))


def nonce_used(connection: sa.Connection, nonce_hash: str) -> bool:
    """Whether the nonce was used."""
    query = sa.select(acme_nonces.c.expires_at).where(acme_nonces.c.nonce_hash == nonce_hash)
    return connection.execute(query).first() is not None


def use_nonce(connection: sa.Connection, nonce_hash: str, expires_at: str) -> None:
    """Marks it. Of two at the same moment the second fails on the key and looks again."""
    connection.execute(acme_nonces.insert(), {"nonce_hash": nonce_hash, "expires_at": expires_at})


def forget_nonces(connection: sa.Connection, now: str) -> None:
    """Those that would not be good any more."""
    connection.execute(acme_nonces.delete().where(acme_nonces.c.expires_at <= now))


def nonce_key(connection: sa.Connection) -> str | None:
    """The sealed key of nonces; None before the first time."""
    found: str | None = connection.execute(sa.select(acme_nonce_key.c.key_sealed)).scalar()
    return found


def set_nonce_key(connection: sa.Connection, key_sealed: str) -> None:
    """Keeps it, once."""
    connection.execute(acme_nonce_key.insert(), {"id": 1, "key_sealed": key_sealed})
