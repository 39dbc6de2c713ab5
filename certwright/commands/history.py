# SPDX-License-Identifier: Apache-2.0
"""`certwright verify` and `certwright rebuild`: proof that history is whole, and read models folded from it anew.

Both work on the databases of the settings (DATABASE_URL or the data folder), while services run or not.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from certwright.commands.output import FAILED, JSONOption, console, errors, print_json, print_table
from certwright.rooms import ROOMS
from shared.clock import RandomIds, SystemClock
from shared.eventstore import rebuild as folding
from shared.eventstore import verify as proving
from shared.eventstore.database import Database
from shared.eventstore.migrations import projections_of
from shared.eventstore.room import Room
from shared.settings import Settings

ServiceOption = Annotated[list[str] | None, typer.Option("--service", help="Only this service; may be repeated.")]


def room_of(name: str, settings: Settings) -> tuple[Room, Sequence[proving.Check]]:
    """A service's room without the service, and the service's own checks of its history."""
    _refuse_missing(name, settings)
    importlib.import_module(f"shared.contracts.{name}")  # its events, whether or not the room itself imports them
    # Not by the room's own `build`: that makes keys and the like where it finds none, and a look changes nothing.
    room = Room(name, Database.open(name, settings), projections_of(name), clock=SystemClock(), ids=RandomIds())
    return room, getattr(importlib.import_module(f"services.{name}.bootstrap"), "CHECKS", ())


def verify(service: ServiceOption = None, as_json: JSONOption = False) -> None:
    """Prove that history is whole: hash chains, gapless versions, seals, ledger sums. Exit code 1 when it is not."""
    settings = Settings()
    reports = []
    for name in _chosen(service):
        room, checks = room_of(name, settings)
        reports.append(proving.verify(room.database, checks))
    ok = all(report.ok for report in reports)
    if as_json:
        print_json({"ok": ok, "services": [_plain(report) | {"ok": report.ok} for report in reports]})
    else:
        print_table(
            ("Service", "Streams", "Events", "Faults"),
            [(r.service, r.streams, r.events, len(r.faults) or "none") for r in reports],
            empty="No service.",
        )
        for report in reports:
            for fault in report.faults:
                console.print(f"{report.service} {fault.stream} {fault.version or ''}: {fault.problem}", markup=False)
        console.print(
            "History is whole." if ok else "[red]History is not whole: restore a backup, and find out why.[/]"
        )
    if not ok:
        raise typer.Exit(FAILED)


def rebuild(
    service: ServiceOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare with the live read models; change nothing.")
    ] = False,
    as_json: JSONOption = False,
) -> None:
    """Fold every read model from the events and put it in place; --check only compares (exit code 1 if they differ)."""
    settings = Settings()
    rooms = [room_of(name, settings)[0] for name in _chosen(service)]
    if not check:
        folded = {room.service: folding.rebuild(room) for room in rooms}
        if as_json:
            print_json({"folded": folded})
        else:
            print_table(("Service", "Events folded"), folded.items(), empty="No service.")
        return
    found = [folding.check(room) for room in rooms]
    equal = all(one.equal for one in found)
    if as_json:
        print_json({"equal": equal, "services": [_plain(one) | {"equal": one.equal} for one in found]})
    else:
        print_table(
            ("Service", "Events", "Rows", "Differences"),
            [(one.service, one.events, one.rows, len(one.differences) or "none") for one in found],
            empty="No service.",
        )
        for one in found:
            for difference in one.differences:
                console.print(f"{one.service}.{difference.table}: {difference.kind} {difference.row}", markup=False)
    if not equal:
        raise typer.Exit(FAILED)


def _refuse_missing(name: str, settings: Settings) -> None:
    """A look must not make an empty database where there is none."""
    file = settings.data_dir / f"{name}.sqlite3"
    if settings.database_url or file.is_file():
        return
    folder = settings.data_dir.resolve()
    errors.print(f"There is no data of {name} in {folder}. Set CERTWRIGHT_DATA_DIR or DATABASE_URL.", markup=False)
    raise typer.Exit(FAILED)


def _chosen(service: list[str] | None) -> tuple[str, ...]:
    unknown = [name for name in service or [] if name not in ROOMS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: not one of {', '.join(ROOMS)}")
    return tuple(service or ROOMS)


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(struct)
    return plain


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(verify)
    app.command()(rebuild)
