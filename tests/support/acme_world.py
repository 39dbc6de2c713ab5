# SPDX-License-Identifier: Apache-2.0
"""Certwright as an ACME server for real clients: names lead to this machine, http-01 has a private port."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certwright.api_client import APIClient
from certwright.demo.customer import Customer
from certwright.servers.process import free_port
from tests.support.dns import ProgrammableDNS
from tests.support.live_gateway import Live, live


@dataclass
class World:
    """The running product with its names."""

    product: Live
    names: ProgrammableDNS
    http_port: int

    @property
    def directory(self) -> str:
        """Where clients begin."""
        return f"{self.product.url}/acme/directory"

    def host(self, *names: str) -> None:
        """Lets names lead to this machine."""
        for name in names:
            self.names.set(name, "A", ["127.0.0.1"])

    def root(self) -> str:
        """The root certificate of the built-in CA, as PEM."""
        root: str = APIClient(self.product.url).get("/ca")["root_pem"]
        return root

    def customer(self, *, funds: int = 0) -> Customer:
        """A new account, with a deposit of so many cents."""
        customer = Customer(self.product.url, patience=20)
        customer.sign_up()
        if funds:
            customer.top_up(funds)
        return customer

    def publish(self, name: str, file: Path) -> None:
        """Serves the lines of a file as the TXT records of a name, as they are when somebody asks."""
        self.names.set(name, "TXT", lambda: file.read_text().split() or None)


def credential(customer: Customer, product: str = "", **more: Any) -> dict[str, Any]:
    """A new credential, with its key."""
    made: dict[str, Any] = customer.api.post("/acme/credentials", {"name": "test", "product": product, **more})
    return made


def orders_of(customer: Customer) -> list[dict[str, Any]]:
    """The certificate orders of an account, newest first."""
    return list(customer.api.pages("/orders", most=100, kind="certificate"))


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The product for the length of the block."""
    port = free_port()
    with ProgrammableDNS() as names:
        settings = {
            "CERTWRIGHT_EGRESS_ALLOW_NETWORKS": '["127.0.0.0/8"]',
            "CERTWRIGHT_ACCOUNTS_MAIL_LOOKUP": "off",
            "CERTWRIGHT_EGRESS_NAMESERVERS": json.dumps([names.nameserver]),
            "CERTWRIGHT_DCV_HTTP_PORT": str(port),
        }
        with live(folder, settings) as product:
            yield World(product, names, port)


def run(*command: str, ok: bool = True, **environment: str) -> str:
    """Runs a client; its output."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert (done.returncode == 0) == ok, done.stdout
    return done.stdout
