# SPDX-License-Identifier: Apache-2.0
"""Check list 1.05 and 1.12: passkeys are enrolled, are the second step or the only one, and go again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.hostile_text import EMOJI, survives_hostile_text
from tests.support.live_gateway import CUSTOMER, PASSWORD, live
from tests.support.virtual_authenticator import VirtualAuthenticator

REFUSAL = "The login, the password or the second step is wrong."


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The product under a name: an IP address can have no passkeys."""
    with live(tmp_path_factory.mktemp("named"), host="localhost") as running:
        yield running


def field(scope, label):
    return scope.get_by_role("textbox", name=re.compile(f"^{re.escape(label)}"))


def press(scope, name):
    scope.get_by_role("button", name=name, exact=True).click()


def enrol(page, name="Laptop", password=PASSWORD):
    """Through the dialog; leaves whatever comes then."""
    press(page.get_by_role("region", name="Passkeys"), "Add a passkey")
    dialog = page.get_by_role("dialog", name="Add a passkey")
    field(dialog, "Name").fill(name)
    field(dialog, "Current password").fill(password)
    press(dialog, "Add a passkey")


def first_step(page, login, password=PASSWORD):
    field(page, "Login").fill(login)
    field(page, "Password").fill(password)
    press(page, "Submit")


def signed_in(page):
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


def signed_out(page):
    page.context.clear_cookies()
    page.goto(re.sub(r"/console.*", "/console/sign-in", page.url))
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_a_passkey_is_enrolled_signs_in_alone_and_is_removed(named, open_screen):
    nora = people.customer(named.url)
    screen = open_screen(named.url, nora)
    page = screen.open("/profile")
    device = VirtualAuthenticator(page)
    section = page.get_by_role("region", name="Passkeys")
    expect(section.get_by_text("No passkey yet.")).to_be_visible()
    name = f"Laptop {EMOJI} <b>שלום</b>"
    enrol(page, name)
    codes = page.get_by_role("dialog", name="Recovery codes")
    assert len(codes.locator("pre").inner_text().split()) == 10
    screen.dialog_accessible()
    press(codes, "I have kept them")
    expect(section.get_by_text(name)).to_be_visible()
    expect(page.get_by_text("The second step is one of your passkeys.")).to_be_visible()
    screen.accessible(lambda: expect(section.get_by_text(name)).to_be_visible())
    assert [one["name"] for one in nora.api.get("/me/passkeys")["items"]] == [name]
    assert len(device.credentials) == 1

    signed_out(page)
    screen.accessible(lambda: expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible())
    page.get_by_role("button", name="Sign in with a passkey").dblclick()
    signed_in(page)
    assert screen.sent("POST", "/session/passkey$") == 1

    page = screen.open("/profile")
    expect(section.get_by_text("last used")).to_be_visible()
    press(section, f"Remove the passkey {name}")
    removing = page.get_by_role("dialog")
    screen.dialog_accessible()
    press(removing, "Remove")
    expect(field(removing, "Current password")).to_have_attribute("aria-invalid", "true")
    field(removing, "Current password").fill("wrong")
    press(removing, "Remove")
    expect(removing.get_by_text("The present password is wrong.")).to_be_visible()
    field(removing, "Current password").fill(PASSWORD)
    removing.get_by_role("button", name="Remove", exact=True).dblclick()
    expect(section.get_by_text("No passkey yet.")).to_be_visible()
    assert screen.sent("POST", "/remove$") == 2
    signed_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)
    kinds = [one["type"] for one in nora.again().api.get("/audit")["items"]]
    assert {"accounts.PasskeyAdded", "accounts.PasskeyRemoved"} <= set(kinds)


def test_it_takes_the_place_of_the_order_number_and_nobody_else_can_use_the_device(named, open_screen):
    nora = people.customer(named.url)
    screen = open_screen(named.url, nora)
    page = screen.open("/profile")
    device = VirtualAuthenticator(page)
    enrol(page)
    codes = page.get_by_role("dialog", name="Recovery codes")
    recovery = codes.locator("pre").inner_text().split()[0]
    press(codes, "I have kept them")

    signed_out(page)
    device.knows_user(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was given")
    assert screen.sent("POST", "/session/passkey$") == 0
    device.knows_user(True)
    first_step(page, nora.login)
    field(page, "Please, type here").fill(nora.order_number)
    press(page, "Submit")
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)
    press(page, "Use a passkey instead")
    screen.accessible(lambda: expect(page.get_by_text("Your browser asks for the passkey")).to_be_visible())
    page.get_by_role("button", name="Use passkey", exact=True).dblclick()
    signed_in(page)
    assert screen.sent("POST", "/session$") == 2

    signed_out(page)
    first_step(page, nora.login, "wrong-Horse-7")
    press(page, "Use a passkey instead")
    press(page, "Use passkey")
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)
    press(page, "Back")
    first_step(page, nora.login)
    press(page, "Use an authenticator app instead")
    field(page, "Code of your authenticator app").fill(recovery)
    press(page, "Submit")
    signed_in(page)


def test_the_dialog_takes_whatever_is_typed_and_the_device_no_passkey_twice(named, open_screen):
    nora = people.customer(named.url)
    screen = open_screen(named.url, nora)
    page = screen.open("/profile")
    VirtualAuthenticator(page)
    press(page.get_by_role("region", name="Passkeys"), "Add a passkey")
    dialog = page.get_by_role("dialog", name="Add a passkey")
    expect(field(dialog, "Name")).to_be_focused()
    screen.dialog_accessible()
    press(dialog, "Add a passkey")
    expect(field(dialog, "Name")).to_have_attribute("aria-invalid", "true")
    expect(field(dialog, "Current password")).to_have_attribute("aria-invalid", "true")
    survives_hostile_text(
        screen, dialog, dialog.get_by_role("button", name="Add a passkey").click, kinds=("too long", "markup")
    )
    field(dialog, "Current password").fill(PASSWORD)
    field(dialog, "Name").fill("x" * 101)
    press(dialog, "Add a passkey")
    expect(dialog.get_by_text("1 to 100 characters")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    enrol(page, "First")
    press(page.get_by_role("dialog", name="Recovery codes"), "I have kept them")
    enrol(page, "Second")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("This device holds a passkey")
    assert len(nora.api.get("/me/passkeys")["items"]) == 1


def test_a_temporary_password_is_changed_with_the_passkey_that_came_along(named, open_screen):
    nora = people.customer(named.url)
    screen = open_screen(named.url, nora)
    page = screen.open("/profile")
    VirtualAuthenticator(page)
    enrol(page)
    press(page.get_by_role("dialog", name="Recovery codes"), "I have kept them")
    chief = {"login": f"{nora.login}-chief", "password": PASSWORD, "email": "c@example.com"}
    nora.api.post("/users", {**chief, "permissions": CUSTOMER, "must_change_password": False})
    boss = people.APIClient(named.url)
    boss.post("/session", {"login": chief["login"], "password": PASSWORD, "order_number": nora.order_number})
    boss.post(f"/users/{nora.api.get('/me')['user_id']}/password", {"password": "Temporary-Pass-42"})

    signed_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("sign in with login and password once")
    first_step(page, nora.login, "Temporary-Pass-42")
    press(page, "Use a passkey instead")
    press(page, "Use passkey")
    field(page, "Password").fill("Chosen-By-Myself-7")
    field(page, "Confirm Password").fill("Chosen-By-Myself-7")
    press(page, "Submit")
    signed_in(page)


def test_where_there_can_be_none_the_page_says_why(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    section = page.get_by_role("region", name="Passkeys")
    expect(section.get_by_text("reached by an IP address")).to_be_visible()
    expect(section.get_by_role("button", name="Add a passkey")).to_have_count(0)
    signed_out(page)
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
