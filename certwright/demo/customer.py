# SPDX-License-Identifier: Apache-2.0
"""What a customer does in the demonstration, through the HTTP API and nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from certwright.api_client import APIClient, ProblemError

COMPANY = {
    "name": "Blumen Winter GmbH",
    "department": "IT",
    "address1": "Gartenstrasse 7",
    "postcode": "10115",
    "country": "DE",
    "state": "Berlin",
    "city": "Berlin",
}
CONTACT = {
    "title": "Ms",
    "first_name": "Nora",
    "last_name": "Winter",
    "email": "nora@blumen-winter.example",
    "telephone": "+49301234567",
}
GOOD_CARD = "4242424242424242"
PATIENCE_S = 60.0


class StuckError(Exception):
    """Something did not come about in time; says what it waited for."""


def wait_for(what: str, look: Callable[[], Any], *, patience: float = PATIENCE_S) -> Any:
    """Looks until the answer is true, and returns it. Raises StuckError."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StuckError(f"waited {patience:.0f} s for: {what}")
        time.sleep(0.1)


class Customer:
    """A signed-in user of one account, with the steps of the main job. `patience` (seconds) is for each step."""

    def __init__(self, url: str, *, patience: float = PATIENCE_S) -> None:
        self.api = APIClient(url)
        self.account_id = ""
        self._patience = patience

    def _wait_for(self, what: str, look: Callable[[], Any]) -> Any:
        return wait_for(what, look, patience=self._patience)

    def sign_up(self) -> int:
        """Opens an account and signs in with its order number as the second step. Returns that number."""
        login, password = f"nora-{secrets.token_hex(4)}", f"Tulips-{secrets.token_urlsafe(12)}"
        done = self.api.post(
            "/sign-up",
            {
                "company": COMPANY,
                "contact": CONTACT,
                "login": login,
                "password": password,
                "accepted_agreements": ["eula", "subscriber"],
            },
        )
        self.account_id = done["account_id"]
        number = int(done["order_number"])
        self.api.post("/session", {"login": login, "password": password, "order_number": str(number)})
        return number

    def place_order(self, product: str, names: list[str], dcv_method: str) -> dict[str, Any]:
        """Asks for a price and orders at it."""
        quote = self.api.post("/quotes", {"product": product, "names": names, "term_years": 1})
        body = {
            "quote_id": quote["quote_id"],
            "common_name": names[0],
            "dcv_method": dcv_method,
            "agreement_accepted": True,
        }
        placed: dict[str, Any] = self.api.post("/orders", body)
        return placed

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        found: dict[str, Any] = self.api.get(f"/orders/{order_id}")
        return found

    def pay_by_card(self, order_id: str) -> None:
        """Opens the provider's payment page and gives the card number to the provider, never to Certwright."""

        def page() -> str:
            try:
                return str(self.api.post(f"/orders/{order_id}/payment")["checkout_url"])
            except ProblemError as problem:
                # Billing has not heard of the order yet: the event is on its way.
                if problem.status == 404:
                    return ""
                raise

        address = self._wait_for("the payment page", page)
        provider, _, intent = address.partition("/pay/")
        self._wait_for(
            "the provider to take the card", lambda: self._confirm(f"{provider}/v1/intents/{intent}/confirm")
        )

    def _confirm(self, address: str) -> bool:
        """Sends the card's number; False when nobody answered, which one repeats: the money is taken once."""
        try:
            answer = requests.post(address, json={"card_number": GOOD_CARD}, timeout=30)
        except requests.ConnectionError:
            return False
        answer.raise_for_status()
        return True

    def wait_for_status(self, order_id: str, *statuses: str) -> dict[str, Any]:
        """Waits until the order has one of the statuses. Raises StuckError with what blocks it."""
        seen: dict[str, Any] = {}

        def look() -> bool:
            seen.update(self.order(order_id))
            return seen["status"] in statuses

        try:
            self._wait_for(f"order status {' or '.join(statuses)}", look)
        except StuckError as error:
            blocked = "; ".join(reason["text"] for reason in seen.get("blocked_on", []))
            raise StuckError(f"{error}. The order is {seen.get('status')}: {blocked}") from None
        return seen

    def wait_for_payment(self, order_id: str) -> dict[str, Any]:
        """Waits until nothing is owed any more."""
        return self.wait_for_status(order_id, "waiting_for_csr", "paid", "processing", "issued", "installed")

    def top_up(self, amount: int) -> dict[str, Any]:
        """Orders a deposit of `amount` minor units and pays it by card."""
        placed: dict[str, Any] = self.api.post("/top-ups", {"amount": amount, "currency": "USD"})
        self.pay_by_card(placed["order_id"])
        return self.wait_for_status(placed["order_id"], "paid")

    def add_agent(self, name: str, folder: Path) -> dict[str, Any]:
        """Makes an agent record and unpacks its download into `folder`."""
        agent: dict[str, Any] = self.api.post("/agents", {"name": name})
        content = self.api.get(f"/agents/{agent['agent_id']}/download")
        archive = folder / "agent.zip"
        archive.write_bytes(content)
        return agent

    def verify_agent(self, agent_id: str, code: str) -> None:
        """Types the agent's code and waits until it is connected."""

        def typed() -> bool:
            try:
                self.api.post(f"/agents/{agent_id}/verify", {"code": code})
            except ProblemError as error:
                if error.status == 409:  # quicker than the agent, which prints its code before it introduces itself
                    return False
                raise
            return True

        self._wait_for("the agent to introduce itself", typed)
        self._wait_for("the agent to connect", lambda: self.api.get(f"/agents/{agent_id}")["state"] == "connected")

    def site(self, name: str) -> dict[str, Any]:
        """The site that serves an FQDN, once its agent has reported it."""

        def look() -> dict[str, Any] | None:
            items = self.api.get("/sites", name=name)["items"]
            return items[0] if items else None

        found: dict[str, Any] = self._wait_for(f"the site {name}", look)
        return found

    def make_csr(self, order_id: str, server_id: str) -> dict[str, Any]:
        """Has the key and the CSR made on the server."""
        self.api.post(f"/orders/{order_id}/csr-requests", {"server_id": server_id})
        return self.wait_for_status(order_id, "processing")

    def authorizations(self, order_id: str, count: int) -> list[dict[str, Any]]:
        """The order's FQDNs with their challenges, once they are all there."""

        def look() -> list[dict[str, Any]] | None:
            items = self.api.get(f"/orders/{order_id}/authorizations")["items"]
            return items if len(items) == count else None

        found: list[dict[str, Any]] = self._wait_for(f"{count} authorizations", look)
        return found

    def place_file(self, order_id: str, name: str, server_id: str) -> None:
        """Has the agent place the validation file; the check follows by itself."""
        self.api.post(f"/orders/{order_id}/authorizations/{name}/file", {"server_id": server_id})

    def check(self, order_id: str, name: str) -> None:
        """Asks for a look now."""
        self.api.post(f"/orders/{order_id}/authorizations/{name}/check")

    def install(self, order_id: str, site: dict[str, Any]) -> dict[str, Any]:
        """Installs on a site and waits until the agent has seen the certificate served."""
        body = {"server_id": site["server_id"], "site_ids": [site["site_id"]]}
        self.api.post(f"/orders/{order_id}/installations", body)
        return self.wait_for_status(order_id, "installed")

    def history(self, order_id: str) -> list[dict[str, Any]]:
        """The order's events, oldest first."""
        return list(self.api.pages(f"/orders/{order_id}/history", most=1000))
