# SPDX-License-Identifier: Apache-2.0
"""`certwright migration`: writes the revision that leads from a service's last one to its tables as declared now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[2]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(hidden=True)(migration)


def migration(
    service: Annotated[str, typer.Argument(help="the service whose tables changed")],
    message: Annotated[str, typer.Argument(help="what changes, in a few words")],
) -> None:
    """Write a database migration for a service (for developers; read it before you commit it)."""
    from certwright.deployment import SERVICES
    from shared.eventstore.migrations import projections_of, write_revision

    if service not in SERVICES:
        raise typer.BadParameter(f"no such service: {service}. There are {', '.join(SERVICES)}.")
    folder = ROOT / "services" / service / "migrations"
    path = write_revision(service, projections_of(service), message, folder)
    typer.echo(str(path) if path else f"The tables of {service} are as its last revision leaves them.")
