# SPDX-License-Identifier: Apache-2.0
"""Check list section 1: sign-in in two steps, one refusal for whatever was wrong, a password that must be changed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.live_gateway import PASSWORD

REFUSAL = "The login, the password or the second step is wrong."
TEMPORARY, OWN = "Temporary-Pass-42", "Chosen-By-Myself-7"


def first_step(page, login, password):
    page.get_by_label("Login").fill(login)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Submit").click()


def test_a_customer_signs_in_with_an_order_number_and_lands_on_the_orders(product, nora, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    first_step(page, nora.login, nora.password)
    page.get_by_label("Please, type here one of Your order numbers.").fill(nora.order_number)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    assert screen.sent("POST", "/api/v1/session$") == 1


@pytest.mark.parametrize("number", ["another customer's", "999999999", "abc"])
def test_whatever_number_is_wrong_the_answer_is_the_same(product, nora, open_screen, number):
    wrong = people.customer(product.url).order_number if number.startswith("another") else number
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    first_step(page, nora.login, nora.password)
    page.get_by_label("Please, type here one of Your order numbers.").fill(wrong)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)


def test_nothing_is_sent_before_both_fields_are_there(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Type your login.")).to_be_visible()
    expect(page.get_by_text("Type your password.")).to_be_visible()
    assert screen.writes == []


def test_somebody_who_was_added_chooses_an_own_password_first(product, nora, open_screen):
    login = f"{nora.login}-ben"
    user = {"login": login, "password": TEMPORARY, "email": "ben@example.com", "permissions": ["view"]}
    nora.api.post("/users", user)
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    first_step(page, login, TEMPORARY)
    page.get_by_label("Please, type here one of Your order numbers.").fill(nora.order_number)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose one of your own")
    page.get_by_role("textbox", name=re.compile("^Password")).fill(OWN)
    page.get_by_role("textbox", name=re.compile("^Confirm Password")).fill(OWN)
    page.get_by_role("button", name="Submit").click()
    accept = page.get_by_role("button", name="Accept")
    orders = page.get_by_role("heading", name="Orders")
    expect(accept.or_(orders)).to_be_visible()
    while accept.is_visible():
        accept.click()
        expect(accept.or_(orders)).to_be_visible()
        page.wait_for_timeout(300)
    expect(orders).to_be_visible()


def test_the_sign_in_page_is_accessible(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Sign in")).to_be_visible())


def test_the_sign_up_page_is_accessible_and_keeps_what_was_typed(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-up")
    company = page.get_by_label(re.compile("^Company Name")).first
    company.fill("Blümen & Söhne \u200f🌷")
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Signup")).to_be_visible())
    expect(company).to_have_value("Blümen & Söhne \u200f🌷")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("This is needed.")).to_have_count(10)
    assert PASSWORD not in page.evaluate("JSON.stringify(sessionStorage)")
