# SPDX-License-Identifier: Apache-2.0
"""`certwright dead-letters`: work that failed too often and waits for an operator."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from certwright.api_client import APIClient, ProblemError
from certwright.commands.connection import URLOption, connect
from certwright.commands.output import JSONOption, console, print_json, print_table, problems_to_exit_codes
from certwright.rooms import ROOMS

app = typer.Typer(help="Parked events and jobs: list, show, replay, discard (operators only).", no_args_is_help=True)

Letter = Annotated[str, typer.Argument(metavar="ID", help="As shown by `list`.")]
ServiceOption = Annotated[str | None, typer.Option("--service", help="Only this service.")]


@app.command("list")
@problems_to_exit_codes
def list_letters(service: ServiceOption = None, url: URLOption = None, as_json: JSONOption = False) -> None:
    """List what is parked, newest first, of all services or one."""
    api = connect(url)
    found = [row for name in _services(service) for row in api.pages(_path(name), most=1000)]
    if as_json:
        print_json(found)
        return
    print_table(
        ("Id", "Service", "Kind", "Name", "Subject", "Tries", "Last failed", "Error"),
        [
            (
                row["id"],
                row["service"],
                row["source"],
                row["name"],
                row["subject"],
                row["attempts"],
                row["last_failed_at"][:19],
                row["error"].strip().splitlines()[-1] if row["error"].strip() else "",
            )
            for row in found
        ],
        empty="Nothing is parked.",
    )


@app.command("show")
@problems_to_exit_codes
def show(letter: Letter, service: ServiceOption = None, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Show one with its payload and the last error."""
    _, found = _find(connect(url), letter, service)
    if as_json:
        print_json(found)
        return
    console.print(f"[bold]{found['name']}[/bold] of {found['service']}, tried {found['attempts']} times")
    console.print(found["error"], markup=False)
    console.print_json(data=found["payload"])


@app.command("replay")
@problems_to_exit_codes
def replay(letter: Letter, service: ServiceOption = None, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Put it back to work at once."""
    _act(connect(url), letter, service, "replay", as_json=as_json)


@app.command("discard")
@problems_to_exit_codes
def discard(
    letter: Letter,
    service: ServiceOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Give it up for good."""
    if not yes:
        typer.confirm("Its effect will never happen. Discard it?", abort=True)
    _act(connect(url), letter, service, "discard", as_json=as_json)


def _act(api: APIClient, letter: str, service: str | None, action: str, *, as_json: bool) -> None:
    name, _ = _find(api, letter, service)
    api.post(f"{_path(name)}/{letter}/{action}")
    if as_json:
        print_json({"id": letter, "service": name, "action": action})
    else:
        console.print(f"{action.capitalize()}ed {letter} of {name}.")


def _find(api: APIClient, letter: str, service: str | None) -> tuple[str, dict[str, Any]]:
    for name in _services(service):
        try:
            return name, api.get(f"{_path(name)}/{letter}")
        except ProblemError as problem:
            if problem.status != 404:
                raise
    raise ProblemError(404, {"detail": f"Nothing parked has the id {letter}."})


def _services(service: str | None) -> tuple[str, ...]:
    if service is None:
        return ROOMS
    if service not in ROOMS:
        raise typer.BadParameter(f"{service} is not one of {', '.join(ROOMS)}")
    return (service,)


def _path(service: str) -> str:
    return f"/operator/services/{service}/dead-letters"


def register(root: typer.Typer) -> None:
    """Adds the commands."""
    root.add_typer(app, name="dead-letters")
