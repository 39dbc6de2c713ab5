# SPDX-License-Identifier: Apache-2.0
"""The whole product as one process with its own folder and ports, and people who are signed in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certwright.api_client import APIClient
from certwright.demo.customer import COMPANY, CONTACT
from certwright.servers.process import free_port, stop

START_S = 30
PASSWORD = "Correct-Horse-7-Staple"
CUSTOMER = ["view", "create_order", "replenish_balance", "administer"]


def sign_up(login: str) -> dict[str, Any]:
    """The body of a sign-up."""
    return {
        "company": COMPANY,
        "contact": CONTACT,
        "login": login,
        "password": PASSWORD,
        "accepted_agreements": ["eula", "subscriber"],
    }


@dataclass
class Live:
    """A running product. `log` holds what it wrote; `ops_url` is where it tells its metrics."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    ops_url: str

    @property
    def log(self) -> str:
        """All log lines so far."""
        return (self.folder / "log").read_text()

    def customer(self, login: str, permissions: list[str] | None = None) -> APIClient:
        """Opens an account; the client holds an API token of its first user."""
        browser = APIClient(self.url)
        done = browser.post("/sign-up", sign_up(login))
        number = str(done["order_number"])
        browser.post("/session", {"login": login, "password": PASSWORD, "order_number": number})
        return self.with_token(browser, permissions or CUSTOMER)

    def operator(self) -> APIClient:
        """Claims the installation by the link of the log; the client holds an API token."""
        link = (self.folder / "data" / "first-run-link").read_text()
        token = re.search(r"#token=(\S+)", link)
        assert token
        browser = APIClient(self.url)
        body = {"token": token[1], "login": "root-operator", "password": PASSWORD, "email": "root@example.com"}
        browser.post("/operator/claim", body)
        browser.post("/session", {"login": "root-operator", "password": PASSWORD})
        return self.with_token(browser, ["operator"])

    def with_token(self, browser: APIClient, permissions: list[str]) -> APIClient:
        """A client with a new API token of whoever is signed in."""
        secret = browser.post("/tokens", {"name": "test", "permissions": permissions})["secret"]
        client = APIClient(self.url, secret)
        client.token = secret  # type: ignore[attr-defined]
        return client


@contextmanager
def live(
    folder: Path, settings: dict[str, str] | None = None, *, host: str = "127.0.0.1", scheme: str = "http"
) -> Iterator[Live]:
    """The product for the length of the block, ready to serve; `settings` are environment variables of its own.

    `host` is how browsers call it: passkeys need a name, such as localhost. Raises RuntimeError with its log otherwise.
    """
    port, ops = free_port(), f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "CERTWRIGHT_DATA_DIR": str(folder / "data"),
        "CERTWRIGHT_PUBLIC_URL": f"{scheme}://{host}:{port}",
        "CERTWRIGHT_GATEWAY_PORT": str(port),
        "CERTWRIGHT_OPS_ADDRESS": ops,
        "CERTWRIGHT_BILLING_SANDBOX_PORT": "0",
        **(settings or {}),
    }
    command = [sys.executable, "-m", "certwright", "serve"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    running = Live(f"{scheme}://{host}:{port}", folder, process, f"http://{ops}")
    try:
        deadline = time.monotonic() + START_S
        while "ready after" not in running.log:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(running.log[-4000:])
            time.sleep(0.05)
        yield running
    finally:
        stop(process)
