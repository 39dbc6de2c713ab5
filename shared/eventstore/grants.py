# SPDX-License-Identifier: Apache-2.0
"""What the role of a service may do on PostgreSQL: everything with its tables, except to change history."""

from __future__ import annotations

import re

import sqlalchemy as sa

from shared.eventstore.database import Database

SQL_NAME = re.compile(r"[a-z_][a-z0-9_$]{0,62}")


def grant_service_role(owner: Database, role: str) -> None:
    """Gives `role` its rights on the service's schema; run by the owner after every migration.

    On `events` that is SELECT and INSERT only: no UPDATE, DELETE or TRUNCATE, and no right to drop the trigger.
    Raises ValueError when `role` is not a plain SQL name, or is the owner itself.
    """
    if not SQL_NAME.fullmatch(role):
        raise ValueError(f"not a plain role name: {role!r}")
    schema = owner.service
    with owner.write() as connection:
        if connection.exec_driver_sql("SELECT current_user").scalar() == role:
            raise ValueError(f"the role {role} owns the tables: run the service as another one")
        for statement in _statements(schema, role):
            connection.exec_driver_sql(statement)


def _statements(schema: str, role: str) -> tuple[str, ...]:
    return (
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES ON {schema}.events FROM {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {schema}.seals FROM {role}",
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {schema}.schema_version FROM {role}",
    )


def may_change_history(connection: sa.Connection) -> bool:
    """Whether the connected role could update, delete or truncate events: the trigger alone then guards them."""
    rights = " OR ".join(f"has_table_privilege('events', '{right}')" for right in ("UPDATE", "DELETE", "TRUNCATE"))
    return bool(connection.exec_driver_sql(f"SELECT {rights}").scalar())
