# SPDX-License-Identifier: Apache-2.0
"""Mass replacement in the console: empty, previewed, started, its clocks and stragglers, given up; an operator's."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support import people
from tests.support.mailed_proof import issued

NAME = "shop.example.com"


def test_from_nothing_to_a_replacement_with_its_clocks_and_stragglers(product, nora, operator, open_screen):
    order = issued(nora, operator, NAME)
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    page.get_by_role("link", name="Mass replacement").click()
    expect(page.get_by_text("Nothing was replaced at once yet")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_role("heading", level=1)).to_be_visible())
    page.get_by_role("button", name="Replace certificates").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Replace certificates").click()
    expect(dialog.get_by_text("This is needed.")).to_have_count(2)
    dialog.get_by_label("With one kind of key").check()
    dialog.get_by_label("Kind of key", exact=True).select_option(index=1)
    expect(dialog.get_by_role("status")).to_contain_text("1 certificate would be replaced")
    expect(dialog.get_by_role("status")).to_contain_text("0 by agents, 0 by ACME clients, 1 by hand.")
    dialog.get_by_label("By serial number").check()
    dialog.get_by_label("Serial numbers").fill("BEEF")
    expect(dialog.get_by_role("status")).to_contain_text("There is no certificate with this serial number.")
    dialog.get_by_label("Every certificate in use").check()
    dialog.get_by_label("Why").fill("The issuer has to be left.")
    dialog.get_by_label("This is an exercise").check()
    expect(dialog.get_by_role("status")).to_contain_text("1 certificate would be replaced")
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Replace certificates").click()
    expect(page).to_have_url(re.compile("/replacements/[0-9a-f-]{36}$"))
    expect(page.get_by_role("region", name="Progress")).to_contain_text("0 of 1 replaced")
    clocks = page.get_by_role("region", name="Clocks")
    expect(clocks).to_contain_text(re.compile(r"24 hours.*23\sh\s59\smin left"))
    expect(clocks).to_contain_text(re.compile(r"5 days.*4\sd\s23\sh left"))
    late = page.get_by_role("region", name="Not done yet")
    expect(late).to_contain_text(str(order["number"]))
    expect(late).to_contain_text("Have it reissued with a new key, and install it.")
    screen.accessible(lambda: expect(late).to_be_visible())
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="Give up").click()
    page.get_by_role("dialog").get_by_role("button", name="Give up").click()
    expect(page.get_by_text("Withdrawn, keeps its certificate")).to_be_visible()
    page.get_by_role("link", name="All mass replacements").click()
    row = page.get_by_role("row").filter(has_text="The issuer has to be left.")
    expect(row).to_contain_text("Cancelled")
    expect(row).to_contain_text("Exercise")


def test_an_operator_replaces_those_of_every_account(product, nora, operator, open_screen):
    issued(nora, operator, "one.example.com")
    issued(people.customer(product.url), operator, "two.example.com")
    screen = open_screen(product.url, operator)
    page = screen.open("/replacements")
    page.get_by_role("button", name="Replace certificates").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Every certificate in use").check()
    dialog.get_by_label("Why").fill("A drill.")
    expect(dialog.get_by_role("status")).to_contain_text(re.compile("[2-9] certificates would be replaced"))
    dialog.get_by_role("button", name="Replace certificates").click()
    expect(page.get_by_role("region", name="Progress")).to_be_visible()
    page.get_by_role("button", name="Give up").click()
    page.get_by_role("dialog").get_by_role("button", name="Give up").click()
    expect(page.get_by_text("Withdrawn, keeps its certificate")).to_be_visible()
