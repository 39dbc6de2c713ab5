# SPDX-License-Identifier: Apache-2.0
"""What the services say is said in the reader's language: an order in each status, its history, log and dialogs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support import people
from tests.support.every_status import STATUSES, one_of_each

# Words of English sentences that no German one has, nor a product's name.
ENGLISH = re.compile(
    r"\b(the|your|you|is|are|has|have|been|of|by|with|from|this|that|not|it|its|to|for|and|or|can|could|be|on|until)\b"
)
REJECTED = "The company could not be found."  # the operator's own words
UNQUOTED = "There is no such quote."  # of the orders that were written past the other rooms


@pytest.fixture(scope="module")
def shelf(product, operator) -> tuple[people.Person, dict[str, dict[str, Any]]]:
    person = people.customer(product.url)
    return person, one_of_each(product, person, operator)


def english(page: Page, within: str = "main") -> list[str]:
    """Lines with an English word, as one reads them, but for what is marked as the words of a program."""
    page.locator(within).evaluate("node => node.querySelectorAll('[lang=en]').forEach(each => each.remove())")
    lines = page.locator(within).inner_text().replace(REJECTED, "").replace(UNQUOTED, "").splitlines()
    return [line for line in lines if ENGLISH.search(line)]


@pytest.mark.parametrize("status", STATUSES)
def test_an_order_says_nothing_in_english_to_a_german_reader(product, shelf, open_screen, status):
    person, orders = shelf
    order = orders[status]
    screen = open_screen(product.url, person, language="de-DE")
    page = screen.open(f"/orders/{order['order_id']}")
    history = page.get_by_role("region", name="Verlauf").get_by_role("listitem")
    expect(history).to_have_count(len(person.api.get(f"/orders/{order['order_id']}/history?limit=200")["items"]))
    expect(page.get_by_role("main").get_by_role("status", name="Lädt")).to_have_count(0)
    assert english(page) == []
    if status in ("processing", "awaiting_payment", "issued"):
        screen.accessible(lambda: expect(history.first).to_be_visible())


def test_the_audit_log_is_german(product, shelf, open_screen):
    person, _ = shelf
    screen = open_screen(product.url, person, language="de-DE")
    page = screen.open("/audit?size=100")
    lines = page.get_by_role("row").get_by_role("button")
    expect(lines.first).to_be_visible()
    assert english(page) == []
    lines.first.click()
    expect(page.get_by_role("dialog").locator("p").first).not_to_have_text("")
    assert not ENGLISH.search(page.get_by_role("dialog").locator("p").first.inner_text())


def test_why_a_request_or_a_proof_is_refused_is_german(product, shelf, open_screen):
    person, orders = shelf
    screen = open_screen(product.url, person, language="de-DE")
    page = screen.open(f"/orders/{orders['waiting_for_csr']['order_id']}")
    page.get_by_role("group", name="Was Sie tun können").get_by_role("button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("einfügen").first.click()
    field = dialog.get_by_role("textbox")
    field.fill("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----")
    dialog.get_by_role("button", name="Senden").click()
    expect(dialog.get_by_text("Das ist ein Zertifikat; senden Sie die Zertifikatsanforderung.")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    page = screen.open(f"/orders/{orders['processing']['order_id']}")
    page.get_by_role("button", name=re.compile("nachweisen|Nachweis")).first.click()
    expect(dialog.get_by_text(re.compile("^Die Regeln verbieten diese Art")).first).to_be_visible()
    assert english(page, "[role=dialog]") == []


def test_a_name_that_no_certificate_can_have_is_refused_in_german(product, nora, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open("/buy")
    page.get_by_label(re.compile("^Art des Zertifikats")).select_option("dv-single")
    page.get_by_role("button", name="Weiter").click()
    page.get_by_label(re.compile("^Hauptname")).fill("web_server.example.com")
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_text(re.compile("^Unterstriche sind in Namen von Zertifikaten nicht erlaubt"))).to_be_visible()


def test_a_problem_is_told_by_its_code_and_keeps_the_words_of_the_server(product, nora, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open("/orders/00000000-0000-4000-8000-000000000000")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("Das gibt es nicht mehr, oder es gehört einem anderen Konto.")
    expect(alert.locator("[lang=en]")).to_have_text("There is no such order.")
    assert screen.axe() == []
