# SPDX-License-Identifier: Apache-2.0
"""Check list section 2: the sign-up wizard, from the registered address to the order number that signs in."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.dns import ProgrammableDNS
from tests.support.hostile_text import HOSTILE, text_fields, type_everywhere
from tests.support.live_gateway import PASSWORD, live

COMPANY = {"Company Name": "name", "Department": "department", "Address 1": "address1", "Address 2": "address2",
    "Address 3": "address3", "Zip / Postcode": "postcode", "State / Province / County": "state", "City / Town": "city",
    "PO Box": "po_box", "Company Number": "company_number", "DUNS Number": "duns_number"}  # fmt: skip
CONTACT = {"Title": "title", "First Name": "first_name", "Last Name": "last_name", "Email Address": "email",
    "Telephone Number": "telephone", "Fax Number": "fax"}  # fmt: skip
REQUIRED = ["Company Name", "Address 1", "Zip / Postcode", "Country", "State / Province / County", "City / Town",
    "Title", "First Name", "Last Name", "Email Address", "Telephone Number"]  # fmt: skip
# Right to left, emoji, markup: all of it is text.
STRANGE = "שלום \U0001f9e8 <b onclick=alert(1)>Söhne</b> & 'Co'"
GOOD = {"DUNS Number": "123456789", "Email Address": "nora@example.com", "Telephone Number": "+49 (30) 123-4567",
    "Fax Number": "+49 30 7654321"}  # fmt: skip


def field(page, label):
    return page.get_by_label(re.compile(f"^{re.escape(label)}( \\*)?$")).first


def secret(page, label):
    return page.get_by_role("textbox", name=re.compile(f"^{label}"))


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def fill_company_and_contact(page, strange=True):
    """Every field there is, the optional ones too; what each holds."""
    held = {}
    for label in (*COMPANY, *CONTACT):
        held[label] = GOOD.get(label) or (f"{STRANGE} {label}" if strange else f"Some {label}")
        field(page, label).fill(held[label])
    field(page, "Country").select_option("DE")
    return held


def agree(page):
    page.get_by_label("I Accept").check()
    page.get_by_label("I Agree").check()
    press(page, "Next")


def choose_credentials(page, login, password=PASSWORD, confirm=None):
    field(page, "Login").fill(login)
    secret(page, "Password").fill(password)
    secret(page, "Confirm Password").fill(password if confirm is None else confirm)


@pytest.fixture
def wizard(product, open_screen):
    screen = open_screen(product.url)
    screen.open("/sign-up")
    expect(screen.page.get_by_role("heading", name="Signup", exact=True)).to_be_visible()
    return screen


@pytest.fixture
def login():
    return f"new-{secrets.token_hex(4)}"


def test_the_whole_wizard_makes_one_account_whose_number_signs_in(product, operator, wizard, login):
    page = wizard.page
    for heading in ("Company details – These must be your Registered Address", "Your Contact Details"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    countries = field(page, "Country").locator("option")
    expect(countries.first).to_have_text("Select country...")
    assert countries.count() >= 249
    admin = page.get_by_role("button", name="Admin Address (Optional)")
    expect(admin).to_have_attribute("aria-expanded", "false")
    held = fill_company_and_contact(page)
    press(page, "Next")

    for name in ("End User License Agreement", "Certificate Subscriber Agreement"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        assert len(page.get_by_role("region", name=re.compile(name, re.IGNORECASE)).inner_text()) > 500
    wizard.accessible(lambda: expect(page.get_by_label("I Accept")).to_be_visible())
    press(page, "Next")
    expect(page.get_by_text("This is needed.")).to_have_count(2)
    page.get_by_label("I Accept").check()
    press(page, "Next")
    expect(page.get_by_text("This is needed.")).to_have_count(1)
    press(page, "Back")
    for label, text in held.items():
        expect(field(page, label)).to_have_value(text)
    press(page, "Next")
    expect(page.get_by_label("I Accept")).to_be_checked()
    agree(page)

    choose_credentials(page, login)
    for text in (held["Company Name"], held["City / Town"], held["Last Name"], held["Email Address"]):
        expect(page.locator("dd").get_by_text(text, exact=True)).to_be_visible()
    expect(page.locator("dd b")).to_have_count(0)
    wizard.accessible(lambda: expect(page.get_by_role("heading", name="Admin Credentials")).to_be_visible())
    page.get_by_role("button", name="Submit", exact=True).dblclick()
    expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()
    assert wizard.sent("POST", "/sign-up$") == 1
    expect(page.get_by_text("Congratulations! Your Certwright account")).to_be_visible()
    expect(page.get_by_text(f"{product.url}/console/sign-in")).to_be_visible()
    wizard.accessible(lambda: expect(page.get_by_role("button", name="OK")).to_be_visible())
    number = page.locator("pre").inner_text()
    page.get_by_role("button", name=re.compile("^Copy")).click()
    assert page.evaluate("navigator.clipboard.readText()") == number
    press(page, "OK")
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()

    account = (
        people.Person(product.url, people.APIClient(product.url), login, PASSWORD, number).again().api.get("/account")
    )
    assert account["order_number"] == int(number)
    assert account["company"] == {field: held[label] for label, field in COMPANY.items()} | {"country": "DE"}
    numbers = {"telephone": "+49301234567", "fax": "+49307654321"}
    assert account["contact"] == {field: held[label] for label, field in CONTACT.items()} | numbers
    found = operator.api.get("/operator/accounts", search=number)["items"]
    assert len(found) == 1

    def mailed():
        return any(number in one["subject"] + str(one) for one in operator.api.get("/operator/mails")["items"])

    operator.steps._wait_for("the mail with the number", mailed)


def test_each_missing_field_is_named_and_a_draft_outlives_a_reload(wizard, login):
    page = wizard.page
    press(page, "Next")
    expect(page.get_by_text("This is needed.")).to_have_count(len(REQUIRED))
    for label in REQUIRED:
        expect(field(page, label)).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Company Name")).to_be_focused()
    press(page, "Admin Address (Optional)")
    held = type_everywhere(page.locator("form"), "Draft")
    field(page, "Country").select_option("FR")
    page.reload()
    expect(field(page, "Company Name")).to_have_value("Draft")
    assert [one.input_value() for one in text_fields(page.locator("form"))] == held
    expect(field(page, "Country")).to_have_value("FR")
    press(page, "Next")
    agree(page)
    choose_credentials(page, login)
    kept = page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    assert login in kept
    assert PASSWORD not in kept
    press(page, "Submit")  # "Draft" is no e-mail address
    expect(field(page, "DUNS Number")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Company Name")).to_have_value("Draft")


def test_each_wrong_field_is_refused_where_it_stands(wizard, login):
    page = wizard.page
    fill_company_and_contact(page, strange=False)
    press(page, "Next")
    agree(page)
    choose_credentials(page, login)
    wrong = {"DUNS Number": "12345678", "Email Address": "nora at example", "Telephone Number": "030 12345",
        "Fax Number": "fax", "Company Name": "x" * 201}  # fmt: skip
    press(page, "Back")
    press(page, "Back")
    for label, text in wrong.items():
        was = field(page, label).input_value()
        field(page, label).fill(text)
        press(page, "Next")
        press(page, "Next")
        press(page, "Submit")
        expect(field(page, label)).to_have_attribute("aria-invalid", "true")
        expect(field(page, label)).to_have_value(text)
        field(page, label).fill(was)
    press(page, "Admin Address (Optional)")
    admin = page.get_by_role("region", name="Admin Address (Optional)")
    admin.get_by_label("Address 1").fill("Only this")
    press(page, "Next")
    press(page, "Next")
    press(page, "Submit")
    expect(admin.locator("[aria-invalid=true]").first).to_be_visible()
    expect(admin.get_by_label("Address 1")).to_have_value("Only this")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_text_in_any_field_breaks_the_wizard(wizard, login, kind):
    page = wizard.page
    form = page.locator("form")
    press(page, "Admin Address (Optional)")
    expect(page.get_by_role("region", name="Admin Address (Optional)").get_by_label("City / Town")).to_be_visible()
    held = type_everywhere(form, HOSTILE[kind])
    field(page, "Country").select_option("DE")
    press(page, "Next")
    if kind == "blank":
        expect(page.get_by_text("This is needed.")).to_have_count(len(REQUIRED) - 1)
    else:
        agree(page)
        choose_credentials(page, HOSTILE[kind])
        press(page, "Submit")
        expect(form.locator("[aria-invalid=true]").first).to_be_visible()
        if page.get_by_role("heading", name="Admin Credentials").is_visible():
            choose_credentials(page, login)
            press(page, "Submit")
        expect(form.locator("[aria-invalid=true]").first).to_be_visible()
        expect(field(page, "Company Name")).to_be_visible()
    assert [one.input_value() for one in text_fields(form)] == held


def test_the_password_rules_tick_while_one_types(wizard, login):
    page = wizard.page
    fill_company_and_contact(page, strange=False)
    press(page, "Next")
    agree(page)
    lengthy, spaced, mixed = "at least 8 characters", "no space as its first character", "three of these five kinds"
    cases = {
        "Abc-12": {spaced, mixed},
        "Abcd-12": {spaced, mixed},
        " Abcd-1234": {lengthy, mixed},
        "abcd1234": {lengthy, spaced},
        "abcdef-1": {lengthy, spaced, mixed},
        "äbcdefg1": {lengthy, spaced, mixed},
    }
    for password, met in cases.items():
        secret(page, "Password").fill(password)
        for rule in (lengthy, spaced, mixed):
            item = page.get_by_role("listitem").filter(has_text=rule).first
            expect(item.get_by_label("met" if rule in met else "not met yet", exact=True)).to_be_visible()
    expect(page.get_by_text("12 or more characters are better.")).to_be_visible()
    for password, says in {
        "Abcd-12": "at least 8 characters",
        " Abcd-1234": "does not begin with a space",
        "abcd1234": "too plain",
        "Password-123": "lists that attackers try first",
        f"A1-{login}": "must not contain the login",
    }.items():
        choose_credentials(page, login, password)
        press(page, "Submit")
        expect(page.get_by_text(says, exact=False).last).to_be_visible()
        expect(secret(page, "Password")).to_have_attribute("aria-invalid", "true")
    sent = wizard.sent("POST", "/sign-up$")
    choose_credentials(page, login, PASSWORD, "another")
    press(page, "Submit")
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    assert wizard.sent("POST", "/sign-up$") == sent
    choose_credentials(page, login, "äbcdefg1")
    press(page, "Submit")
    expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()


def test_a_login_that_somebody_has_is_refused_like_a_reserved_one(wizard, nora, login):
    page = wizard.page
    fill_company_and_contact(page, strange=False)
    press(page, "Next")
    agree(page)
    said = []
    for taken in (nora.login.upper(), "admin"):
        choose_credentials(page, taken)
        press(page, "Submit")
        expect(field(page, "Login")).to_have_attribute("aria-invalid", "true")
        said.append(page.get_by_text("cannot be used").inner_text())
        field(page, "Login").fill("")
    assert said[0] == said[1]
    choose_credentials(page, login)
    press(page, "Submit")
    expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()


def test_a_lost_answer_and_a_second_try_make_one_account(operator, wizard, login):
    page = wizard.page
    fill_company_and_contact(page, strange=False)
    company = f"Company of {login}"
    field(page, "Company Name").fill(company)
    press(page, "Next")
    agree(page)
    choose_credentials(page, login)

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    page.route("**/api/v1/sign-up", lose_the_answer, times=1)
    wizard.lost = True
    press(page, "Submit")
    expect(page.get_by_role("alert").first).to_be_visible()
    wizard.lost = False
    press(page, "Submit")
    expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()
    assert len(operator.api.get("/operator/accounts", search=login)["items"]) == 1


def test_an_address_without_a_mail_server_is_refused_at_its_field(tmp_path, open_screen, login):
    with ProgrammableDNS() as names:
        names.set("null.example", "MX", ["."])
        names.set("good.example", "MX", ["mx.good.example"])
        names.set("broken.example", "MX", "servfail")
        settings = {"CERTWRIGHT_EGRESS_NAMESERVERS": f'["{names.nameserver}"]'}
        with live(tmp_path, settings=settings) as running:
            screen = open_screen(running.url)
            page = screen.open("/sign-up")
            fill_company_and_contact(page, strange=False)
            press(page, "Next")
            agree(page)
            choose_credentials(page, login)
            for fqdn in ("nowhere.example", "null.example"):
                press(page, "Back")
                press(page, "Back")
                field(page, "Email Address").fill(f"nora@{fqdn}")
                press(page, "Next")
                press(page, "Next")
                press(page, "Submit")
                expect(page.get_by_text(f"Nobody can receive mail at {fqdn}")).to_be_visible()
                expect(field(page, "Email Address")).to_have_attribute("aria-invalid", "true")
                press(page, "Next")
                press(page, "Next")
            press(page, "Back")
            press(page, "Back")
            field(page, "Email Address").fill("nora@broken.example")
            press(page, "Next")
            press(page, "Next")
            press(page, "Submit")
            press(page, "OK")
            page.get_by_role("heading", name="Orders", exact=True).wait_for()
            screen.open("/company")
            field(page, "Email Address").fill("nora@null.example")
            press(page, "Save")
            expect(page.get_by_text("Nobody can receive mail at null.example")).to_be_visible()
            field(page, "Email Address").fill("nora@good.example")
            press(page, "Save")
            expect(page.get_by_text("Company and contact are saved.")).to_be_visible()
