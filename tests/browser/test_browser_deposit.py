# SPDX-License-Identifier: Apache-2.0
"""Check list section 17: permissions that gate, prices, funds, the statement, and the warning of a low balance."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from certwright.api_client import ProblemError
from tests.support import people
from tests.support.hostile_text import HOSTILE, survives_hostile_text

NAME = "www.example.com"


@pytest.mark.parametrize("amount", ["0", "-5", "1.234", "abc", "", "١٠", "9" * 40])
def test_an_amount_that_is_none_is_refused_at_its_field(product, nora, open_screen, amount):
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit?add=1")
    page.get_by_label(re.compile("^Amount")).fill(amount)
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Type an amount above zero")).to_be_visible()
    assert screen.writes == []


def test_funds_are_ordered_paid_and_stand_in_the_statement(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit")
    expect(page.get_by_text("No movement yet.")).to_be_visible()
    page.get_by_role("button", name="Add Funds").click()
    screen.dialog_accessible()
    dialog = page.get_by_role("dialog", name="Refill Account Balance")
    survives_hostile_text(screen, dialog, dialog.get_by_role("button", name="OK").click)
    assert screen.writes == []
    dialog.get_by_label(re.compile("^Amount")).fill("99999999.00")  # a number, and over the limit
    dialog.get_by_role("button", name="OK").click()
    expect(dialog.get_by_label(re.compile("^Amount"))).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label(re.compile("^Amount")).fill("1500.00")
    sent = screen.sent("POST", "/top-ups$")
    dialog.get_by_role("button", name="OK").dblclick()
    created = dialog.get_by_role("status")
    expect(created).to_have_text(re.compile(r"New order # \d+ was created\. Please go to the order page to complete"))
    assert screen.sent("POST", "/top-ups$") == sent + 1
    dialog.get_by_role("button", name="Close").last.click()

    # Awaiting payment until it is paid; then the balance rises by exactly that, by itself.
    order = nora.api.get("/orders")["items"][0]
    assert (order["kind"], order["status"], order["amount"]) == ("topup", "awaiting_payment", 150_000)
    balance = page.get_by_role("region", name="What you may do")
    expect(balance).to_contain_text("$0.00")
    page.wait_for_timeout(500)  # the event stream has opened
    nora.steps.pay_by_card(order["order_id"])
    expect(balance).to_contain_text("$1,500.00")
    assert nora.steps.wait_for_payment(order["order_id"])["status"] == "paid"

    # An order is paid from it at once.
    nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    lines = page.get_by_role("list", name="Statement").get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.last).to_contain_text("$1,500.00")
    price = 150_000 - nora.api.get("/balance")["balance"]
    expect(lines.first).to_contain_text(f"-${price / 100:.2f}")
    screen.accessible(lambda: expect(lines).to_have_count(2))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    amounts = {float(row["amount"].lstrip("'")) for row in rows}
    assert amounts == {1500.0, -price / 100}
    lines.first.get_by_role("link").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()


def test_the_way_to_payment_leads_to_the_amount(product, nora, open_screen):
    page = open_screen(product.url, nora).open("/deposit?add=1")
    page.get_by_label(re.compile("^Amount")).fill("500.00")
    page.get_by_role("button", name="OK").click()
    page.get_by_role("link", name="Complete payment").click()
    expect(page.get_by_text("$500.00")).to_be_visible()


def test_the_price_list_has_a_group_per_product_and_a_line_per_term(product, nora, open_screen):
    page = open_screen(product.url, nora).open("/deposit")
    prices = page.get_by_role("table", name="EPKI Price List")
    expect(prices.get_by_role("columnheader")).to_have_text(
        ["Product Name", "Buy Price", "Single Domains", "Additional Price", "Additional Domains", "Wildcard Price",
         "Wildcard Domains"]
    )  # fmt: skip
    products = nora.api.get("/products")["items"]
    expect(prices.get_by_role("rowheader")).to_have_text([one["name"] for one in products])
    expect(prices.locator("tbody tr")).to_have_count(len(products) + sum(len(one["terms"]) for one in products))
    first = products[0]["terms"][0]
    expect(prices.locator("tbody tr").nth(1)).to_contain_text(f"${first['price'] / 100:,.2f}")
    expect(prices.get_by_text(re.compile(r"^Up to \d+$")).first).to_be_visible()


@pytest.mark.parametrize(
    ("permissions", "yes"),
    [
        (["view"], ["No", "No", "Yes"]),
        (["view", "replenish_balance"], ["Yes", "No", "Yes"]),
        (["view", "create_order"], ["No", "Yes", "Yes"]),
    ],
)
def test_the_permissions_gate_here_and_at_the_api(product, nora, open_screen, permissions, yes):
    nora.steps.top_up(50_000)
    ada = people.colleague(nora, permissions)
    adds, buys = "replenish_balance" in permissions, "create_order" in permissions
    page = open_screen(product.url, ada).open("/deposit?add=1")
    expect(page.get_by_role("region", name="What you may do").locator("dd")).to_have_text([*yes, "$500.00"])
    expect(page.get_by_role("dialog", name="Refill Account Balance")).to_have_count(int(adds))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Add Funds")).to_have_count(int(adds))
    rail = page.get_by_role("region", name="Account balance")
    expect(rail).to_contain_text("$500.00")
    expect(rail.get_by_role("link", name="Add funds")).to_have_count(int(adds))
    page.get_by_role("link", name="SSL Certificates").click()
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    expect(page.get_by_role("link", name="New Order")).to_have_count(int(buys))
    for allowed, write in (
        (adds, lambda: ada.api.post("/top-ups", {"amount": 1000, "currency": "USD"})),
        (buys, lambda: ada.steps.place_order("dv-single", [NAME], "http_csr_hash")),
    ):
        if allowed:
            write()
        else:
            with pytest.raises(ProblemError) as error:
                write()
            assert error.value.status == 403


def test_without_the_right_to_view_nothing_is_seen(product, nora, open_screen):
    nora.steps.top_up(50_000)
    ada = people.colleague(nora, ["create_order"])
    page = open_screen(product.url, ada).open("/deposit")
    expect(page.get_by_text("It needs the permission “View”.")).to_be_visible()
    expect(page.get_by_role("link", name="SSL Certificates")).to_have_count(0)
    expect(page.get_by_role("region", name="Account balance")).to_have_count(0)
    for path in ("/orders", "/statement", "/statement.csv", "/balance"):
        with pytest.raises(ProblemError) as error:
            ada.api.get(path)
        assert error.value.status == 403, path


def test_who_wants_to_is_warned_of_a_low_balance(product, nora, open_screen):
    nora.steps.top_up(50_000)
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit")
    form = page.get_by_role("form", name="Low-balance alert")
    amount, save = form.get_by_label(re.compile("^Warn me when")), form.get_by_role("button", name="Save")
    for kind, text in HOSTILE.items():
        if kind != "blank":  # which means: no warning
            amount.fill(text)
            save.click()
            expect(form.get_by_text("Type an amount with at most two decimals")).to_be_visible()
    assert screen.writes == []
    amount.fill("600")
    save.dblclick()
    expect(page.get_by_text("You are warned below $600.00.")).to_be_visible()
    assert screen.sent("PUT", "/alert-settings$") == 1
    assert nora.api.get("/alert-settings")["low_balance"] == 60_000
    nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    expect(page.get_by_role("region", name="Alerts").get_by_role("listitem")).to_have_count(1)
