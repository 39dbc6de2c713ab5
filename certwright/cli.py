# SPDX-License-Identifier: Apache-2.0
"""The command line: `certwright --help`. Commands live in `certwright/commands/`, one module each."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shared.settings import Settings

app = typer.Typer(
    name="certwright",
    help="Buy, validate, issue, install, watch and renew TLS certificates on your own server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Modules of certwright/commands whose `register(app)` adds a command.
COMMANDS: tuple[str, ...] = (
    "connection",
    "orders",
    "replace",
    "preflight",
    "acme",
    "scan",
    "check",
    "dead_letters",
    "history",
    "cluster",
    "ca",
    "migration",
    "settings",
)


@app.command()
def serve() -> None:
    """Run everything in this process: all services and the gateway."""
    from certwright.serve import everything, run

    raise typer.Exit(run(everything(), _settings()))


@app.command()
def service(names: Annotated[list[str], typer.Argument(help="rooms, such as orders, or gateway")]) -> None:
    """Run some services in this process; others run elsewhere on the same broker."""
    from certwright.rooms import GATEWAY, ROOMS
    from certwright.serve import run

    unknown = [name for name in names if name not in {*ROOMS, GATEWAY}]
    if unknown:
        raise typer.BadParameter(f"no such service: {', '.join(unknown)}. There are {', '.join([*ROOMS, GATEWAY])}.")
    raise typer.Exit(run(names, _settings()))


@app.command()
def version() -> None:
    """Print the version."""
    from shared.runtime.version import running_version

    typer.echo(running_version())


def _settings() -> Settings:
    """The settings of this process; says in one line each what is wrong with them, and ends with status 2."""
    from pydantic import ValidationError

    from shared.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        for each in error.errors():
            where = "_".join(str(part) for part in each["loc"]).upper()
            typer.echo(f"{where + ': ' if where else ''}{each['msg'].removeprefix('Value error, ')}", err=True)
        raise typer.Exit(2) from None


for _name in COMMANDS:
    importlib.import_module(f"certwright.commands.{_name}").register(app)
