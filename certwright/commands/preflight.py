# SPDX-License-Identifier: Apache-2.0
"""`certwright preflight`: what a CA will see of names, before an order costs anything."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from certwright.commands.connection import URLOption, connect
from certwright.commands.output import JSONOption, console, print_json, problems_to_exit_codes

WARNED, BLOCKED = 3, 4
MOST_AT_ONCE = 10
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "dim", "good": "green"}
_VERDICTS = {"ready": ("ready", "green"), "warning": ("look at the warnings", "yellow"), "blocked": ("blocked", "red")}


@problems_to_exit_codes
def preflight(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="FQDNs, wildcard ones too.")],
    method: Annotated[
        str,
        typer.Option(
            help="How they are to be proved: http_csr_hash, https_csr_hash, cname_csr_hash, txt_csr_hash, "
            "dns_persist, email, email_caa or email_txt. Without it both web ports are tried."
        ),
    ] = "",
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """See names as a CA will see them: DNS from every perspective, DNSSEC, CAA, web ports, and proofs that still hold.

    Ends with 0 when nothing stands in the way, 3 when there are warnings, 4 when an order would not come through.
    """
    api = connect(url)
    parts = [
        api.call(
            "GET",
            "/preflight",
            params={"names": names[start : start + MOST_AT_ONCE], **({"method": method} if method else {})},
        )
        for start in range(0, len(names), MOST_AT_ONCE)
    ]
    found = parts[0] | {"names": [name for part in parts for name in part["names"]]}
    verdicts = {part["verdict"] for part in parts}
    found["verdict"] = next((each for each in ("blocked", "warning") if each in verdicts), "ready")
    if as_json:
        print_json(found)
    else:
        _print(found)
    raise typer.Exit({"ready": 0, "warning": WARNED, "blocked": BLOCKED}[found["verdict"]])


def _print(found: dict[str, Any]) -> None:
    for name in found["names"]:
        words, colour = _VERDICTS[name["verdict"]]
        console.print(Text(name["fqdn"], style="bold"), Text(words, style=colour))
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        table.add_column(overflow="fold")
        for finding in name["findings"]:
            text = Text(finding["text"])
            if finding["code"].startswith("caa_") and name["caa"]:
                text.append(f"\n{name['caa']['reason']}")
            if finding["cure"]:
                text.append(f"\n{finding['cure']}", style="dim")
            table.add_row(Text(finding["severity"], style=_COLOURS[finding["severity"]]), text)
        for seen in name["perspectives"]:
            table.add_row(Text(seen["name"], style="dim"), Text(_seen(seen), style="dim"))
        console.print(table)
        console.print()
    console.print(f"By {found['rules_version']}, profile {found['profile']}.", style="dim", markup=False)


def _seen(seen: dict[str, Any]) -> str:
    parts = [", ".join(seen["addresses"]) or "no address"]
    if seen["alias"]:
        parts.append(f"by way of {seen['alias']}")
    parts.append(f"DNSSEC {seen['dnssec']}")
    parts += [f"port {port['port']} {'open' if port['reachable'] else 'closed'}" for port in seen["ports"]]
    if seen["caa"]:
        parts.append(f"CAA {seen['caa']['code']}")
    return " · ".join(parts)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(preflight)
