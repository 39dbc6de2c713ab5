# SPDX-License-Identifier: Apache-2.0
"""`certwright replace`: replace many certificates at once, watch it, and name who is late."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from certwright.api_client import APIClient
from certwright.commands.connection import URLOption, connect
from certwright.commands.output import JSONOption, console, print_json, print_table, problems_to_exit_codes

app = typer.Typer(
    help="Replace many certificates at once: by issuer, key type or serial numbers, or all of them.",
    no_args_is_help=True,
)
POLL_S = 1.0
LATE = 2  # exit code of `watch` when it was over without every order done
WORDS = {
    "waiting": "waiting for their turn, or for somebody",
    "making": "key and certificate being made",
    "installing": "being installed",
    "failed": "failed",
    "seen": "seen on the wire",
    "unseen": "issued, not installed by an agent",
    "ended": "revoked or expired meanwhile",
    "withdrawn": "withdrawn",
}

Issuer = Annotated[str, typer.Option(help="Certificates of this issuer, as `preview` names it.")]
KeyType = Annotated[str, typer.Option("--key-type", help="Certificates with this kind of key, such as rsa-2048.")]
Serials = Annotated[list[str] | None, typer.Option("--serial", help="A serial number in hexadecimal; may be repeated.")]
Everything = Annotated[bool, typer.Option("--all", help="Every certificate in use.")]
Operator = Annotated[
    bool, typer.Option("--operator", help="As the operator: certificates of every account, any replacement.")
]
Which = Annotated[str, typer.Argument(metavar="REPLACEMENT", help="Its id, as `list` shows it.")]


@app.command("preview")
@problems_to_exit_codes
def preview(
    issuer: Issuer = "",
    key_type: KeyType = "",
    serial: Serials = None,
    everything: Everything = False,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Say what would be replaced and what cannot be, without doing it. With no option, what there is to choose from."""
    found = connect(url).post("/replacement-previews", _selection(issuer, key_type, serial, everything=everything))
    if as_json:
        print_json(found)
        return
    if not (issuer or key_type or serial or everything):
        for title, rows in (("Issuer", found["issuers"]), ("Key type", found["key_types"])):
            print_table(
                (title, "Certificates"),
                [(row["value"], row["certificates"]) for row in rows],
                empty=f"No certificate in use has a known {title.lower()}.",
            )
        return
    ways = found["by_way"]
    console.print(
        f"[bold]{found['orders']}[/bold] certificates on {found['sites']} sites of {found['servers']} servers: "
        f"{ways['agent']} by agents, {ways['client']} by ACME clients, {ways['hand']} by hand."
    )
    print_table(
        ("Order", "Name", "Serial", "Key", "By", "Sites"),
        [_candidate(row) for row in found["candidates"]],
        empty="Nothing is hit.",
    )
    if found["left_out"]:
        console.print(f"[bold]{found['left_out_total']} cannot be replaced[/bold]")
        print_table(
            ("Order", "Name", "Serial", "Why"),
            [(row["number"] or "–", row["common_name"], row["serial"], row["text"]) for row in found["left_out"]],
            empty="",
        )


@app.command("start")
@problems_to_exit_codes
def start(
    reason: Annotated[str, typer.Option(help="Why, for those who read the history.")],
    issuer: Issuer = "",
    key_type: KeyType = "",
    serial: Serials = None,
    everything: Everything = False,
    exercise: Annotated[bool, typer.Option(help="A drill: the same work, but the old ones are never revoked.")] = False,
    watch_it: Annotated[bool, typer.Option("--watch", help="Stay and show the progress.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    operator: Operator = False,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Replace every certificate that is hit: new key, new certificate, the same sites."""
    api = connect(url)
    selection = _selection(issuer, key_type, serial, everything=everything)
    if not yes:
        found = api.post("/replacement-previews", selection)
        typer.confirm(f"Replace {found['orders']} certificates on {found['sites']} sites?", abort=True, err=True)
    path = "/operator/replacements" if operator else "/replacements"
    made = api.post(path, {**selection, "reason": reason, "exercise": exercise})
    if watch_it:
        made = _watched(api, made["replacement_id"], quiet=as_json)
    _show(made, as_json=as_json)


@app.command("list")
@problems_to_exit_codes
def list_replacements(url: URLOption = None, as_json: JSONOption = False) -> None:
    """List mass replacements, newest first."""
    rows = list(connect(url).pages("/replacements", most=1_000))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Id", "Started", "Status", "Done", "Open", "Why"),
        [
            (
                row["replacement_id"],
                row["started_at"][:16],
                row["status"] + (" (exercise)" if row["exercise"] else ""),
                f"{row['by_state']['seen'] + row['by_state']['unseen']} of {row['orders']}",
                row["open"],
                row["reason"],
            )
            for row in rows
        ],
        empty="Nothing was replaced so. Look what would be: certwright replace preview",
    )


@app.command("show")
@problems_to_exit_codes
def show(which: Which, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Show how far one is, and what is left of its two clocks."""
    _show(connect(url).get(f"/replacements/{which}"), as_json=as_json)


@app.command("watch")
@problems_to_exit_codes
def watch(which: Which, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Show the progress until it is over. Exit code 2 when it was given up."""
    found = _watched(connect(url), which, quiet=as_json)
    _show(found, as_json=as_json)
    if found["status"] != "completed":
        raise typer.Exit(LATE)


@app.command("stragglers")
@problems_to_exit_codes
def stragglers(which: Which, url: URLOption = None, as_json: JSONOption = False) -> None:
    """Name every order that is not done: what it waits for, who must act, and how."""
    rows = list(connect(url).pages(f"/replacements/{which}/orders", most=20_000, state="open"))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Order", "Name", "State", "Who", "What to do"),
        [
            (
                row["number"],
                row["common_name"],
                row["state"],
                ", ".join(dict.fromkeys(each["actor"] for each in row["blocked_on"])),
                " ".join(each["text"] for each in row["blocked_on"]) or row["reason"],
            )
            for row in rows
        ],
        empty="Nobody is late: every order is done.",
    )


def _steering(name: str, action: str, text: str) -> None:
    @app.command(name, help=text)
    @problems_to_exit_codes
    def steer(which: Which, operator: Operator = False, url: URLOption = None, as_json: JSONOption = False) -> None:
        _steer(connect(url), which, {"action": action}, operator=operator, as_json=as_json)


_steering("pause", "pause", "Begin no further order; what was begun goes on.")
_steering("resume", "resume", "Go on.")
_steering("cancel", "cancel", "Give up: what was not begun keeps its certificate.")
_steering("retry", "retry", "Try what failed once more.")


@app.command("revoke-old")
@problems_to_exit_codes
def revoke_old(
    which: Which,
    reason: Annotated[str, typer.Option(help="A reason of RFC 5280, such as keyCompromise.")] = "superseded",
    operator: Operator = False,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Revoke each old certificate whose replacement was seen on the wire, now and as further ones are."""
    body = {"action": "revoke_old", "revocation_reason": reason}
    _steer(connect(url), which, body, operator=operator, as_json=as_json)


def _steer(api: APIClient, which: str, body: dict[str, Any], *, operator: bool, as_json: bool) -> None:
    path = "/operator/replacements" if operator else "/replacements"
    _show(api.post(f"{path}/{which}/actions", body), as_json=as_json)


def _selection(issuer: str, key_type: str, serials: list[str] | None, *, everything: bool) -> dict[str, Any]:
    return {"issuer": issuer, "key_type": key_type, "serials": serials or [], "everything": everything}


def _candidate(row: dict[str, Any]) -> tuple[object, ...]:
    return (row["number"], row["common_name"], row["serial"], row["key_type"], row["way"], len(row["sites"]))


def _watched(api: APIClient, which: str, *, quiet: bool) -> dict[str, Any]:
    """Looks until it is over; a bar on standard error where somebody sees it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("replaced")
        while True:
            found: dict[str, Any] = api.get(f"/replacements/{which}")
            words = [f"{found['by_state'][each]} {each}" for each in ("making", "installing", "failed")]
            done = found["orders"] - found["open"]
            bar.update(task, completed=done, total=found["orders"], description=", ".join(words))
            if found["status"] in {"completed", "cancelled"}:
                return found
            time.sleep(POLL_S)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    kind = "exercise" if found["exercise"] else "replacement"
    console.print(f"[bold]{found['replacement_id']}[/bold]  {kind}, {found['status']}", highlight=False)
    console.print(f"  why        {found['reason']}", markup=False)
    for state, words in WORDS.items():
        if found["by_state"][state]:
            console.print(f"  {found['by_state'][state]:>6}     {words}", highlight=False)
    end = found["last_seen_at"] if found["status"] == "completed" else None
    took = f", the last seen after {_span(found['started_at'], end)}" if end else ""
    console.print(f"  started    {found['started_at'][:19]}Z{took}", highlight=False)
    for hours, name in (("24 hours", "due_24h"), ("5 days", "due_5d")):
        left = datetime.fromisoformat(found[name]) - datetime.now(UTC)
        words = f"{_words(left)} left" if left > timedelta() else f"over since {_words(-left)}"
        console.print(f"  {hours:<10} {found[name][:19]}Z, {words}", highlight=False)
    if found["revocation_reason"]:
        console.print(f"  revoked    {found['revoked']} old certificates ({found['revocation_reason']})")


def _span(start: str, end: str) -> str:
    return _words(datetime.fromisoformat(end) - datetime.fromisoformat(start))


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"


def register(root: typer.Typer) -> None:
    """Adds the commands."""
    root.add_typer(app, name="replace")
