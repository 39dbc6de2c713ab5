# SPDX-License-Identifier: Apache-2.0
"""Check list section 1: sign-in in two steps, one refusal for whatever was wrong, a password that must be changed."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.hostile_text import HOSTILE, type_everywhere
from tests.support.live_gateway import PASSWORD, live

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


def in_database(product, statement, *values):
    """What an older version, or time, would have left behind."""
    with closing(sqlite3.connect(product.folder / "data" / "accounts.sqlite3", timeout=10)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def second_step(page, number):
    page.get_by_label("Please, type here one of Your order numbers.").fill(number)
    page.get_by_role("button", name="Submit").click()


def test_the_page_says_what_it_wants_and_warns_of_caps_lock(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    expect(page.get_by_text("User name and password are case sensitive.")).to_be_visible()
    expect(page.locator(".brand img")).to_be_visible()
    page.get_by_role("textbox", name="Password").focus()
    press_with_lock = "on => window.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', modifierCapsLock: on}))"
    page.evaluate(press_with_lock, True)
    expect(page.get_by_role("status").filter(has_text="Caps Lock is on.")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("Caps Lock is on.")).to_be_visible())
    page.evaluate(press_with_lock, False)
    expect(page.get_by_text("Caps Lock is on.")).to_have_count(0)
    page.get_by_role("link", name="Create New").click()
    expect(page.get_by_role("heading", name="Signup", exact=True)).to_be_visible()


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_breaks_the_sign_in(product, open_screen, kind):
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    form = page.locator("form")
    type_everywhere(form, HOSTILE[kind])
    page.get_by_role("button", name="Submit").click()
    type_everywhere(form, HOSTILE[kind])
    page.get_by_role("button", name="Submit").click()
    if kind == "control characters":  # cannot be read at all, which is said where it was typed
        expect(page.get_by_label("Login")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Login")).to_have_value(HOSTILE[kind])
        return
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)
    page.get_by_role("button", name="Use an authenticator app instead").click()
    type_everywhere(form, HOSTILE[kind])
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text(REFUSAL)


def test_whoever_fails_often_waits_and_is_told_how_long(product, open_screen):
    nora = people.customer(product.url)
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    for _ in range(5):
        first_step(page, nora.login, "wrong-Horse-7")
        second_step(page, nora.order_number)
        expect(page.get_by_role("alert")).to_contain_text(REFUSAL)
        page.get_by_role("button", name="Back").click()
    locked = "UPDATE failures SET blocked_until = '2099-01-01T00:00:00.000000Z' WHERE failed >= 5 AND key = ?"
    in_database(product, locked, f"sign-in:{hashlib.sha256(nora.login.encode()).hexdigest()}:127.0.0.1")
    first_step(page, nora.login, nora.password)
    second_step(page, nora.order_number)
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Too many failed tries. Wait \d+ seconds"))
    assert page.context.cookies() == []
    other = people.customer(product.url)
    page.get_by_role("button", name="Back").click()
    first_step(page, other.login, other.password)
    second_step(page, other.order_number)
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


def test_a_new_version_of_the_agreement_asks_again_and_reject_signs_out(product, nora, open_screen):
    user_id = nora.api.get("/me")["user_id"]
    older = "UPDATE acceptances SET version = '0' WHERE kind = 'eula' AND user_id = ?"
    in_database(product, older, user_id)
    screen = open_screen(product.url)
    page = screen.open("/sign-in")
    first_step(page, nora.login, nora.password)
    second_step(page, nora.order_number)
    expect(page.get_by_role("heading", name="End user license agreement")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_role("button", name="Reject")).to_be_visible())
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert page.request.get(f"{product.url}/api/v1/session").status == 401
    first_step(page, nora.login, nora.password)
    second_step(page, nora.order_number)
    page.get_by_role("button", name="Accept").dblclick()
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    assert screen.sent("POST", "/agreements/eula/accept$") == 1
    newest = next(one for one in nora.api.get("/audit")["items"] if one["type"] == "accounts.AgreementAccepted")
    assert newest["data"] == {"user_id": user_id, "kind": "eula", "version": "1"}
    with closing(sqlite3.connect(product.folder / "data" / "accounts.sqlite3")) as connection:
        query = "SELECT at, remote_address FROM acceptances WHERE kind = 'eula' AND version = '1' AND user_id = ?"
        ((at, address),) = connection.execute(query, (user_id,)).fetchall()
    assert (at[:2], address) == ("20", "127.0.0.1")


def test_an_old_password_is_changed_on_the_way_in(tmp_path, open_screen):
    with live(tmp_path, settings={"CERTWRIGHT_ACCOUNTS_PASSWORD_MAX_AGE_DAYS": "90"}) as aged:
        nora = people.customer(aged.url)
        in_database(aged, "UPDATE users SET password_changed_at = '2020-01-01T00:00:00.000000Z'")
        screen = open_screen(aged.url)
        page = screen.open("/sign-in")
        first_step(page, nora.login, nora.password)
        second_step(page, nora.order_number)
        expect(page.get_by_role("alert")).to_contain_text("Your password has expired")
        screen.accessible(lambda: expect(page.get_by_role("alert")).to_be_visible())
        new, again = (page.get_by_role("textbox", name=re.compile(f"^{name}")) for name in ("Password", "Confirm"))
        for first, second, says in [
            (OWN, "x", "differ"),
            (PASSWORD, PASSWORD, "is the old one"),
            ("short", "short", "8"),
        ]:
            new.fill(first)
            again.fill(second)
            page.get_by_role("button", name="Submit").click()
            expect(page.locator("[aria-invalid=true]").first).to_be_visible()
            expect(page.get_by_text(says).first).to_be_visible()
        new.fill(OWN)
        again.fill(OWN)
        page.get_by_role("button", name="Submit").dblclick()
        expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
        page.context.clear_cookies()
        screen.open("/sign-in")
        first_step(page, nora.login, OWN)
        second_step(page, nora.order_number)
        expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
