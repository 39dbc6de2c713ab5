# SPDX-License-Identifier: Apache-2.0
"""Check list 4.07 and 4.10-4.21: every cell of the status to action matrix, in the list and at the API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from tests.support import csr_builder, people
from tests.support.every_status import STATUSES, one_of_each
from tests.support.mailed_proof import fresh_key
from tests.support.people import Person

WORDS = {
    "complete_payment": "Complete payment",
    "cancel": "Cancel order",
    "generate_request": "Generate request",
    "request_invoice": "Request invoice",
    "domain_control_validation": "Domain control validation",
    "replace_csr": "Replace CSR",
    "auto_install": "Auto-install certificate",
    "save": "Save certificate",
    "installation_check": "Installation check",
    "renew": "Renew certificate",
    "reissue": "Reissue certificate",
    "revoke": "Revoke certificate",
}
ISSUED = ("auto_install", "save", "installation_check", "reissue", "revoke", "request_invoice")
RENEWABLE = ("auto_install", "save", "installation_check", "renew", "reissue", "revoke", "request_invoice")
# The table of the guide (§2) with the cells that today needs; the words of the status, and the actions in their order.
MATRIX: dict[str, tuple[str, tuple[str, ...]]] = {
    "awaiting_payment": ("Awaiting payment", ("complete_payment", "cancel")),
    "waiting_for_csr": ("Waiting for CSR", ("generate_request", "request_invoice", "cancel")),
    "processing": ("Processing", ("domain_control_validation", "replace_csr", "request_invoice", "cancel")),
    "issued": ("Issued", ISSUED),
    "installed": ("Installed", ISSUED),
    "issued, renewable": ("Issued", RENEWABLE),
    "installed, renewable": ("Installed", RENEWABLE),
    "paid": ("Paid", ()),
    "expired": ("Expired", ("renew",)),
    "cancelled": ("Cancelled", ()),
    "revoked": ("Revoked", ()),
    "rejected": ("Rejected", ()),
}
# What an action opens.
OPENS = {
    "generate_request": "Certificate request for order",
    "replace_csr": "Replace the request of order|Certificate request for order|Replace",
    "reissue": "Reissue|Certificate request for order",
    "domain_control_validation": "Domain control validation for order",
    "auto_install": "Automatic installation, order",
    "save": "Save",
    "installation_check": "Installation check",
    "request_invoice": "nvoice",
    "cancel": "Cancel order",
    "revoke": "Revoke the certificate of order",
}
SERVER = "00000000-0000-4000-8000-000000000000"


@dataclass
class Shelf:
    """An account with one order in each state, by the state's name."""

    person: Person
    orders: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def shelf(product, operator) -> Shelf:
    person = people.customer(product.url)
    return Shelf(person, one_of_each(product, person, operator))


def ask(shelf: Shelf, action: str, order: dict[str, Any]) -> requests.Response:
    """Does the action by the API, whatever the order's state is."""
    api = shelf.person.api
    at = f"/orders/{order['order_id']}"
    name = order["names"][0] if order["names"] else "www.example.com"
    server = {"server_id": SERVER}
    if action == "renew":
        asked = {"product": "dv-single", "names": ["www.example.com"], "term_years": 1}
        quote = api.post("/quotes", asked)["quote_id"]
        body = {
            "quote_id": quote, "common_name": "www.example.com", "dcv_method": "http_csr_hash",
            "agreement_accepted": True, "renews_order_id": order["order_id"],
        }  # fmt: skip
        return raw(shelf, "POST", "/orders", body)
    method, path, body = {
        "complete_payment": ("POST", f"{at}/payment", None),
        "cancel": ("POST", f"{at}/cancel", None),
        "generate_request": ("POST", f"{at}/csr-requests", server),
        "request_invoice": ("POST", f"{at}/invoice", {"email": "nora@example.com"}),
        "domain_control_validation": ("PUT", f"{at}/authorizations/{name}/method", {"method": "cname_csr_hash"}),
        "replace_csr": ("PUT", f"{at}/csr", {"csr": csr_builder.pem(name, [name], private=fresh_key())}),
        "auto_install": ("POST", f"{at}/installations", {**server, "site_ids": [SERVER]}),
        "save": ("POST", f"{at}/saves", server),
        "reissue": ("POST", f"{at}/reissue", server),
        "revoke": ("POST", f"{at}/revoke", {"reason": "unspecified"}),
    }[action]
    return raw(shelf, method, path, body)


def raw(shelf: Shelf, method: str, path: str, body: dict[str, Any] | None) -> requests.Response:
    """The answer as it is, with the person's session."""
    cookies = {each["name"]: each["value"] for each in shelf.person.cookies}
    url = shelf.person.url
    return requests.request(
        method, f"{url}/api/v1{path}", json=body, cookies=cookies, headers={"Origin": url}, timeout=30
    )


@pytest.mark.parametrize(
    ("step", "action"),
    [
        *[("issued", action) for action in ISSUED],
        ("processing", "domain_control_validation"),
        ("processing", "replace_csr"),
        ("waiting_for_csr", "generate_request"),
        ("waiting_for_csr", "cancel"),
    ],
)
def test_every_dialog_of_an_order_is_accessible(product, shelf, open_screen, step, action):
    screen = open_screen(product.url, shelf.person)
    page = screen.open(f"/orders/{shelf.orders[step]['order_id']}")
    page.get_by_role("group", name="What you can do").get_by_role("button", name=WORDS[action]).click()
    expect(page.get_by_role("dialog", name=re.compile(OPENS[action]))).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("status", name="Loading")).to_have_count(0)
    screen.dialog_accessible()


@pytest.mark.parametrize("step", MATRIX)
def test_a_status_offers_its_actions_and_each_opens_what_it_says(product, shelf, open_screen, step):
    order = shelf.orders[step]
    status, actions = MATRIX[step]
    screen = open_screen(product.url, shelf.person)
    page = screen.open("/orders?size=100")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(order["number"]), exact=True))
    expect(row).to_contain_text(status)
    select = row.get_by_label(f"Actions for order {order['number']}", exact=True)
    if not actions:
        expect(select).to_have_count(0)
        expect(row.get_by_role("button", name=re.compile("^Apply"))).to_have_count(0)
        return
    expect(select.locator("option")).to_have_text([WORDS[action] for action in actions])
    for action in actions:
        select.select_option(action)
        row.get_by_role("button", name=f"Apply: {WORDS[action]}, order {order['number']}").click()
        if action == "complete_payment":
            expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
        elif action == "renew":
            expect(page.get_by_role("heading", name=re.compile("^Renew"))).to_be_visible()
        else:
            dialog = page.get_by_role("dialog", name=re.compile(OPENS[action]))
            expect(dialog).to_be_visible()
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)
            continue
        page.go_back()
        expect(row).to_be_visible()
    assert screen.writes == [], "looking changed something"


# The renewable ones differ from their like in nothing but `renew`, and were written past the other rooms.
@pytest.mark.parametrize("step", [step for step in MATRIX if "renewable" not in step])
def test_what_a_status_does_not_offer_the_api_refuses(shelf, step):
    order = shelf.orders[step]
    assert order["allowed_actions"] == list(MATRIX[step][1])
    allowed = set(MATRIX[step][1])
    if allowed & {"generate_request", "replace_csr"}:
        allowed |= {"generate_request", "replace_csr"}  # one command: the order's CSR
    for action in WORDS:
        # To look at what a site serves depends on no order, and what was paid may be invoiced after the end too.
        if action in allowed or action == "installation_check":
            continue
        if action == "request_invoice" and step in {"expired", "revoked"}:
            continue
        answer = ask(shelf, action, order)
        seen = (action, answer.status_code, answer.text)
        if action == "domain_control_validation" and not order["authorizations"]:
            assert answer.status_code == 404, seen  # no CSR has asked for a name yet
            continue
        assert answer.headers["Content-Type"] == "application/problem+json", seen
        assert answer.status_code == 409, seen
        assert answer.json()["code"] == "action_not_allowed", seen
    after = shelf.person.steps.order(order["order_id"])
    assert (after["version"], after["status"]) == (order["version"], order["status"])


def test_the_matrix_has_every_status():
    assert set(MATRIX) == set(STATUSES)
