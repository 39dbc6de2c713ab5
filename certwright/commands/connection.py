# SPDX-License-Identifier: Apache-2.0
"""Where commands find the API and as whom they ask: options, environment, or what `certwright sign-in` saved."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

from certwright.api_client import APIClient, load_credentials, save_credentials
from certwright.commands.output import JSONOption, console, print_json, problems_to_exit_codes

DEFAULT_URL = "http://127.0.0.1:8080"
URLOption = Annotated[str | None, typer.Option("--url", help="Address of Certwright; else CERTWRIGHT_URL.")]
ALL_PERMISSIONS = ("view", "create_order", "replenish_balance", "administer", "operator")


def connect(url: str | None) -> APIClient:
    """A client with the token of the environment (CERTWRIGHT_TOKEN) or of the last sign-in."""
    saved_url, saved_token = load_credentials()
    address = url or os.environ.get("CERTWRIGHT_URL") or saved_url or DEFAULT_URL
    token = os.environ.get("CERTWRIGHT_TOKEN") or (saved_token if address == saved_url else None)
    return APIClient(address, token, ca_file=os.environ.get("CERTWRIGHT_CA_FILE"))


@problems_to_exit_codes
def sign_in(
    login: Annotated[str, typer.Option(prompt=True)],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="CERTWRIGHT_PASSWORD")],
    second: Annotated[
        str, typer.Option("--second", prompt="Order number or authenticator code", help="The second step.")
    ] = "",
    url: URLOption = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the saved token is good for.")] = 30,
    as_json: JSONOption = False,
) -> None:
    """Sign in and keep an API token for the other commands, in a file that only you can read."""
    address = url or os.environ.get("CERTWRIGHT_URL") or DEFAULT_URL
    api = APIClient(address, ca_file=os.environ.get("CERTWRIGHT_CA_FILE"))
    factor = {"code": second} if len(second) == 6 or "-" in second else {"order_number": second}
    signed = api.post("/session", {"login": login, "password": password, **factor})
    held = [name for name in ALL_PERMISSIONS if name in signed["user"]["permissions"]]
    made = api.post(
        "/tokens", {"name": f"certwright on {socket.gethostname()}", "permissions": held, "expires_in_days": days}
    )
    path = save_credentials(address, made["secret"])
    api.call("DELETE", "/session")
    if as_json:
        print_json({"url": address, "login": login, "permissions": held, "credentials": str(path)})
    else:
        console.print(f"Signed in to {address} as {login}. The token is in {path} and ends in {days} days.")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sign-in")(sign_in)
