# SPDX-License-Identifier: Apache-2.0
"""Bringing a service's tables to the form that this code expects, or refusing with the reason.

Each service keeps its revisions in `services/<service>/migrations/rev_<number>_<what>.py`, applied in one transaction
by Alembic without an ini file. Forward only: the way back is the backup. The revision in force is in `schema_version`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql.base import ischema_names

from shared.eventstore import tables
from shared.eventstore.database import Database
from shared.eventstore.grants import grant_service_role
from shared.eventstore.projections import Projections

VERSION_TABLE = "schema_version"
LOCK_ID = 0x43657274  # one key for all services is enough: the schemas are small and migrations rare


ischema_names["xid8"] = tables.Xid8  # SQLAlchemy reflects it as unknown otherwise, with a warning


class SchemaTooNewError(RuntimeError):
    """The data was written by a later version of Certwright; this one would misread it."""


def folder_of(service: str) -> Path | None:
    """Where a service keeps its revisions; None when it has none."""
    try:
        found = importlib.util.find_spec(f"services.{service}.migrations")
    except ModuleNotFoundError:
        return None
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations)))
    return folder if any(folder.glob("rev_*.py")) else None


def upgrade(database: Database, projections: Projections, folder: Path | None = None) -> str | None:
    """Brings the tables to the newest revision and returns it; safe when several processes start at once.

    A service without revisions gets its tables as they are declared, and None is returned. Raises SchemaTooNewError.
    """
    folder = folder or folder_of(database.service)
    owner = database.owner()
    try:
        if folder is None:
            owner.create_all(projections.metadata, projections.state)
            return None
        revision = _run(owner, ScriptDirectory(str(folder), version_locations=[str(folder)]))
        if owner is not database:
            grant_service_role(owner, str(database.engine.url.username))
        return revision
    finally:
        if owner is not database:
            owner.close()


def current_revision(database: Database) -> str | None:
    """The revision of the data; None for an empty database."""
    with database.read() as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _run(database: Database, scripts: ScriptDirectory) -> str:
    database.create_schema()
    newest = scripts.get_current_head()
    if newest is None:
        raise RuntimeError(f"{database.service}: no revision found in {scripts.dir}")

    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # as alembic.command does

    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_ID})")
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "fn": steps})
        _refuse_newer(database.service, scripts, context.get_current_heads())
        with Operations.context(context):
            context.run_migrations()
    return newest


def _refuse_newer(service: str, scripts: ScriptDirectory, revisions: tuple[str, ...]) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    for revision in revisions:
        if revision not in known:
            raise SchemaTooNewError(
                f"The data of {service} is at revision {revision}; this Certwright knows {max(known)} at most."
                f" Start a version as new as the one that wrote it, or restore a backup from before that."
            )


def differences(database: Database, projections: Projections) -> list[Any]:
    """What the tables lack or have too much against their declaration; empty when the revisions are complete."""
    with database.read() as connection:
        return list(compare_metadata(_comparing(connection), _declared(projections)))


def write_revision(service: str, projections: Projections, message: str, folder: Path) -> Path | None:
    """Writes the revision that leads from the newest one to the declared tables; None when nothing changed.

    Read it before it is committed: a rename looks like a removal and an addition.
    """
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "__init__.py"
    if not package.exists():
        package.write_text(f'{SPDX}"""Revisions of the tables of {service}, applied in order."""\n')
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder)])
    database = Database.memory(service)
    try:
        if scripts.get_current_head() is not None:
            _run(database, scripts)
        with database.write() as connection:
            first = scripts.get_current_head() is None
            if first:
                tables.metadata.create_all(connection)
            produced = produce_migrations(_comparing(connection), _declared(projections))
            operations = produced.upgrade_ops
            if operations is None or (operations.is_empty() and not first):
                return None
            body = render_python_code(
                operations, render_as_batch=not first, render_item=_render, migration_context=_comparing(connection)
            )
    finally:
        database.close()
    return _write(folder, scripts.get_current_head(), message, body, first=first)


SPDX = "# SPDX-License-Identifier: Apache-2.0\n"


def _write(folder: Path, previous: str | None, message: str, body: str, *, first: bool) -> Path:
    number = f"{int(previous or 0) + 1:04d}"
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    lines = [line.removeprefix("    ") for line in body.splitlines() if not line.strip().startswith("# ###")]
    if first:
        lines = ["store.version_1(op)", *(line for line in lines if line.strip() != "pass")]
    code = "\n".join(f"    {line}" if line.strip() else "" for line in lines)
    imports = [
        "import sqlalchemy as sa\n" if "sa." in code else "",
        "from alembic import op\n",
        "\nfrom shared.eventstore import schema as store\n" if "store." in code else "",
        "\nfrom shared.eventstore import tables\n" if "tables." in code else "",
    ]
    text = (
        f'{SPDX}"""{message}."""\n\nfrom __future__ import annotations\n\n{"".join(imports)}\n'
        f'revision = "{number}"\ndown_revision = {previous!r}\n\n\n'
        f'def upgrade() -> None:\n    """Apply."""\n{code}\n'
    ).replace("'", '"')
    path = folder / f"rev_{number}_{slug}.py"
    path.write_text(text)
    return path


def _declared(projections: Projections) -> sa.MetaData:
    merged = sa.MetaData()
    for metadata in (tables.metadata, projections.metadata, projections.state):
        for table in metadata.sorted_tables:
            table.to_metadata(merged)
    return merged


def _comparing(connection: sa.Connection) -> MigrationContext:
    options: dict[str, Any] = {
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "compare_server_default": False,
        "include_object": _comparable,
    }
    return MigrationContext.configure(connection, opts=options)


def _comparable(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    return not (kind == "table" and name == VERSION_TABLE) and not (kind == "index" and name == "events_log")


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, tables.Xid8):
        return "tables.Xid8()"
    return False


def projections_of(service: str) -> Projections:
    """The `projections` of `services.<service>.projections`, by the convention that every service follows."""
    found = importlib.import_module(f"services.{service}.projections").projections
    if not isinstance(found, Projections):
        raise TypeError(f"services.{service}.projections.projections is no Projections")
    return found
