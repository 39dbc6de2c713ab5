# SPDX-License-Identifier: Apache-2.0
"""Check list 1.12: sign-in by the operator's OpenID Connect provider: connected, used, refused, disconnected."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.live_gateway import PASSWORD, live
from tests.support.openid_provider import served, settings_for

WITH = "Sign in with Blumen ID"
CONNECT = "Connect Blumen ID"


@pytest.fixture(scope="module")
def provider():
    with served("") as running:
        yield running


@pytest.fixture(scope="module")
def product(tmp_path_factory, provider):
    with live(tmp_path_factory.mktemp("oidc"), settings_for(provider)) as running:
        provider.redirect_uri = f"{running.url}/sign-in/oidc/callback"
        yield running


@pytest.fixture(autouse=True)
def honest(provider):
    yield
    provider.lies()


def press(scope, name):
    scope.get_by_role("button", name=name, exact=True).click()


def at_provider(page, choice):
    expect(page.get_by_role("heading", name="Provider")).to_be_visible()
    page.get_by_role("link", name=choice, exact=True).click()


def give_password(page, verb, password=PASSWORD):
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name=re.compile("^Current password")).fill(password)
    press(dialog, verb)


def section_of(page):
    return page.get_by_role("region", name="Sign-in provider")


def connect(page, who):
    press(section_of(page), CONNECT)
    give_password(page, "Go on")
    at_provider(page, f"Sign in as {who}")


def signed_out(page, path="/sign-in"):
    page.context.clear_cookies()
    page.goto(re.sub(r"/console.*", f"/console{path}", page.url))
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_an_identity_is_connected_signs_in_and_is_disconnected(product, open_screen):
    nora = people.customer(product.url)
    screen = open_screen(product.url, nora)
    page = screen.open("/profile")
    section = section_of(page)
    screen.accessible(lambda: expect(section.get_by_role("button", name=CONNECT)).to_be_visible())
    press(section, CONNECT)
    screen.dialog_accessible()
    press(page.get_by_role("dialog"), "Go on")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    give_password(page, "Go on", "wrong")
    expect(page.get_by_role("dialog").get_by_text("The present password is wrong.")).to_be_visible()
    give_password(page, "Go on")
    at_provider(page, "Sign in as nora")
    expect(section.get_by_role("status")).to_contain_text("Your identity at Blumen ID is connected.")
    expect(section.get_by_text("never used")).to_be_visible()
    screen.accessible(lambda: expect(section.get_by_role("status")).to_be_visible())

    signed_out(page, "/sign-in?next=%2Fservers")
    screen.accessible(lambda: expect(page.get_by_role("button", name=WITH)).to_be_visible())
    page.get_by_role("button", name=WITH).dblclick()
    at_provider(page, "Sign in as nora")
    expect(page).to_have_url(re.compile("/console/servers$"))
    expect(page.get_by_role("heading", name="Manage agents and servers")).to_be_visible()
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "certwright"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")

    page = screen.open("/profile")
    expect(section.get_by_text("last used")).to_be_visible()
    press(section, "Disconnect")
    screen.dialog_accessible()
    give_password(page, "Disconnect")
    expect(section.get_by_role("button", name=CONNECT)).to_be_visible()
    signed_out(page)
    press(page, WITH)
    at_provider(page, "Sign in as nora")
    expect(page.get_by_role("alert")).to_contain_text("No user has connected this identity.")
    kinds = [one["type"] for one in nora.again().api.get("/audit")["items"]]
    assert {"accounts.OIDCIdentityLinked", "accounts.OIDCIdentityRemoved"} <= set(kinds)


def test_whatever_goes_wrong_is_said_on_the_sign_in_page(product, provider, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    press(page, WITH)
    at_provider(page, "Sign in as otto")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Sign in with login and password once, and connect it on the profile page.")
    expect(alert).to_contain_text("oidc_unknown")
    screen.accessible(lambda: expect(alert).to_be_visible())
    press(page, WITH)
    at_provider(page, "Cancel")
    expect(alert).to_contain_text("You cancelled at Blumen ID.")
    expect(alert).to_contain_text("oidc_cancelled")
    for lie, word in (({"claims": {"nonce": "x"}}, "invalid"), ({"status": {"/token": 503}}, "unavailable")):
        provider.lies(**lie)
        press(page, WITH)
        at_provider(page, "Sign in as otto")
        expect(alert).to_contain_text(f"oidc_{word}")
        provider.lies()
    press(page, WITH)
    expect(page.get_by_role("heading", name="Provider")).to_be_visible()
    brought = page.get_by_role("link", name="Sign in as otto").get_attribute("href")
    page.goto(brought)
    expect(alert).to_contain_text("oidc_unknown")
    page.goto(brought)
    expect(alert).to_contain_text("oidc_stale")
    page.goto(f"{product.url}/console/sign-in?oidc=%3Cb%3Ex")
    expect(alert).to_contain_text("oidc_refused")


def test_it_is_said_in_german_too(product, open_screen):
    page = open_screen(product.url, language="de-DE").open("/sign-in?oidc=cancelled")
    expect(page.get_by_role("alert")).to_contain_text("Sie haben bei Blumen ID abgebrochen.")
    expect(page.get_by_role("button", name="Mit Blumen ID anmelden")).to_be_visible()


def test_an_identity_of_somebody_else_is_not_connected_again(product, open_screen):
    first, second = people.customer(product.url), people.customer(product.url)
    for person, said in ((first, "is connected"), (second, "Not connected")):
        page = open_screen(product.url, person).open("/profile")
        connect(page, "otto")
        expect(section_of(page)).to_contain_text(said)
    expect(section_of(page)).to_contain_text("This identity is connected with another user.")
    assert second.api.get("/me/identities")["items"] == []


def test_agreements_that_are_due_come_before_the_console(product, provider, open_screen):
    nora = people.customer(product.url)
    login, given = f"{nora.login}-new", "Temporary-Horse-1-Staple"
    user = {"login": login, "password": given, "email": "c@example.com", "permissions": ["view"]}
    nora.api.post("/users", user)
    api = people.APIClient(product.url)
    body = {"login": login, "password": given, "order_number": nora.order_number, "new_password": PASSWORD}
    api.post("/session", body)
    ben = people.Person(product.url, api, login, PASSWORD, nora.order_number)
    begun = api.post("/me/identities/begin", {"current_password": PASSWORD})
    screen = open_screen(product.url, ben)
    back = provider.visit(begun["url"], "ben")
    screen.page.goto(provider.redirect_uri + "?" + "&".join(f"{name}={value}" for name, value in back.items()))
    expect(section_of(screen.page).get_by_role("status")).to_be_visible()
    signed_out(screen.page)
    press(screen.page, WITH)
    expect(screen.page.get_by_role("heading", name="Provider")).to_be_visible()
    back = provider.visit(screen.page.url, "ben")
    screen.page.goto(provider.redirect_uri + "?" + "&".join(f"{name}={value}" for name, value in back.items()))
    expect(screen.page.get_by_role("heading", name="End user license agreement")).to_be_visible()
    press(screen.page, "Accept")
    expect(screen.page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


def test_without_a_provider_there_is_no_button(tmp_path, open_screen):
    with live(tmp_path) as running:
        nora = people.customer(running.url)
        page = open_screen(running.url, nora).open("/profile")
        expect(page.get_by_role("region", name="Passkeys")).to_be_visible()
        expect(section_of(page)).to_have_count(0)
        signed_out(page)
        expect(page.get_by_role("button", name=re.compile("Sign in with"))).to_have_count(0)
        page.goto(f"{running.url}/sign-in/oidc")
        expect(page.get_by_role("alert")).to_contain_text("oidc_off")
