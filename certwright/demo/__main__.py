# SPDX-License-Identifier: Apache-2.0
"""`make demo`: runs the story, prints each step, and ends with one JSON object on standard output."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from certwright.api_client import ProblemError, UnreachableError
from certwright.demo.customer import StuckError
from certwright.demo.story import MULTI, SINGLE, Story, same_serial
from certwright.demo.world import World

FOLDER_MODE = 0o755  # the workers of the web servers, which are other users, must reach their web roots


def main() -> int:
    """The command line; 0 when every certificate is on the wire and history is whole."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--mode", choices=("embedded", "cluster"), default="embedded")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and databases")
    parser.add_argument("--picture", type=Path, help="write what was printed into this SVG file")
    chosen = parser.parse_args()
    console = Console(stderr=True, highlight=False, record=chosen.picture is not None)
    folder = Path(tempfile.mkdtemp(prefix="certwright-demo-"))
    folder.chmod(FOLDER_MODE)
    try:
        result = run(folder, chosen.mode, console)
    except (StuckError, ProblemError, UnreachableError, RuntimeError, LookupError) as error:
        console.print(f"[red]The demonstration failed:[/red] {error}", markup=True)
        console.print(f"Logs are in {folder}")
        return 1
    if chosen.picture is not None:
        picture = console.export_svg(title="make demo")
        # Rich points to fonts of a third party; a picture of ours fetches nothing.
        chosen.picture.write_text(re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL))
    if chosen.keep:
        console.print(f"Everything is left in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["rebuild_equal"] and result["verify_ok"] and _all_served(result) else 1


def run(folder: Path, mode: str, console: Console) -> dict[str, Any]:
    """One run of the story in `folder`; the object that is printed last."""
    console.rule("Certwright: from sign-up to a certificate on the wire")
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[green]✓[/green] {time.monotonic() - began:5.1f} s  {text}")

    with World(folder, mode) as world:
        say(f"Certwright is ready at {world.url} ({mode})")
        story = Story(world, say)
        story.prepare()
        orders = [story.single_name_on_nginx(), story.several_names_on_apache()]
        served = [
            story.served([SINGLE], world.tls_ports["nginx"]),
            story.served(MULTI, world.tls_ports["apache"]),
        ]
        say("both sites fetched over TLS, trusting nothing but Certwright's root")
        for order in orders:
            console.print(_history(order, story.customer.history(order["order_id"])))
        replayed = all(story.same_by_replay(order) for order in orders)
        say("each order folded anew from its events: " + ("the same" if replayed else "[red]DIFFERENT[/red]"))
        rebuilt = world.certwright("rebuild", "--check")["equal"]
        say("every read model folded anew: " + ("equal, byte for byte" if rebuilt else "[red]DIFFERENT[/red]"))
        whole = world.certwright("verify")["ok"]
        say("hash chains, versions and ledger sums: " + ("whole" if whole else "[red]BROKEN[/red]"))
    return {
        "orders": [
            {
                "number": order["number"],
                "status": order["status"],
                "serial": order["certificate"]["serial"],
                "served_serial": serial,
            }
            for order, serial in zip(orders, served, strict=True)
        ],
        "rebuild_equal": replayed and rebuilt,
        "verify_ok": whole,
        "seconds": round(time.monotonic() - began, 1),
    }


def _all_served(result: dict[str, Any]) -> bool:
    return all(same_serial(order["serial"], order["served_serial"]) for order in result["orders"])


def _history(order: dict[str, Any], entries: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Order {order['number']}: its events", title_justify="left", box=None, header_style="bold")
    for column in ("#", "event", "what happened", "by"):
        table.add_column(column)
    for entry in entries:
        table.add_row(str(entry["version"]), entry["type"], entry["summary"], entry["actor"].partition(":")[0])
    return table


if __name__ == "__main__":
    sys.exit(main())
