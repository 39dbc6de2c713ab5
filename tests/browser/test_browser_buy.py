# SPDX-License-Identifier: Apache-2.0
"""Check list section 11: the order wizard, from the type of the certificate to the placed order."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.support import many_orders, people
from tests.support.hostile_text import HOSTILE, text_fields, type_everywhere
from tests.support.order_wizard import NAME, Wizard


def test_type_term_and_price_are_those_of_the_api(product, nora, open_screen):
    """11.01–11.03, 11.05."""
    catalogue = nora.api.get("/products")["items"]
    rules = nora.api.get("/rules")
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    kinds = wizard.field("Certificate type")

    def offered() -> list[str]:
        return [text for text in kinds.locator("option").all_inner_texts() if not text.startswith("Select")]

    expect(page.get_by_role("radio", name="Domain Validation")).to_be_checked()
    assert offered() == [each["name"] for each in catalogue if each["validation_level"] != "EV"]
    page.get_by_role("radio", name="Extended Validation").check()
    assert offered() == [each["name"] for each in catalogue if each["validation_level"] == "EV"]
    page.get_by_role("radio", name="Domain Validation").check()
    wizard.next()
    expect(page.get_by_text("Choose a certificate type.")).to_be_visible()
    kinds.select_option("dv-single")
    expect(page.get_by_role("radio", name="2 years: $45.95/yr.")).to_be_visible()
    expect(page.get_by_text("Save 8%")).to_be_visible()
    expect(page.get_by_label("Currency")).to_have_value("USD")
    expect(
        page.get_by_text(f"lasts at most {rules['validity_days']} days and is re-issued automatically")
    ).to_be_visible()
    for limit in rules["validity"][1:]:
        expect(page.get_by_text(f"it is {limit['days']} days.")).to_be_visible()
    expect(wizard.summary).to_contain_text("Domain Certificate")
    screen.accessible(lambda: expect(page.get_by_label("Currency")).to_be_visible())


def test_names_that_do_not_fit_are_refused_at_their_field(product, nora, open_screen):
    """11.04: bad names, too many of them, wildcards; names of other scripts are taken."""
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.choose("dv-single")
    wizard.next()
    expect(page.get_by_text("Type the name that the certificate is for.")).to_be_visible()
    name = wizard.field("Common Name")
    for bad in ("not a name", "localhost", "192.0.2.1", "-x.example.com", "*.example.com", *HOSTILE.values()):
        name.fill(bad)
        wizard.next()
        expect(name).to_have_attribute("aria-invalid", "true")
        wizard.at("Domain details")
    assert screen.axe() == []
    wizard = Wizard(screen)
    wizard.choose("dv-multi")
    wizard.names("a.example.com", "\n".join(f"n{number}.example.com" for number in range(100)))
    expect(wizard.field("Domain List")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("takes at most 100 names")).to_be_visible()
    for text in HOSTILE.values():
        if text.strip():
            wizard.field("Domain List").fill(text)
            wizard.next()
            expect(wizard.field("Domain List")).to_have_attribute("aria-invalid", "true")
            wizard.at("Domain details")
    wizard.field("Domain List").fill("bücher.example, *.example.net")
    expect(page.get_by_text("A file proves one host only")).to_be_visible()
    page.get_by_role("radio", name=re.compile("CNAME")).check()
    wizard.next()
    wizard.at("Subscriber agreement")
    expect(wizard.summary).to_contain_text("Wildcard name")
    assert screen.sent("POST", "/api/v1/orders$") == 0


def test_a_wildcard_is_proved_by_dns(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    wizard.choose("dv-wildcard")
    expect(wizard.page.get_by_role("radio", name=re.compile("CNAME"))).to_be_checked()
    wizard.names("*.example.com")
    wizard.agree()
    expect(wizard.page.get_by_role("main")).to_contain_text("$449.95")


def test_what_is_typed_is_kept_and_the_price_shown_is_charged_once(product, nora, open_screen):
    """11.06, 11.08–11.11: an EV order with every field of the organization."""
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    page.get_by_role("radio", name="Extended Validation").check()
    wizard.choose("ev-single", 2)
    page.reload()
    wizard.next()
    wizard.names(NAME)
    wizard.at("Account details")
    for label, known in {
        "Email": "nora@blumen-winter.example", "Organization": "Blumen Winter GmbH", "Organization Unit Name": "IT",
        "Address": "Gartenstrasse 7", "Address 2": "", "Address 3": "", "PO BOX": "", "Locality Name": "Berlin",
        "Country Code": "DE", "State or Province": "Berlin", "Postal Code": "10115", "Company Number": "",
        "Country of registration": "",
    }.items():  # fmt: skip
        expect(wizard.field(label)).to_have_value(known)
    expect(page.get_by_text('Fields ending with "*" are required.')).to_be_visible()
    screen.accessible(lambda: wizard.at("Account details"))
    wizard.field("Organization").fill("")
    wizard.next()
    expect(page.get_by_text("This is needed.")).to_have_count(2)  # the company's number too
    wizard.field("Organization").fill("שלום <b>Blumen</b> 🧨")
    wizard.field("Organization Unit Name").fill("Gärtnerei <i>7</i> 🧨")
    wizard.field("Address 2").fill("Hinterhaus")
    wizard.field("Company Number").fill("HRB 1234")
    wizard.field("Country of registration").select_option("AT")
    wizard.next()
    wizard.at("Subscriber agreement")
    wizard.next()
    expect(page.get_by_text("The order needs your agreement.")).to_be_visible()
    wizard.agree()
    shown = page.get_by_role("main").locator(".sum-total .number").inner_text()
    screen_total = re.sub(r"\D", "", shown)
    page.get_by_role("button", name="Place Order").dblclick()
    expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
    assert screen.sent("POST", "/api/v1/orders$") == 1
    order = nora.api.get(f"/orders/{page.url.split('/orders/')[1].split('/')[0]}")
    assert (str(order["amount"]), order["term_years"]) == (screen_total, 2)
    asked = order["organization"]
    assert (asked["name"], asked["registration_number"]) == ("שלום <b>Blumen</b> 🧨", "HRB 1234")
    assert (asked["jurisdiction_country"], asked["address2"], asked["postal_code"]) == ("AT", "Hinterhaus", "10115")
    # The unit is the account's alone (11.07); the organization of an order is not.
    account = nora.api.get("/account")["company"]
    assert (account["department"], account["name"]) == ("Gärtnerei <i>7</i> 🧨", "Blumen Winter GmbH")
    assert "Gärtnerei" not in json.dumps(order, ensure_ascii=False)


def test_what_the_account_lacks_is_asked_once_and_kept_there(product, open_screen):
    """11.06, 11.07: a DV order asks for what the account lacks; nothing of it stands in the certificate's request."""
    person = people.customer(product.url, company={"department": ""})
    screen = open_screen(product.url, person)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.choose("dv-single")
    wizard.names(NAME)
    wizard.at("Account details")
    expect(page.get_by_text("None of them stands in the certificate.")).to_be_visible()
    expect(wizard.field("Company Number")).to_have_count(0)
    wizard.next()
    expect(wizard.field("Organization Unit Name")).to_have_attribute("aria-invalid", "true")
    form = page.get_by_role("form", name="Create new order")
    before = [field.input_value() for field in text_fields(form)]
    for text in (HOSTILE["too long"], HOSTILE["control characters"]):
        held = type_everywhere(form, text)
        wizard.next()
        form.locator("[aria-invalid=true]").first.wait_for()
        assert [field.input_value() for field in text_fields(form)] == held
    for field, text in zip(text_fields(form), before, strict=True):
        field.fill(text)
    wizard.field("Organization Unit Name").fill("<b>שלום</b> 🧨")
    wizard.next()
    wizard.agree()
    assert person.api.get("/account")["company"]["department"] == "<b>שלום</b> 🧨"
    page.get_by_role("button", name="Place Order").click()
    expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
    [order] = person.api.get("/orders")["items"]
    assert person.steps.order(order["order_id"])["organization"] is None
    again = Wizard(screen)
    again.to_summary()


def test_who_may_not_administer_is_not_asked_for_what_the_account_keeps(product, open_screen):
    owner = people.customer(product.url, company={"department": ""})
    screen = open_screen(product.url, people.colleague(owner, ["view", "create_order"]))
    Wizard(screen).to_summary()
    wizard = Wizard(screen)
    wizard.choose("ov-single")
    wizard.names(NAME)
    wizard.at("Account details")
    expect(wizard.field("Organization Unit Name")).to_be_disabled()
    wizard.next()
    wizard.agree()


def test_an_order_that_the_deposit_does_not_cover_is_refused_with_what_is_missing(product, nora, open_screen):
    """11.10: refused with the missing amount and the way to add funds; once they suffice it is paid at once."""
    nora.steps.top_up(1_000)
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.to_summary()
    said = page.get_by_role("alert").filter(has_text="Your deposit lacks $39.95 for this order.")
    expect(said).to_be_visible()
    page.get_by_role("button", name="Place Order").click()
    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(1)
    expect(said).to_be_visible()
    assert screen.axe() == []
    assert [each["kind"] for each in nora.api.get("/orders")["items"]] == ["topup"]
    said.get_by_role("link", name="Add funds").click()
    expect(page.get_by_role("dialog", name="Refill Account Balance")).to_be_visible()
    nora.steps.top_up(3_995)
    wizard = Wizard(screen)
    expect(wizard.field("Certificate type")).to_have_value("dv-single")
    wizard.next()
    wizard.next()
    wizard.agree()
    expect(page.get_by_text("Your deposit lacks")).to_have_count(0)
    page.get_by_role("button", name="Place Order").dblclick()
    expect(page.get_by_role("heading", name=NAME, level=1)).to_be_visible()
    expect(page.get_by_text("Waiting for CSR").first).to_be_visible()
    assert nora.api.get("/balance")["balance"] == 0
    assert screen.sent("POST", "/api/v1/orders$") == 2  # the refused one and the good one


def test_bad_text_in_the_organization_is_told_at_its_field(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.choose("ov-single")
    wizard.names(NAME)
    wizard.at("Account details")
    form = page.get_by_role("form", name="Create new order")
    for text in HOSTILE.values():
        held = type_everywhere(form, text)
        wizard.next()
        form.locator("[aria-invalid=true]").first.wait_for()
        wizard.at("Account details")
        assert [field.input_value() for field in text_fields(form)] == held
    # What the account does not keep is refused with the order, and told at its field.
    wizard.field("Email").fill("nora@example.com")
    wizard.field("Organization Unit Name").fill("IT")
    type_into = ("Organization", "Address", "Postal Code", "Locality Name", "State or Province")
    for label in type_into:
        wizard.field(label).fill(HOSTILE["too long"])
    wizard.next()
    wizard.agree()
    page.get_by_role("button", name="Place Order").click()
    wizard.at("Account details")
    expect(wizard.field("Organization")).to_have_attribute("aria-invalid", "true")
    expect(wizard.field("Postal Code")).to_have_value(HOSTILE["too long"])
    assert nora.api.get("/orders")["items"] == []


def test_an_active_certificate_for_the_name_is_told(product, nora, open_screen):
    """11.11."""
    account = nora.api.get("/account")["account_id"]
    many_orders.fill(product.folder / "data", account, 5)
    issued = next(each for each in nora.api.get("/orders")["items"] if each["status"] == "issued")
    wizard = Wizard(open_screen(product.url, nora))
    wizard.to_summary("dv-single", issued["common_name"])
    text = f"An active certificate for {issued['common_name']} exists already: order {issued['number']}."
    expect(wizard.page.get_by_text(text)).to_be_visible()


def test_names_are_seen_as_a_ca_will_see_them_before_anything_is_paid(product, nora, open_screen):
    """The pre-flight looks only when asked, and what was typed since is another question."""
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.choose("dv-multi")
    panel = page.get_by_role("region", name="What a certificate authority will see")
    check = panel.get_by_role("button", name="Check before you pay")
    expect(check).to_be_disabled()
    expect(panel).to_contain_text("Type a name first.")
    wizard.field("Common Name").fill("nowhere.preflight.example")
    check.click()
    # No zone of that name exists, or there is no name server at all: either keeps a file from being fetched.
    again = panel.get_by_role("button", name="Check again")
    expect(again).to_be_visible(timeout=20_000)
    expect(panel.get_by_role("heading", name="nowhere.preflight.example")).to_be_visible()
    expect(panel.get_by_text("Would not come through").last).to_be_visible()
    expect(panel.locator("ul.preflight > li").first).to_contain_text("Error")
    panel.get_by_text("What each perspective saw").click()
    expect(panel.locator("ul.preflight-places > li").filter(has_text="primary")).to_be_visible()
    screen.accessible(lambda: expect(again).to_be_visible())
    wizard.field("Common Name").fill("co.uk")
    check.click()
    expect(panel.get_by_role("alert")).to_be_visible(timeout=20_000)
