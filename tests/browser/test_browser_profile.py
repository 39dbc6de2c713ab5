# SPDX-License-Identifier: Apache-2.0
"""Check list 1.11, 1.12, 3.12 and 18.01: the own user, the company."""

from __future__ import annotations

import re

import pyotp
import pytest
import requests
from playwright.sync_api import expect

from tests.support.hostile_text import EMOJI, survives_hostile_text
from tests.support.live_gateway import PASSWORD

NEW_PASSWORD = "Correct-horse-battery-9"


def field(scope, label):
    """A text field by the beginning of its label."""
    return scope.get_by_role("textbox", name=re.compile(f"^{re.escape(label)}"))


@pytest.mark.parametrize(("path", "heading"), [("/profile", "Profile"), ("/company", "Company")])
def test_the_page_is_accessible(product, nora, open_screen, path, heading):
    screen = open_screen(product.url, nora)
    page = screen.open(path)
    screen.accessible(lambda: expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible())


def test_no_text_breaks_the_password_form(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    form = screen.open("/profile").get_by_role("region", name="Change password")
    survives_hostile_text(screen, form, form.get_by_role("button", name="Change password").click)


def test_the_password_is_changed_and_bad_ones_are_refused_at_their_field(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    form = page.get_by_role("region", name="Change password")
    button = form.get_by_role("button", name="Change password")
    field(form, "Current password").fill("wrong")
    field(form, "New password").fill(NEW_PASSWORD)
    field(form, "Confirm Password").fill(NEW_PASSWORD + "x")
    button.click()
    expect(form.get_by_text("The two passwords differ.")).to_be_visible()
    field(form, "Confirm Password").fill(NEW_PASSWORD)
    button.click()
    expect(field(form, "Current password")).to_have_attribute("aria-invalid", "true")
    field(form, "Current password").fill(PASSWORD)
    before = screen.sent("PUT", "/me/password$")
    button.dblclick()
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    assert screen.sent("PUT", "/me/password$") == before + 1
    expect(field(form, "New password")).to_have_value("")


def test_an_authenticator_app_is_set_up_and_removed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    section = page.get_by_role("region", name="Second step of the sign-in")
    section.get_by_role("button", name="Set up an authenticator app").click()
    dialog = page.get_by_role("dialog")
    secret = dialog.locator("pre").inner_text()
    expect(dialog.get_by_role("img", name="QR code for the authenticator app")).to_be_visible()
    screen.dialog_accessible()
    field(dialog, "Code of the app").fill("00000x")
    dialog.get_by_role("button", name="Turn it on").click()
    expect(field(dialog, "Code of the app")).to_have_attribute("aria-invalid", "true")
    field(dialog, "Code of the app").fill(pyotp.TOTP(secret).now())
    dialog.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_role("dialog", name="Recovery codes")
    expect(codes).to_be_visible()
    assert len(codes.locator("pre").inner_text().split()) >= 8
    screen.dialog_accessible()
    with page.expect_download() as kept:
        codes.get_by_role("link", name="Download").click()
    assert kept.value.suggested_filename == "recovery-codes.txt"
    codes.get_by_role("button", name="I have kept them").click()
    expect(section.get_by_text("An authenticator app is on")).to_be_visible()
    section.get_by_role("button", name="Remove the authenticator app").click()
    screen.dialog_accessible()
    field(page.get_by_role("dialog"), "Current password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Remove the authenticator app").click()
    expect(section.get_by_role("button", name="Set up an authenticator app")).to_be_visible()


def test_another_browser_is_signed_out_and_then_all(product, nora, open_screen):
    other = open_screen(product.url, nora.again())
    other.open("/orders")
    expect(other.page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    browsers = page.get_by_role("region", name="Signed-in browsers")
    expect(browsers.get_by_text("This browser")).to_have_count(1)
    browsers.get_by_role("button", name="Sign out 127.0.0.1").click()
    expect(browsers.get_by_role("button", name="Sign out 127.0.0.1")).to_have_count(0)
    other.page.reload()
    expect(other.page).to_have_url(re.compile("/console/sign-in"))
    browsers.get_by_role("button", name="Sign out everywhere").click()
    screen.dialog_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    expect(page).to_have_url(re.compile("/console/sign-in"))


def test_a_token_is_made_shown_once_and_ended(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    tokens = page.get_by_role("region", name="API tokens")
    expect(tokens.get_by_text("No token yet")).to_be_visible()
    tokens.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog")
    make = dialog.get_by_role("button", name="Make a token")
    screen.dialog_accessible()
    make.click()
    expect(dialog.get_by_text("This is needed.")).to_be_visible()
    field(dialog, "Name").fill("x" * 5_000)
    make.click()
    expect(field(dialog, "Name")).to_have_attribute("aria-invalid", "true")
    name = f"night {EMOJI} <b>report</b>"
    field(dialog, "Name").fill(name)
    dialog.get_by_label("Expires after").select_option("30")
    made_before = screen.sent("POST", "/tokens$")
    make.dblclick()
    secret = page.get_by_role("dialog", name="The token is made").locator("pre").first.inner_text()
    assert screen.sent("POST", "/tokens$") == made_before + 1
    screen.dialog_accessible()
    page.get_by_role("button", name="I have kept it").click()
    expect(tokens.get_by_text(name)).to_be_visible()
    answer = page.request.get(
        f"{product.url}/api/v1/orders", headers={"Authorization": f"Bearer {secret}", "Cookie": ""}
    )
    assert answer.status == 200
    assert secret not in page.content()
    tokens.get_by_role("button", name="End the token").click()
    page.get_by_role("dialog").get_by_role("button", name="End", exact=True).click()
    expect(tokens.get_by_text("No token yet")).to_be_visible()
    refused = requests.get(f"{product.url}/api/v1/orders", headers={"Authorization": f"Bearer {secret}"}, timeout=10)
    assert refused.status_code == 401


def test_company_and_contact_are_changed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/company")
    form = page.locator("form")
    survives_hostile_text(screen, form, lambda: form.get_by_role("button", name="Save").click())
    form.get_by_role("button", name="Undo changes").click()
    field(form, "Company Name").fill("שלום & <i>Söhne</i>")
    field(form, "Telephone Number").fill("12")
    form.get_by_role("button", name="Save").click()
    expect(field(form, "Telephone Number")).to_have_attribute("aria-invalid", "true")
    field(form, "Telephone Number").fill("+49 30 7654321")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Company and contact are saved.")).to_be_visible()
    account = nora.api.get("/account")
    assert account["company"]["name"] == "שלום & <i>Söhne</i>"
    assert account["contact"]["telephone"] == "+49307654321"
