# SPDX-License-Identifier: Apache-2.0
"""`certwright scan`: finds the certificates of a network from this machine, without a server of ours."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from certwright.commands.output import console, errors, print_table

if TYPE_CHECKING:
    from certwright.commands.scan_rows import Row
    from shared.probe.sweep import Progress, Sweep
    from shared.probe.targets import Targets

SOMETHING_WRONG, BAD_INPUT = 1, 2
_IN_FLIGHT = 1000


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(scan)


def scan(
    targets: Annotated[
        list[str],
        typer.Argument(metavar="TARGET...", help="10.0.0.0/24, 10.0.0.1-50, '10.0.0.0 255.255.255.0', a host name."),
    ],
    ports: Annotated[str, typer.Option(help="Such as 443,8443,9000-9010.")] = "443",
    exclude: Annotated[list[str] | None, typer.Option(help="What to leave out; forms as those of TARGET.")] = None,
    rate: Annotated[float, typer.Option(min=0, help="New connections a second at most; 0 for no limit.")] = 0,
    starttls: Annotated[
        str | None, typer.Option(help="smtp, imap, pop3, ftp, ldap, postgresql, mysql or none; by port otherwise.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as they are found.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Rows for a spreadsheet, as they are found.")] = False,
    expiring: Annotated[int, typer.Option(min=0, metavar="DAYS", help="Mind what expires within so many days.")] = 30,
    timeout: Annotated[float, typer.Option(min=0.05, max=120, help="Seconds for a connection, and for an answer.")] = 4,
    syn: Annotated[
        bool, typer.Option("--syn", help="Find who is there by SYNs of our own; needs CAP_NET_RAW.")
    ] = False,
) -> None:
    """Find certificates in a network. Exit code 1 when one is expired or expires soon, 2 when the input is wrong.

    A certificate is read from the open beginning of the handshake; "unauthenticated" marks those for which the server
    was not made to prove that it has the key.
    """
    from certwright.commands.scan_rows import Row
    from shared.probe.chain import Chain
    from shared.probe.loop import Limits
    from shared.probe.sweep import Sweep
    from shared.probe.targets import TargetError

    try:
        meant, unresolved = _meant(targets, ports, exclude or [], starttls)
    except TargetError as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(BAD_INPUT) from None
    write = _json_line if as_json else _csv_writer() if as_csv else None
    now = datetime.now(UTC)
    rows: list[Row] = []
    wrong = 0
    limits = Limits(in_flight=_IN_FLIGHT, connect_s=timeout, talk_s=timeout, rate=rate)
    with _showing_progress() as show:
        sweep = Sweep(meant.endpoints(), total=meant.count, limits=limits, syn=syn, each_turn=lambda: show(sweep))
        if syn and not sweep.by_syn:
            errors.print("No right to send SYNs (CAP_NET_RAW): every address is connected to instead.", style="yellow")
        with _stopped_by_interrupt(sweep) as interrupted:
            for sighting in sweep.run():
                if isinstance(sighting.outcome, Chain):
                    row = Row.of(sighting, sighting.outcome, now)
                    wrong += row.ends_within(expiring)
                    if write:
                        write(row)
                    else:
                        rows.append(row)
    progress = sweep.progress()
    if write is None:
        _print_rows(rows, expiring)
    _print_summary(progress, unresolved, as_json=as_json, interrupted=bool(interrupted))
    raise typer.Exit(SOMETHING_WRONG if wrong else 0)


def _meant(
    typed: Sequence[str], ports: str, exclude: Sequence[str], starttls: str | None
) -> tuple[Targets, dict[str, str]]:
    """The targets with the addresses of names, and why names have none. Raises TargetError."""
    from shared.probe.starttls import STARTTLS
    from shared.probe.targets import NO_STARTTLS, TargetError, read_targets

    if starttls not in {None, "none", *STARTTLS}:
        raise TargetError(str(starttls), f"STARTTLS protocols are {', '.join(STARTTLS)}, or none")
    found = read_targets(typed, ports, exclude, starttls=NO_STARTTLS if starttls == "none" else starttls)
    answers: dict[str, list[str]] = {}
    unresolved: dict[str, str] = {}
    for name in (*found.names, *found.excluded_names):
        try:
            answers[name] = [str(one[4][0]) for one in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]
        except OSError as error:
            unresolved[name] = error.strerror or str(error)
    for name in found.excluded_names:
        if name in unresolved:  # to leave it in might scan what must not be scanned
            raise TargetError(name, f"the exclusion does not resolve: {unresolved[name]}")
    return found.resolved(answers), unresolved


def _json_line(row: Row) -> None:
    sys.stdout.write(json.dumps(row.plain(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _csv_writer() -> Callable[[Row], None]:
    from certwright.commands.scan_rows import HEADINGS
    from gateway.spreadsheet import line

    def write(row: Row) -> None:
        sys.stdout.write(line(row.cells()))
        sys.stdout.flush()

    sys.stdout.write(line(HEADINGS))
    return write


def _print_rows(rows: list[Row], expiring: int) -> None:
    from rich.markup import escape
    from rich.text import Text

    rows.sort(key=lambda row: row.order)
    print_table(
        ("Endpoint", "Name", "Issuer", "Until", "Key", "Protocol", "Proof"),
        [
            (
                escape(row.endpoint),
                escape(row.name),
                escape(row.issuer),
                f"[red]{row.until}[/red]" if row.ends_within(expiring) else row.until,
                escape(row.key),
                row.protocol,
                "" if row.proved else "unauthenticated",
            )
            for row in rows
        ],
        empty="No certificate was found.",
    )
    several = len(rows) - len({row.sha256 for row in rows})
    if several:
        console.print(Text(f"{len(rows)} places, {len(rows) - several} different certificates."))


def _print_summary(progress: Progress, unresolved: dict[str, str], *, as_json: bool, interrupted: bool) -> None:
    if as_json:
        summary: dict[str, Any] = {
            "endpoints": progress.total,
            "done": progress.ended,
            "found": progress.found,
            "failures": progress.failures,
            "unresolved": unresolved,
            "stopped": interrupted,
        }
        sys.stdout.write(json.dumps({"summary": summary}, ensure_ascii=False) + "\n")
        return
    failures = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in progress.failures.items())
    counted = f"{progress.ended:,} of {progress.total:,} endpoints, {progress.found:,} with a certificate"
    errors.print(f"{counted}{'; ' + failures if failures else ''}.", markup=False, highlight=False)
    for name, why in unresolved.items():
        errors.print(f"{name}: {why}", style="yellow", markup=False)
    if interrupted:
        errors.print("Stopped before the end.", style="yellow")


@contextmanager
def _stopped_by_interrupt(sweep: Sweep) -> Iterator[list[int]]:
    """Ctrl-C ends the sweep instead of the program; the list that is given then holds the signal."""
    seen: list[int] = []

    def end(number: int, _frame: object) -> None:
        seen.append(number)
        sweep.stop()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _showing_progress() -> Iterator[Callable[[Sweep], None]]:
    """A bar on standard error with rate and time left, where that is a terminal."""
    if not errors.is_terminal:
        yield lambda _sweep: None
        return
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[found]} found  {task.fields[pace]}"))
    with Progress(*columns, console=errors, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None, found=0, pace="")
        shown = 0.0

        def show(sweep: Sweep) -> None:
            nonlocal shown
            if time.monotonic() - shown < 0.2:
                return
            shown = time.monotonic()
            at = sweep.progress()
            left = "" if at.seconds_left is None else f", {at.seconds_left:,.0f} s left"
            pace = f"{at.rate:,.0f}/s{left}"
            bar.update(task, total=at.total, completed=at.ended, found=at.found, pace=pace, refresh=True)

        yield show
