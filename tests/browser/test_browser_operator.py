# SPDX-License-Identifier: Apache-2.0
"""Check list 18.04: the pages of who runs the installation."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.hostile_text import HOSTILE
from tests.support.live_gateway import PASSWORD, live
from tests.support.people import Person

TRACEBACK = 'Traceback (most recent call last):\n  File "mail.py", line 1\nRuntimeError: <b>no route</b> to host'


def park(folder: Path, key: str) -> None:
    """A job of the alerts service that has failed too often; replayed, it finds nothing to do and is done."""
    values = {
        "kind": "mail", "key": key, "id": f"parked-{key}", "payload": json.dumps({"alert_id": key, "number": 1}),
        "status": "parked", "run_at": "2026-01-01T00:00:00Z", "attempts": 30, "scheduled_at": "2026-01-01T00:00:00Z",
        "metadata": "{}", "error": TRACEBACK, "first_failed_at": "2026-01-01T00:00:00Z",
        "last_failed_at": "2026-01-02T00:00:00Z",
    }  # fmt: skip
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    with closing(sqlite3.connect(folder / "data" / "alerts.sqlite3", timeout=30)) as connection, connection:
        connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(values.values()))


def test_the_operator_lands_on_the_health_of_the_services(product, operator, open_screen):
    park(product.folder, "first")
    park(product.folder, "second")
    screen = open_screen(product.url, operator)
    page = screen.open("/")
    expect(page.get_by_role("heading", name="System health")).to_be_visible()
    rail = page.get_by_role("navigation", name="Main menu")
    operation = rail.get_by_role("region", name="Operation")
    for name in ("System health", "Accounts", "Mails"):
        expect(operation.get_by_role("link", name=name)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("h")
    row = page.get_by_role("table", name="Services", exact=True).get_by_role("row").filter(has_text="Alerts")
    expect(row).to_contain_text("2 parked")
    expect(row).to_contain_text("Ready")
    expect(page.get_by_role("region", name="Ledger")).to_contain_text("Balanced")
    screen.accessible(lambda: expect(page.get_by_role("table", name="Parked work of Alerts")).to_be_visible())

    # The whole failure as text; back to work.
    parked = page.get_by_role("table", name="Parked work of Alerts")
    parked.get_by_role("row").filter(has_text="second").get_by_role("button", name="mail").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("<b>no route</b> to host")).to_be_visible()
    expect(dialog.get_by_text('"alert_id": "second"')).to_be_visible()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Replay").dblclick()
    expect(parked.get_by_role("row").filter(has_text="second")).to_have_count(0)
    assert screen.sent("POST", "/replay$") == 1

    # Given up only after its name was typed.
    parked.get_by_role("button", name="mail").click()
    dialog.get_by_role("button", name="Discard").click()
    expect(dialog.get_by_role("button", name="Discard")).to_be_disabled()
    screen.dialog_accessible()
    dialog.get_by_label("Type mail to confirm").fill("mail")
    dialog.get_by_role("button", name="Discard").dblclick()
    expect(page.get_by_text("Nothing is parked.")).to_be_visible()
    assert screen.sent("POST", "/discard$") == 1
    assert operator.api.get("/operator/services/alerts/dead-letters")["items"] == []


def test_accounts_and_mails(product, operator, open_screen):
    nora = people.customer(product.url)
    number = nora.order_number
    screen = open_screen(product.url, operator)
    page = screen.open("/accounts")
    search = page.get_by_label("Company, person or e-mail")
    row = page.get_by_role("row").filter(has_text=number)
    for text in HOSTILE.values():
        search.fill(text)
        if text.strip():
            expect(page.get_by_text("Nothing matches")).to_be_visible()
        search.fill("blumen")
        expect(row).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text(number).first).to_be_visible())
    row.get_by_role("button").click()
    expect(page.get_by_role("dialog").get_by_text("+49301234567")).to_be_visible()
    screen.dialog_accessible()
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Mails").click()
    mail = page.get_by_role("row").filter(has_text="nora@").get_by_role("button").first
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Mails")).to_be_visible())
    mail.click()
    expect(page.get_by_role("region", name="Text of the mail")).to_contain_text(
        re.compile(r"order number", re.IGNORECASE)
    )
    screen.dialog_accessible()


def test_customers_see_no_page_of_operators(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/")
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Operation")).to_have_count(0)
    page = screen.open("/health")
    expect(page.get_by_role("heading", level=1)).to_have_text("System health: you may not see this page")
    expect(page.get_by_text("Only whoever runs this installation sees it.")).to_be_visible()


@pytest.mark.parametrize("path", ["/orders", "/servers", "/users", "/audit"])
def test_shared_pages_work_for_the_operator(product, operator, open_screen, path):
    screen = open_screen(product.url, operator)
    page = screen.open(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)


def order_ov(person: Person, name: str) -> dict[str, Any]:
    """An order whose organization an operator has to look at."""
    quote = person.api.post("/quotes", {"product": "ov-single", "names": [name], "term_years": 1})
    organization = {"name": "Blumen <b>Winter</b> GmbH", "country": "DE", "state": "Berlin", "locality": "Berlin"}
    body = {"quote_id": quote["quote_id"], "common_name": name, "dcv_method": "http_csr_hash"}
    order: dict[str, Any] = person.api.post(
        "/orders", {**body, "organization": organization, "agreement_accepted": True}
    )
    return order


def test_an_organization_is_validated_and_an_order_rejected(product, operator, open_screen):
    nora = people.customer(product.url)
    first, second = (order_ov(nora, name) for name in ("www.example.com", "mail.example.com"))
    screen = open_screen(product.url, operator)
    page = screen.open("/orders")
    page.get_by_role("link", name=str(first["number"])).click()
    acts = page.get_by_role("group", name="What you can do")
    expect(acts.get_by_role("button")).to_have_text(["Validate organization", "Reject order"])
    expect(page.get_by_role("region", name="What it waits for")).to_contain_text("Customer")
    screen.accessible(lambda: expect(acts).to_be_visible())

    acts.get_by_role("button", name="Validate organization").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("OV", exact=True)).to_be_visible()
    screen.dialog_accessible()
    note, vouch = dialog.get_by_label(re.compile("^How you checked")), dialog.get_by_role("button", name="Vouch for")
    note.fill("x" * 1_001)
    vouch.click()
    expect(dialog.get_by_text("A note has at most 1000 characters.")).to_be_visible()
    hostile = f"{HOSTILE['right to left']} {HOSTILE['emoji']} {HOSTILE['markup']}"
    note.fill(hostile)
    vouch.dblclick()
    expect(acts.get_by_role("button")).to_have_text(["Reject order"])
    assert screen.sent("POST", "/organization-validation$") == 2  # one was refused
    page.get_by_text("OrganizationValidated, by a person").click()
    expect(page.get_by_text(HOSTILE["markup"]).last).to_be_visible()

    page = screen.open(f"/orders/{second['order_id']}")
    acts.get_by_role("button", name="Reject order").click()
    reject = dialog.get_by_role("button", name="Reject the order")
    expect(reject).to_be_disabled()
    screen.dialog_accessible()
    dialog.get_by_label(re.compile("^Type .* to confirm")).fill(str(second["number"]))
    reason = dialog.get_by_label(re.compile("^Reason"))
    for wrong, said in (("   ", "Say why, for the customer."), ("x" * 1_001, "in at most 1000 characters")):
        reason.fill(wrong)
        reject.click()
        expect(dialog.get_by_text(said)).to_be_visible()
    reason.fill(hostile)
    sent = screen.sent("POST", "/reject$")
    reject.dblclick()
    expect(page.get_by_role("main").get_by_text("Rejected").first).to_be_visible()
    expect(acts).to_have_count(0)
    assert screen.sent("POST", "/reject$") == sent + 1
    assert nora.steps.order(second["order_id"])["status"] == "rejected"


def test_the_first_run_leads_into_the_console(tmp_path, open_screen):
    with live(tmp_path) as running:
        screen = open_screen(running.url)
        page = screen.page
        link = (running.folder / "data" / "first-run-link").read_text().split()[0]
        page.goto(link)
        token = page.get_by_label("One-time token")
        expect(token).not_to_have_value("")
        assert "token" not in page.url
        password, become = page.get_by_label("Password"), page.get_by_role("button", name="Become the operator")
        page.get_by_label("Login").fill("x" * 65)
        page.get_by_label("E-mail").fill("root@example.com")
        password.fill("short")
        become.click()
        expect(page.get_by_role("alert")).to_contain_text("A login has 3 to 64")
        expect(page.get_by_label("E-mail")).to_have_value("root@example.com")
        page.get_by_label("Login").fill("<b>\u202e\U0001f9e8")
        password.fill("short")
        become.click()
        expect(page.get_by_role("alert")).to_contain_text("A login has 3 to 64")
        page.get_by_label("Login").fill("root-operator")
        password.fill("short")
        become.click()
        expect(page.get_by_role("alert")).to_contain_text("8")
        password.fill(PASSWORD)
        become.click()
        expect(page.get_by_role("heading", name="System health")).to_be_visible()
        page.goto(link)
        page.get_by_label("Login").fill("somebody-else")
        page.get_by_label("E-mail").fill("x@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Become the operator").click()
        expect(page.get_by_role("alert").or_(page.get_by_text("was used"))).to_be_visible()
