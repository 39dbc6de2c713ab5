# SPDX-License-Identifier: Apache-2.0
"""The command line: `certwright --help`. Commands live in `certwright/commands/`, one module each."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

app = typer.Typer(
    name="certwright",
    help="Buy, validate, issue, install, watch and renew TLS certificates on your own server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Modules of certwright/commands whose `register(app)` adds a command.
COMMANDS: tuple[str, ...] = ("connection", "orders", "dead_letters", "history", "cluster", "migration")


@app.command()
def serve() -> None:
    """Run everything in this process: all services and the gateway."""
    from certwright.serve import everything, run
    from shared.settings import Settings

    raise typer.Exit(run(everything(), Settings()))


@app.command()
def service(names: Annotated[list[str], typer.Argument(help="rooms, such as orders, or gateway")]) -> None:
    """Run some services in this process; others run elsewhere on the same broker."""
    from certwright.rooms import GATEWAY, ROOMS
    from certwright.serve import run
    from shared.settings import Settings

    unknown = [name for name in names if name not in {*ROOMS, GATEWAY}]
    if unknown:
        raise typer.BadParameter(f"no such service: {', '.join(unknown)}. There are {', '.join([*ROOMS, GATEWAY])}.")
    raise typer.Exit(run(names, Settings()))


@app.command()
def version() -> None:
    """Print the version."""
    from shared.runtime.version import running_version

    typer.echo(running_version())


for _name in COMMANDS:
    importlib.import_module(f"certwright.commands.{_name}").register(app)
