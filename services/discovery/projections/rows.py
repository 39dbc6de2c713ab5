# SPDX-License-Identifier: Apache-2.0
"""A certificate of the inventory as rows of the tables that hold it, and statements that write many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from services.discovery.model.sighting import Sighting, form_of
from services.discovery.tables import certificate_bytes, certificate_words, certificates
from shared.eventstore import driver

_CERTIFICATE = (
    *("account_id", "fingerprint", "serial", "common_name", "names", "subject", "issuer", "not_before", "not_after"),
    *("form", "key_algorithm", "own", "order_id", "first_seen_at", "last_seen_at", "brand", "level", "spki"),
    "self_signed",
)
_WORDS = ("account_id", "fingerprint", "words")
_BYTES = ("account_id", "fingerprint", "pem", "chain_pem")
# What is known already stays where a sighting has none; what stands there already is not written again.
_KEEP_BYTES = """ ON CONFLICT (account_id, fingerprint) DO UPDATE SET
    pem = CASE WHEN excluded.pem = '' THEN certificate_bytes.pem ELSE excluded.pem END,
    chain_pem = CASE WHEN excluded.chain_pem = '' THEN certificate_bytes.chain_pem ELSE excluded.chain_pem END
    WHERE excluded.pem NOT IN ('', certificate_bytes.pem)
    OR excluded.chain_pem NOT IN ('', certificate_bytes.chain_pem)"""
_json = msgspec.json.Encoder()


def insert_certificates(
    connection: sa.Connection,
    account_id: str,
    new: Sequence[Sighting],
    at: str,
    *,
    order_id: str | None = None,
) -> None:
    """Takes certificates into the inventory that the account does not know, without their bytes. `order_id` marks them
    as our own."""
    own = order_id is not None
    rows = [
        (
            account_id,
            one.fingerprint,
            one.serial,
            one.common_name,
            _json.encode(one.names).decode(),
            one.subject,
            one.issuer,
            one.not_before,
            one.not_after,
            form_of(one.names),
            one.key_algorithm,
            own,
            order_id or "",
            at,
            at,
            one.brand,
            one.level,
            one.spki,
            one.issuer == one.subject,
        )
        for one in new
    ]
    insert_rows(connection, certificates, _CERTIFICATE, rows)
    said = [(account_id, one.fingerprint, words_of(one.names, one.common_name, one.subject, one.issuer)) for one in new]
    insert_rows(connection, certificate_words, _WORDS, said)


def keep_bytes(connection: sa.Connection, account_id: str, seen: Iterable[tuple[Sighting, str]]) -> None:
    """The bytes of certificates and the PEM of their chains, where they are known."""
    rows = [(account_id, one.fingerprint, one.pem, chain_pem) for one, chain_pem in seen if one.pem or chain_pem]
    insert_rows(connection, certificate_bytes, _BYTES, rows, behind=_KEEP_BYTES)


def words_of(names: Sequence[str], *more: str) -> str:
    """What a certificate is found by."""
    return "\n".join(dict.fromkeys((*names, *more))).lower()


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    behind: str = "",
) -> None:
    """Inserts rows by the driver, all in one go. `columns` are in the table's order, JSON is text already; `behind` is
    what the statement ends with."""
    if rows:
        driver.change_each(connection, _insert(connection.dialect.name, table, columns) + behind, rows)


def upsert(key: Sequence[str], columns: Sequence[str]) -> str:
    """The end of a statement that inserts rows, or writes `columns` over those that are there."""
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET " + ", ".join(f"{one} = excluded.{one}" for one in columns)


@lru_cache
def _insert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> str:
    if [column.name for column in table.c if column.name in columns] != list(columns):
        raise ValueError(f"columns of {table.name} in another order than the table's")
    return marked(dialect, str(sa.insert(table).inline().values({name: sa.literal_column("?") for name in columns})))


def marked(dialect: str, statement: str) -> str:
    """A statement, written with `?`, in the placeholders of a dialect's driver."""
    return statement.replace("?", "%s") if dialect == "postgresql" else statement
