# SPDX-License-Identifier: Apache-2.0
"""The forecast: what the dated rules will ask, by year, by order and step by step."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support import people
from tests.support.mailed_proof import issued
from tests.support.many_orders import fill

NAME = "shop.example.com"


def test_an_account_without_certificates_is_told_what_will_change(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    page.get_by_role("link", name="Forecast").click()
    expect(page.get_by_text("No certificate is in use")).to_be_visible()
    rules = page.get_by_role("region", name="Rules that will change")
    expect(rules.get_by_role("listitem")).to_have_count(4)
    expect(rules).to_contain_text("March 15, 2029: certificates last 47 days at most")
    screen.accessible(lambda: expect(rules).to_be_visible())


def test_what_will_be_due_by_year_by_order_and_step_by_step(product, nora, operator, open_screen):
    order = issued(nora, operator, NAME)
    fill(product.folder / "data", nora.api.get("/account")["account_id"], 10)
    told = nora.api.get("/orders/forecast", until="2029-12-31")
    screen = open_screen(product.url, nora)
    page = screen.open("/forecast")
    expect(page.get_by_role("img", name=re.compile("What will be due by month. 2026: "))).to_be_visible()
    figures = page.get_by_role("table", name=re.compile("By year"))
    expect(figures.get_by_role("row").last).to_contain_text(str(told["total"]["validations"]))
    expect(figures.get_by_role("row")).to_have_count(1 + 4 + 1)
    ends = page.get_by_role("alert").filter(has_text="allowed until the day before March 15, 2028")
    expect(ends).to_contain_text("1 name in 1 order proved so")
    orders = page.get_by_role("table", name="Orders")
    expect(orders.get_by_role("row")).to_have_count(1 + told["orders_total"])
    expect(orders.get_by_role("row").filter(has_text=NAME)).to_contain_text("its method ends March 15, 2028")
    screen.accessible(lambda: expect(orders).to_be_visible())
    page.get_by_role("button", name=f"Steps of order {order['number']}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The method is allowed no more")
    expect(dialog).to_contain_text("Renewal: a new term")
    screen.dialog_accessible()
    page.keyboard.press("Escape")
    page.get_by_label("Until", exact=True).select_option("2027-12-31")
    expect(page).to_have_url(re.compile("until=2027-12-31"))
    expect(figures.get_by_role("row")).to_have_count(1 + 2 + 1)
    expect(ends).to_have_count(0)


def test_an_operator_sees_the_forecast_of_every_account(product, nora, operator, open_screen):
    issued(nora, operator, "one.example.com")
    issued(people.customer(product.url), operator, "two.example.com")
    screen = open_screen(product.url, operator)
    page = screen.open("/forecast")
    orders = page.get_by_role("table", name="Orders")
    for name in ("one.example.com", "two.example.com"):
        expect(orders).to_contain_text(name)
