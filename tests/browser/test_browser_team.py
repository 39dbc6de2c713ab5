# SPDX-License-Identifier: Apache-2.0
"""Check list 18.01: the users of an account, and the audit log with search, filters and export."""

from __future__ import annotations

import csv
import io
import json
import re

from playwright.sync_api import expect

from tests.support.hostile_text import HOSTILE, survives_hostile_text

NAME = "www.example.com"


def test_the_audit_log_says_who_did_what(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    placed = re.compile(f"Order {order['number']} was placed")
    screen = open_screen(product.url, nora)
    page = screen.open("/audit")
    row = page.get_by_role("row").filter(has_text=placed)
    expect(row).to_contain_text(nora.login)
    expect(row).to_contain_text("orders.OrderPlaced")
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Audit log")).to_be_visible())

    # What happens meanwhile appears by itself.
    page.wait_for_timeout(500)  # the event stream has opened
    nora.api.post(f"/orders/{order['order_id']}/cancel")
    expect(page.get_by_text("orders.OrderCancelled").first).to_be_visible()

    # One entry with all that is known.
    page.get_by_role("button", name=placed).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("http_csr_hash").first).to_be_visible()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Copy The entry as JSON").click()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["data"]["order_id"] == order["order_id"]
    dialog.get_by_role("button", name="All of this type").click()
    expect(page.get_by_role("row")).to_have_count(2)  # the heading and the only order
    expect(page).to_have_url(re.compile("type=orders.OrderPlaced"))
    page.get_by_role("link", name=re.compile("^Order ")).click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()


def test_the_audit_log_is_filtered_and_exported_alike(product, nora, open_screen):
    nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/audit")
    page.get_by_label("By", exact=True).select_option("People and their tokens")
    page.get_by_label("About").select_option("Orders")
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["type"] for row in rows] == ["orders.OrderPlaced"]
    page.get_by_label("From").fill("2199-01-01")
    expect(page.get_by_text("Nothing matches this search and these filters.")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(page.get_by_text("accounts.AccountOpened")).to_be_visible()

    for text in HOSTILE.values():
        page.get_by_label("Subject or words").fill(text)
        if text.strip():
            expect(page.get_by_text("Nothing matches")).to_be_visible()
        page.get_by_label("Subject or words").fill("")
        expect(page.get_by_text("accounts.AccountOpened")).to_be_visible()
    page.get_by_label("Subject or words").fill("OPENED")
    expect(page.get_by_role("row")).to_have_count(2)
    page.goto(f"{product.url}/console/audit?type=<b>&actor=x&from=never&to=2026-99-99&people=1")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_a_user_is_added_and_can_sign_in(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/users")
    expect(page.get_by_role("row").filter(has_text=nora.login)).to_contain_text("(you)")
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Users")).to_be_visible())
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    login, email = dialog.get_by_label(re.compile("^Login")), dialog.get_by_label(re.compile("^E-mail"))
    add = dialog.get_by_role("button", name="Add", exact=True)
    screen.dialog_accessible()
    survives_hostile_text(screen, dialog, add.click)
    dialog.get_by_label("View").uncheck()
    login.fill(f"{nora.login}-2")
    email.fill("ada@example.com")
    add.click()
    expect(dialog.get_by_text("Give at least one permission.")).to_be_visible()
    dialog.get_by_label("View").check()
    login.fill(nora.login)
    add.click()
    expect(dialog.get_by_text("This login cannot be used.")).to_be_visible()
    login.fill(f"{nora.login}-2")
    sent = screen.sent("POST", "/users$")
    add.dblclick()
    expect(dialog.get_by_text(f"Give {nora.login}-2 these by a safe way.")).to_be_visible()
    assert screen.sent("POST", "/users$") == sent + 1
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Copy Temporary password").click()
    password = page.evaluate("navigator.clipboard.readText()")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("row").filter(has_text=f"{nora.login}-2")).to_contain_text("Has a temporary password")
    assert password not in page.content()

    # The added user signs in, must choose a password, and sees no more than allowed.
    ada = open_screen(product.url)
    page = ada.open("/sign-in")
    page.get_by_label("Login").fill(f"{nora.login}-2")
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Submit").click()
    page.get_by_label(re.compile("order numbers")).fill(nora.order_number)
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("textbox", name=re.compile("^Password")).fill("Another-Horse-8-Staple")
    page.get_by_role("textbox", name=re.compile("^Confirm")).fill("Another-Horse-8-Staple")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("link", name="Alerts", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Users", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="Audit log")).to_have_count(0)


def test_a_user_is_changed_given_a_password_and_removed(product, nora, open_screen):
    body = {"login": f"{nora.login}-3", "password": "Other-Horse-7-Staple", "email": "ben@example.com"}
    ben = nora.api.post("/users", {**body, "permissions": ["view", "administer"]})
    screen = open_screen(product.url, nora)
    page = screen.open("/users")
    row = page.get_by_role("row").filter(has_text=ben["login"])
    dialog = page.get_by_role("dialog")

    row.get_by_role("button", name=f"Change {ben['login']}").click()
    screen.dialog_accessible()
    save = dialog.get_by_role("button", name="Save")
    survives_hostile_text(screen, dialog, save.click)
    dialog.get_by_label(re.compile("^E-mail")).fill("benno@example.com")
    dialog.get_by_label("Create orders").check()
    dialog.get_by_label("Administer").uncheck()
    save.dblclick()
    expect(row).to_contain_text("View, Create orders")
    expect(row).to_contain_text("benno@example.com")

    row.get_by_role("button", name=f"New password for {ben['login']}").click()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Give a temporary password").dblclick()
    expect(dialog.get_by_text("Temporary password", exact=True)).to_be_visible()
    assert screen.sent("POST", "/password$") == 1
    page.keyboard.press("Escape")
    expect(row).to_contain_text("Has a temporary password")

    # The last administrator keeps the right, and nobody removes themselves.
    page.get_by_role("button", name=f"Change {nora.login}", exact=True).click()
    dialog.get_by_label("Administer").uncheck()
    save.click()
    expect(dialog.get_by_text("This is the last user who may administer.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=f"Remove {nora.login}", exact=True).click()
    dialog.get_by_label(f"Type {nora.login} to confirm").fill(nora.login)
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nobody removes themselves")
    page.keyboard.press("Escape")

    row.get_by_role("button", name=f"Remove {ben['login']}").click()
    screen.dialog_accessible()
    expect(dialog.get_by_role("button", name="Remove")).to_be_disabled()
    dialog.get_by_label(re.compile("to confirm$")).fill(ben["login"])
    dialog.get_by_role("button", name="Remove").dblclick()
    expect(row).to_have_count(0)
    assert [user["login"] for user in nora.api.get("/users")["items"]] == [nora.login]
