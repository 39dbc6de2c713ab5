# SPDX-License-Identifier: Apache-2.0
"""Check list section 3: the frame around every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support import people


def test_a_visitor_is_sent_to_the_sign_in_page(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/orders")
    expect(page).to_have_url(f"{product.url}/console/sign-in?next=%2Forders")


def test_the_shell_shows_where_one_is_and_the_palette_finds_pages(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    navigation = page.get_by_role("navigation", name="You are here")
    expect(navigation).to_contain_text("SSL Management / Agents and servers")
    page.keyboard.press("Control+k")
    page.get_by_label("Page, order number or name").fill("epki")
    page.keyboard.press("Enter")
    expect(navigation).to_contain_text("EPKI Manager")


def test_the_shell_is_accessible(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    screen.accessible(lambda: expect(page.get_by_role("button", name=f"Menu of {nora.login}")).to_be_visible())


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/users", "It needs the permission “Administer”."),
        ("/buy", "It needs the permission “Create orders”."),
        ("/vouchers", "Only whoever runs this installation sees it."),
    ],
)
def test_a_page_behind_a_right_says_which_one_it_needs(product, nora, open_screen, path, says):
    screen = open_screen(product.url, people.colleague(nora, ["view"]))
    page = screen.open(path)
    expect(page.get_by_text(says)).to_be_visible()
    assert screen.axe() == []
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


def test_an_operator_has_no_page_of_a_customer(product, operator, open_screen):
    screen = open_screen(product.url, operator, language="de-DE")
    page = screen.open("/deposit")
    expect(page.get_by_text("Sie gehört zum Konto eines Kunden; Betreiber haben keines.")).to_be_visible()


def test_the_button_that_closes_a_dialog_is_called_in_the_language_of_the_page(product, nora, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open("/servers")
    page.get_by_role("button", name="Hilfe").click()
    page.get_by_role("menuitem", name="Über").click()
    page.get_by_role("dialog").get_by_role("button", name="Schließen").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
