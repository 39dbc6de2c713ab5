# SPDX-License-Identifier: Apache-2.0
"""The same command gets the same answer: replies stored under the command's id (ARCHITECTURE.md §3.6)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventstore import driver
from shared.eventstore.database import Database

_json = msgspec.json.Encoder(order="deterministic")


class Replies:
    """The commands table of one service."""

    def __init__(self, database: Database) -> None:
        self._select = database.sql("SELECT fingerprint, reply FROM commands WHERE command_id = ?")
        self._insert = database.sql("INSERT INTO commands (command_id, fingerprint, reply, at) VALUES (?, ?, ?, ?)")
        self._prune = database.sql("DELETE FROM commands WHERE at < ?")

    def find(self, connection: sa.Connection, command_id: str, fingerprint: str) -> str | None:
        """The stored reply (JSON), None when the command is new. Raises ServiceError `idempotency_mismatch`."""
        found = driver.rows(connection, self._select, (command_id,))
        if not found:
            return None
        if found[0][0] != fingerprint:
            raise ServiceError(Code.IDEMPOTENCY_MISMATCH, "This key was used before, for another request.")
        return str(found[0][1])

    def store(self, connection: sa.Connection, command_id: str, fingerprint: str, reply: Any, at: str) -> None:
        """Keeps the reply. Fails on the primary key when the same command ran at the same time."""
        driver.change(connection, self._insert, (command_id, fingerprint, _json.encode(reply).decode(), at))

    def prune(self, connection: sa.Connection, before: str) -> None:
        """Forgets replies given before a moment (RFC 3339 text); keep them longer than anybody retries (24 h)."""
        connection.exec_driver_sql(self._prune, (before,))


def fingerprint(request: Any, context: Context) -> str:
    """SHA-256 (hex) over who asks for what: the same id with another fingerprint is a mistake of the caller."""
    method = f"{type(request).__name__}\n{context.account_id or ''}\n".encode()
    return hashlib.sha256(method + _json.encode(request)).hexdigest()


def restore(reply: str, request: Any) -> Any:
    """The reply as the request's own reply type, or as plain JSON values when the request names none."""
    expected = getattr(request, "REPLY", None)
    return msgspec.json.decode(reply, type=Any if expected is None else expected)
