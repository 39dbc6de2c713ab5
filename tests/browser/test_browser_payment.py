# SPDX-License-Identifier: Apache-2.0
"""Check list sections 12 and 17.06: the payment page, what goes wrong on it, and the warning of a low deposit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from certwright.api_client import ProblemError
from certwright.demo.customer import COMPANY, CONTACT, GOOD_CARD
from tests.support.hostile_text import HOSTILE

NAME = "www.example.com"
DECLINED, SECURE, TIMEOUT = "4000000000000002", "4000002500003155", "4000990000000012"


@pytest.fixture
def owed(nora):
    """An order that waits for its payment."""
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    nora.steps._wait_for("the charge", lambda: charge(nora, order) is not None)
    return order


def charge(nora: Any, order: dict[str, Any]) -> Any:
    try:
        return nora.api.get(f"/orders/{order['order_id']}/payment")
    except ProblemError as error:
        if error.status != 404:
            raise
        return None  # billing has not heard of the order yet


def open_page(screen: Any, order: dict[str, Any]) -> Page:
    page = screen.open(f"/orders/{order['order_id']}/payment")
    expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
    return page


def to_provider(page: Page) -> None:
    page.get_by_role("button", name="Make Payment").click()
    expect(page.get_by_role("heading", name="Secure payment")).to_be_visible()


def pay(page: Page, card: str) -> None:
    page.get_by_label(re.compile("^Card number")).fill(card)
    page.get_by_label(re.compile("^Expiry date")).fill("12/30")
    page.get_by_label(re.compile("^Card code")).fill("123")
    page.get_by_role("button", name="Make payment").click()


def captures(product: Any, nora: Any, order: dict[str, Any]) -> list[Any]:
    """What the ledger of the provider says about one order: never more than one capture."""
    history = nora.api.get(f"/orders/{order['order_id']}/history")["items"]
    return [each for each in history if each["type"] == "orders.OrderPaid"]


def test_the_page_says_who_pays_what_and_where_to_get_help(product, nora, owed, open_screen):
    """12.01–12.04: number, amount, payer from the account; the card is typed on the provider's origin only."""
    screen = open_screen(product.url, nora)
    page = open_page(screen, owed)
    main = page.get_by_role("main")
    for text in (str(owed["number"]), "$49.95", "Fields marked * are required"):
        expect(main).to_contain_text(text)
    for label, value in {
        "Company Name": COMPANY["name"],
        "Address 1": COMPANY["address1"],
        "City/Town": COMPANY["city"],
        "State/Province/County": COMPANY["state"],
        "Zip/Postcode": COMPANY["postcode"],
        "Country": COMPANY["country"],
        "Phone": CONTACT["telephone"],
        "Email": CONTACT["email"],
    }.items():
        expect(page.get_by_label(re.compile(f"^{label}")).first).to_have_value(value)
    help_box = page.get_by_role("complementary", name="Having problems paying?")
    expect(help_box).to_contain_text(COMPANY["name"])
    assert "127.0.0.1" not in main.inner_text()
    assert page.locator("input[autocomplete^=cc-], iframe").count() == 0
    screen.accessible(lambda: expect(page.get_by_role("button", name="Make Payment")).to_be_visible())


def test_every_field_of_the_payer_is_checked_and_reaches_the_provider(product, nora, owed, open_screen):
    screen = open_screen(product.url, nora)
    page = open_page(screen, owed)
    name, email = page.get_by_label(re.compile("^Company Name")), page.get_by_label(re.compile("^Email"))
    for text in (HOSTILE["too long"], HOSTILE["control characters"], HOSTILE["blank"]):
        name.fill(text)
        page.get_by_role("button", name="Make Payment").click()
        expect(name).to_have_attribute("aria-invalid", "true")
        expect(name).to_have_value(text)
    name.fill("שלום <b>Blumen</b> 🧨")
    email.fill("no address")
    page.get_by_role("button", name="Make Payment").click()
    expect(email).to_have_attribute("aria-invalid", "true")
    email.fill("pay@example.com")
    for label in ("Address 1", "City/Town", "State/Province/County", "Zip/Postcode", "Phone"):
        field = page.get_by_label(re.compile(f"^{label}"))
        right = field.input_value()
        field.fill(HOSTILE["too long"])
        page.get_by_role("button", name="Make Payment").click()
        expect(field).to_have_attribute("aria-invalid", "true")
        field.fill(right)
    country = page.get_by_label(re.compile("^Country"))
    country.select_option("")
    page.get_by_role("button", name="Make Payment").click()
    expect(country).to_have_attribute("aria-invalid", "true")
    country.select_option("DE")
    page.get_by_label(re.compile("^Address 1")).fill("Other Street 1")
    to_provider(page)
    expect(page.get_by_text("שלום <b>Blumen</b> 🧨")).to_be_visible()
    expect(page.get_by_text("Other Street 1")).to_be_visible()


def test_a_declined_card_takes_nothing_and_may_be_tried_again(product, nora, owed, open_screen):
    """12.06."""
    screen = open_screen(product.url, nora)
    page = open_page(screen, owed)
    to_provider(page)
    pay(page, DECLINED)
    expect(page.get_by_text("The card was declined.")).to_be_visible()
    page.get_by_role("link", name="Back to the shop").click()
    page.get_by_role("link", name="Pay again").click()
    expect(page.get_by_text("The last payment was declined. Nothing was taken.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("The card was declined.")
    to_provider(page)
    pay(page, SECURE)
    page.get_by_role("button", name="No, refuse").click()
    expect(page.get_by_text("The bank did not confirm the payment.")).to_be_visible()
    page = open_page(screen, owed)
    to_provider(page)
    pay(page, SECURE)
    page.get_by_role("button", name="Yes, confirm").click()
    page.get_by_role("link", name="To the order").click()
    expect(page.get_by_role("main").get_by_text("Waiting for CSR")).to_be_visible()
    assert len(captures(product, nora, owed)) == 1


def test_a_browser_that_was_closed_finds_the_same_payment_again(product, nora, owed, open_screen):
    """12.06: closed on the provider's page and opened again; a double click opens one payment."""
    screen = open_screen(product.url, nora)
    page = open_page(screen, owed)
    page.get_by_role("button", name="Make Payment").dblclick()
    expect(page.get_by_role("heading", name="Secure payment")).to_be_visible()
    assert screen.sent("POST", "/payment$") == 1
    expect(page).to_have_url(re.compile(r"/pay/"))  # the address may follow what the page shows
    first = page.url
    page.close()
    other = open_screen(product.url, nora)
    page = open_page(other, owed)
    expect(page.get_by_text("A payment was begun.")).to_be_visible()
    to_provider(page)
    expect(page).to_have_url(first)
    pay(page, GOOD_CARD)
    page.get_by_role("link", name="To the order").click()
    expect(page.get_by_role("main").get_by_text("Waiting for CSR")).to_be_visible()
    page = open_page(other, owed)
    expect(page.get_by_text("This order owes nothing.")).to_be_visible()
    assert len(captures(product, nora, owed)) == 1


def test_a_page_that_times_out_after_the_money_moved_ends_paid_once(product, nora, owed, open_screen):
    screen = open_screen(product.url, nora)
    screen.lost = True  # the provider's own page answers 504 on purpose
    page = open_page(screen, owed)
    to_provider(page)
    pay(page, TIMEOUT)
    expect(page.get_by_text("No answer in time.")).to_be_visible()
    page = open_page(screen, owed)
    expect(page.get_by_text("This order owes nothing.")).to_be_visible()
    assert len(captures(product, nora, owed)) == 1


def test_an_order_that_was_cancelled_meanwhile_says_so(product, nora, owed, open_screen):
    screen = open_screen(product.url, nora)
    page = open_page(screen, owed)
    nora.api.post(f"/orders/{owed['order_id']}/cancel")
    expect(page.get_by_text("This order was cancelled. Nothing is to be paid.")).to_be_visible()
    expect(page.get_by_role("button", name="Make Payment")).to_have_count(0)


def test_the_account_is_warned_of_a_low_deposit(product, nora, open_screen):
    """17.06."""
    nora.steps.top_up(10_000)
    screen = open_screen(product.url, nora)
    page = screen.open("/deposit")
    amount = page.get_by_label(re.compile("^Warn me when the balance falls below"))
    form = page.get_by_role("form", name="Low-balance alert")
    for text in [*HOSTILE.values(), "1.234", "-5", "9" * 40]:
        if not text.strip():
            continue
        amount.fill(text)
        form.get_by_role("button", name="Save").click()
        expect(amount).to_have_attribute("aria-invalid", "true")
    assert screen.writes == []
    amount.fill("999999.00")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Give an amount from 0 to")).to_be_visible()
    amount.fill("80.00")
    form.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_text("You are warned below $80.00.")).to_be_visible()
    assert screen.sent("PUT", "/alert-settings$") == 2
    screen.accessible(lambda: expect(amount).to_have_value("80.00"))
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    nora.steps.wait_for_payment(order["order_id"])
    alerts = page.get_by_role("region", name="Alerts")
    expect(alerts).to_contain_text("The deposit has USD 50.05 left, less than USD 80.00.")
    nora.steps.top_up(10_000)
    expect(alerts).to_contain_text("No more alerts found")
    amount = page.get_by_label(re.compile("^Warn me when the balance falls below"))
    amount.fill("")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("You are not warned.")).to_be_visible()
    assert nora.api.get("/alert-settings")["low_balance"] is None
