# SPDX-License-Identifier: Apache-2.0
"""`certwright check`: what an endpoint serves, what is to be thought of it, and how to mend it. Needs no server."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from certwright.commands.output import JSONOption, console, errors, print_json, print_table
from shared.checker.ct_logs import Log, LogsUnreadableError, load_logs
from shared.checker.evidence import Lists
from shared.checker.judge import judge
from shared.checker.others import open_others
from shared.checker.trust import Store, StoreUnreadableError, load_store
from shared.checker.verdict import SEVERITIES, Row, Verdict
from shared.checker.weak_key_list import WeakKeys, WeakKeysUnreadableError, load_weak_keys
from shared.egress.settings import EgressSettings
from shared.egress.target import TargetRefusedError, read_host
from shared.probe.starttls import DEFAULT_PORTS, STARTTLS
from shared.probe.survey import Survey
from shared.probe.surveying.surveyor import survey

BAD_INPUT, UNREACHABLE, FOUND = 2, 3, 1
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim", "good": "green"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(check)


def check(
    host: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="An FQDN or an IP address.")],
    basic: Annotated[bool, typer.Option("--basic", help="Certificate and trust only: one or two handshakes.")] = False,
    starttls: Annotated[str, typer.Option(help=f"{', '.join(STARTTLS)}; by itself at their usual ports.")] = "",
    sni: Annotated[str, typer.Option(help="Ask for this name instead of HOST.")] = "",
    address: Annotated[str, typer.Option(help="Dial this IP address instead of what HOST resolves to.")] = "",
    trust_store: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Roots in PEM to ask beside Mozilla's, as often as you like."),
    ] = None,
    ct_logs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known CT logs, as in the public log_list.json: verifies stamps."),
    ] = None,
    weak_keys: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Lists of Debian's weak keys: files or folders of openssl-vulnkey."),
    ] = None,
    others: Annotated[
        bool, typer.Option(help="Ask the CA's OCSP responder and CRL, and the DNS for CAA records.")
    ] = True,
    fail_on: Annotated[str, typer.Option(help=f"End with 1 from this severity on: {', '.join(SEVERITIES)}.")] = "high",
    web: Annotated[bool, typer.Option(help="Ask for the page / and look at its headers.")] = True,
    as_json: JSONOption = False,
) -> None:
    """Check an endpoint: certificate, trust, protocols, cipher suites, known holes, and how to cure what is wrong.

    Ends with 0 when all is well, 1 when something is at least as grave as --fail-on, 2 for bad input, 3 when the
    endpoint does not speak TLS.
    """
    name, port = _endpoint(host)
    if fail_on not in SEVERITIES:
        raise typer.BadParameter(f"say one of {', '.join(SEVERITIES)}", param_hint="--fail-on")
    protocol = starttls or DEFAULT_PORTS.get(port, "")
    if protocol not in ("", *STARTTLS):
        raise typer.BadParameter(f"say one of {', '.join(STARTTLS)}", param_hint="--starttls")
    stores = [_store(text) for text in trust_store or ()]
    lists = Lists(logs=_logs(ct_logs), weak_keys=_weak_keys(weak_keys))
    dialled = address or _resolve(name, port)
    asked = sni or ("" if _is_address(name) else name)
    seen = _look(dialled, port, asked, protocol, depth="basic" if basic else "advanced", web=web)
    asked_too = open_others(EgressSettings(), anywhere=True) if others else None
    with errors.status("Asking the CA and the DNS") if others and not seen.failure else nullcontext():
        verdict = judge(seen, at=datetime.now(UTC), stores=stores, lists=lists, others=asked_too)
    if as_json:
        print_json({"survey": seen.to_json(), "verdict": verdict.to_json()})
    else:
        _print(name, seen, verdict)
    if seen.failure:
        raise typer.Exit(UNREACHABLE)
    if SEVERITIES.index(verdict.worst) <= SEVERITIES.index(fail_on):
        raise typer.Exit(FOUND)


def _endpoint(text: str) -> tuple[str, int]:
    host, port = text, "443"
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{port} is not a port: write HOST:443", param_hint="HOST[:PORT]")
    try:
        return read_host(host), int(port)
    except TargetRefusedError as error:
        raise typer.BadParameter(error.detail, param_hint="HOST[:PORT]") from None


def _resolve(name: str, port: int) -> str:
    try:
        return str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        errors.print(f"{name} has no address: {error.strerror}. Give one with --address.", style="red", markup=False)
        raise typer.Exit(UNREACHABLE) from None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _store(text: str) -> Store:
    name, _, path = text.partition("=")
    if not name or not path:
        raise typer.BadParameter("write NAME=FILE, such as Company=roots.pem", param_hint="--trust-store")
    try:
        return load_store(name, Path(path))
    except (OSError, StoreUnreadableError) as error:
        raise typer.BadParameter(str(error), param_hint="--trust-store") from None


def _logs(path: Path | None) -> dict[bytes, Log] | None:
    try:
        return load_logs(path) if path else None
    except (OSError, LogsUnreadableError) as error:
        raise typer.BadParameter(str(error), param_hint="--ct-logs") from None


def _weak_keys(paths: list[Path] | None) -> WeakKeys | None:
    try:
        return load_weak_keys(paths) if paths else None
    except (OSError, WeakKeysUnreadableError) as error:
        raise typer.BadParameter(str(error), param_hint="--weak-keys") from None


def _look(address: str, port: int, name: str, starttls: str, *, depth: str, web: bool) -> Survey:
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(f"{address}:{port}", total=None)

        def show(done: int, planned: int, what: str) -> None:
            bar.update(task, completed=done, total=planned, description=what)

        plain = 80 if web and port == 443 else 0
        return survey(
            address, port, server_name=name, starttls=starttls, depth=depth, web=web, plain_port=plain, progress=show
        )


def _said(row: Row) -> str:
    if not row.checked:
        return f"not checked: {row.reason}"
    return f"{row.value} ({row.reason})" if row.reason else row.value


def _print(name: str, seen: Survey, verdict: Verdict) -> None:
    if seen.failure:
        errors.print(
            f"{name} at {seen.address}:{seen.port}: {seen.failure_detail or seen.failure}", style="red", markup=False
        )
        return
    letter = f"Grade {verdict.grade.letter}" if verdict.grade.letter else "No grade"
    console.print(f"{name} at {seen.address}:{seen.port}   {letter}", style="bold", markup=False)
    console.print(verdict.grade.words, markup=False)
    console.print()
    print_table(
        ("Certificate", ""),
        [(row.label, _said(row)) for row in verdict.rows],
        empty="No certificate was shown.",
    )
    if seen.depth == "advanced":
        console.print()
        print_table(
            ("Protocol", "", "Cipher suites"),
            [
                (protocol, {True: "offered", False: "no", None: "not checked"}[offer.offered], ", ".join(offer.suites))
                for protocol, offer in seen.protocols.items()
            ],
            empty="No protocol was looked at.",
        )
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for finding in verdict.findings:
        words = Text(finding.text)
        for server, line in finding.cures.items():
            words.append(f"\n{server}: {line}", style="dim")
        table.add_row(Text(finding.severity, style=_COLOURS[finding.severity]), words)
    console.print(table)
    if verdict.not_checked:
        console.print(
            "\nNot checked: " + "; ".join(f"{row.label} ({row.reason})" for row in verdict.not_checked), markup=False
        )
