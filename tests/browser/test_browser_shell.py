# SPDX-License-Identifier: Apache-2.0
"""Check list section 3: the frame around every page."""

from __future__ import annotations

from playwright.sync_api import expect


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
