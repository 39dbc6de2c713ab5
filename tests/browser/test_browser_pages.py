# SPDX-License-Identifier: Apache-2.0
"""Check list sections 4, 6, 11, 12 and 17 without a web server: lists, wizard, deposit; a connection that is cut."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

NAME = "www.example.com"


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/orders", "Orders"),
        ("/servers", "Manage agents and servers"),
        ("/deposit", "EPKI Manager"),
        ("/buy", "Create new order"),
        ("/nowhere", "There is no such page"),
    ],
)
def test_every_page_is_accessible(product, nora, open_screen, path, heading):
    screen = open_screen(product.url, nora)
    page = screen.open(path)
    screen.accessible(lambda: expect(page.get_by_role("heading", name=heading).first).to_be_visible())


def test_the_list_offers_exactly_what_the_api_allows(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    actions = page.get_by_label(f"Actions for order {order['number']}")
    expect(actions.locator("option")).to_have_text(["Complete payment", "Cancel order"])
    screen.accessible(lambda: expect(actions).to_be_visible())


def test_a_change_by_somebody_else_shows_without_a_reload(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    row = page.get_by_role("row").filter(has_text=str(order["number"]))
    expect(row).to_contain_text("Awaiting payment")
    page.wait_for_timeout(500)  # the event stream has opened
    nora.steps.pay_by_card(order["order_id"])
    expect(row).to_contain_text("Waiting for CSR")
    expect(row.get_by_label("Actions for").locator("option")).to_have_text(
        ["Generate request", "Request invoice", "Cancel order"]
    )


def test_an_order_is_cancelled_only_after_its_number_was_typed(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open(f"/orders/{order['order_id']}")
    page.get_by_role("group", name="What you can do").get_by_role("button", name="Cancel order").click()
    confirm = page.get_by_role("button", name="Cancel the order")
    expect(confirm).to_be_disabled()
    screen.dialog_accessible()
    page.get_by_label(f"Type {order['number']} to confirm").fill(str(order["number"]))
    confirm.dblclick()
    expect(page.get_by_role("main").get_by_text("Cancelled").first).to_be_visible()
    assert screen.sent("POST", "/cancel$") == 1


@pytest.mark.parametrize("amount", ["0", "-5", "1.234", "abc", "", "١٠", "9" * 40])
def test_an_amount_that_is_none_is_refused_at_its_field(product, nora, open_screen, amount):
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit?add=1")
    page.get_by_label(re.compile("^Amount")).fill(amount)
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Type an amount above zero")).to_be_visible()
    assert screen.writes == []


def test_funds_are_ordered(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit?add=1")
    screen.dialog_accessible()
    page.get_by_label(re.compile("^Amount")).fill("500.00")
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text(re.compile(r"New order # \d+ was created\. Please go to the order page"))).to_be_visible()
    page.get_by_role("link", name="Complete payment").click()
    expect(page.get_by_text("$500.00")).to_be_visible()


def test_a_lost_connection_says_so_and_keeps_what_was_typed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    page.get_by_role("button", name="Add New Agent/Server").click()
    name = page.get_by_label(re.compile("^Agent Name"))
    name.fill("web-1")
    screen.lost = True
    page.context.set_offline(True)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(name).to_have_value("web-1")
    page.context.set_offline(False)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Agent UID", exact=True).last).to_be_visible()
    assert len(nora.api.get("/agents")["items"]) == 1


def test_the_console_speaks_german(product, nora, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open("/orders")
    expect(page.get_by_role("heading", name="Bestellungen")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
