# SPDX-License-Identifier: Apache-2.0
"""`certwright acme credentials`: make, list and revoke what ACME clients enrol with."""

from __future__ import annotations

from typing import Annotated

import typer

from certwright.commands.connection import URLOption, connect
from certwright.commands.output import JSONOption, console, day, print_json, print_table, problems_to_exit_codes

app = typer.Typer(help="Let certbot, lego, Caddy and other ACME clients get certificates.", no_args_is_help=True)
credentials = typer.Typer(help="Credentials for external account binding.", no_args_is_help=True)
app.add_typer(credentials, name="credentials")


@credentials.command("create")
@problems_to_exit_codes
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as a host.")],
    product: Annotated[str, typer.Option(help="What its clients buy; the cheapest DV product without it.")] = "",
    years: Annotated[int, typer.Option(min=1, max=3, help="For how long they buy it.")] = 1,
    url: URLOption = None,
    as_json: JSONOption = False,
) -> None:
    """Make a credential. Its HMAC key is shown this once."""
    made = connect(url).post("/acme/credentials", {"name": name, "product": product, "term_years": years})
    if as_json:
        print_json(made)
        return
    key_id, key = made["credential"]["credential_id"], made["hmac_key"]
    console.print(f"Directory  {made['directory_url']}", markup=False)
    console.print(f"Key id     {key_id}", markup=False)
    console.print(f"HMAC key   {key}   (shown this once)", markup=False)
    console.print(f"Clients buy {made['credential']['product']} for {years} year{'s' * (years > 1)}.", markup=False)


@credentials.command("list")
@problems_to_exit_codes
def list_credentials(url: URLOption = None, as_json: JSONOption = False) -> None:
    """List the credentials that hold, newest first."""
    rows = list(connect(url).pages("/acme/credentials", most=10_000))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Key id", "Name", "Product", "Years", "Made", "Last used", "Clients"),
        [
            (
                row["credential_id"],
                row["name"],
                row["product"],
                row["term_years"],
                day(row["created_at"]),
                day(row["last_used_at"]),
                row["acme_accounts"],
            )
            for row in rows
        ],
        empty="No credentials. Make one: certwright acme credentials create NAME",
    )


@credentials.command("revoke")
@problems_to_exit_codes
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID")], url: URLOption = None, as_json: JSONOption = False
) -> None:
    """Revoke a credential: no client that enrolled with it can do anything any more. Certificates stay as they are."""
    connect(url).call("DELETE", f"/acme/credentials/{key_id}")
    if as_json:
        print_json({"credential_id": key_id, "revoked": True})
    else:
        console.print("Revoked.")


def register(root: typer.Typer) -> None:
    """Adds the commands."""
    root.add_typer(app, name="acme")
