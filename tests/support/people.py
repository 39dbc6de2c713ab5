# SPDX-License-Identifier: Apache-2.0
"""People who are signed in: their API client for quick preparation, and their cookies for a browser."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from certwright.api_client import APIClient
from certwright.demo.customer import Customer
from tests.support.live_gateway import PASSWORD, Live, sign_up


@dataclass
class Person:
    """`steps` are those of the demonstration's customer (place_order, pay_by_card, wait_for_status …)."""

    url: str
    api: APIClient
    login: str
    password: str
    order_number: str

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """The session as Playwright takes it."""
        host = urlsplit(self.url).hostname
        return [
            {"name": each.name, "value": each.value, "domain": host, "path": "/"} for each in self.api._session.cookies
        ]

    def again(self) -> Person:
        """The same user, signed in with another browser."""
        api = APIClient(self.url)
        api.post(
            "/session", {"login": self.login, "password": self.password, "order_number": self.order_number or None}
        )
        return Person(self.url, api, self.login, self.password, self.order_number)

    @property
    def steps(self) -> Customer:
        """The main job through the API."""
        steps = Customer(self.url)
        steps.api = self.api
        return steps


def customer(url: str, login: str = "", company: dict[str, str] | None = None) -> Person:
    """A new account with its first user. `company` has what differs from the usual one."""
    login = login or f"nora-{secrets.token_hex(4)}"
    api = APIClient(url)
    body = sign_up(login)
    done = api.post("/sign-up", {**body, "company": {**body["company"], **(company or {})}})
    number = str(done["order_number"])
    api.post("/session", {"login": login, "password": PASSWORD, "order_number": number})
    return Person(url, api, login, PASSWORD, number)


def colleague(person: Person, permissions: list[str]) -> Person:
    """Another user of the account, signed in, with a password of their own."""
    login, given = f"{person.login}-{secrets.token_hex(2)}", "Temporary-Horse-1-Staple"
    user = {"login": login, "password": given, "email": "colleague@example.com", "permissions": permissions}
    person.api.post("/users", user)
    api = APIClient(person.url)
    body = {"login": login, "password": given, "order_number": person.order_number, "new_password": PASSWORD}
    for due in api.post("/session", body)["agreements_due"]:
        api.post(f"/agreements/{due['kind']}/accept", {"version": due["version"]})
    return Person(person.url, api, login, PASSWORD, person.order_number)


def operator(live: Live) -> Person:
    """Whoever runs the product: claims it by the link of its log. Once for each product."""
    return claim(live.url, (live.folder / "data" / "first-run-link").read_text().partition("#token=")[2].split()[0])


def claim(url: str, token: str) -> Person:
    """The first run: becomes the operator with the token of the link."""
    api = APIClient(url)
    login = "root-operator"
    api.post("/operator/claim", {"token": token, "login": login, "password": PASSWORD, "email": "root@example.com"})
    api.post("/session", {"login": login, "password": PASSWORD})
    return Person(url, api, login, PASSWORD, "")
