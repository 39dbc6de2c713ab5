# SPDX-License-Identifier: Apache-2.0
"""Check list section 8: domain control validation, by mail, by CNAME, by file; what a failed look says."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import people
from tests.support.agent_by_hand import AgentByHand
from tests.support.browser import Screen
from tests.support.dns import ProgrammableDNS
from tests.support.hostile_text import HOSTILE
from tests.support.live_gateway import live
from tests.support.mailed_proof import code_in, link_in, mail_to, with_csr
from tests.support.people import Person


class Validation:
    """The dialog, opened from the page of the order."""

    def __init__(self, screen: Screen, order_id: str) -> None:
        self.screen = screen
        self.page: Page = screen.open(f"/orders/{order_id}")
        actions = self.page.get_by_role("group", name="What you can do")
        actions.get_by_role("button", name="Domain control validation").click()
        expect(self.names.first).to_be_visible()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def names(self) -> Locator:
        """The list of names; each a button that shows how the name is proved."""
        return self.dialog.get_by_role("navigation", name="Domains List").get_by_role("button")

    def choose(self, method: str, button: str = "Submit") -> None:
        self.dialog.get_by_role("radio", name=method).check()
        self.press(button)

    def press(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name, exact=True).click()

    @property
    def attempts(self) -> Locator:
        """What was found, newest first."""
        return self.dialog.locator("ol.steps > li")


def test_a_mailed_code_proves_a_name(product, nora, operator, open_screen):
    name = "www.mail.example"
    order_id = with_csr(nora, [name])["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    dialog = validation.dialog
    whois = dialog.get_by_role("radio", name="Registered e-mail addresses (from WHOIS)")
    expect(whois).to_be_disabled()
    expect(dialog).to_contain_text("The rules forbid this method")
    expect(dialog.get_by_text(re.compile(r"Allowed until Mar 1[45], 2028")).first).to_be_visible()
    dialog.get_by_label("Send the mail to").first.click()
    constructed = [f"{box}@{host}" for host in ("mail.example", name)
        for box in ("admin", "administrator", "webmaster", "hostmaster", "postmaster")]  # fmt: skip
    options = validation.page.get_by_role("option")
    expect(options).to_have_count(10)
    assert sorted(options.all_inner_texts()) == sorted(constructed)
    options.filter(has_text=re.compile("^hostmaster@mail.example$")).click()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Submit", exact=True).dblclick()
    expect(dialog.get_by_text("A mail with a link and a code went to hostmaster@mail.example")).to_be_visible()
    assert screen.sent("PUT", "/method$") == 1
    screen.dialog_accessible()
    code = dialog.get_by_label("Please enter a validation code")
    expect(dialog.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    code.fill("0000-0000")
    validation.press("Send")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_have_value("0000-0000")
    code.fill(f"  {code_in(mail_to(operator, 'hostmaster@mail.example', name))} ")
    validation.press("Send")
    expect(dialog.get_by_text("All names are proved and the certificate is issued.")).to_be_visible()
    expect(validation.names.first).to_contain_text("proved until")
    screen.dialog_accessible()


def test_a_contact_in_the_dns_is_offered_with_the_place_where_it_stands(tmp_path, open_screen):
    with ProgrammableDNS() as names:
        names.set("blumen-winter.example", "MX", ["mx.blumen-winter.example"])
        names.set("shop-demo.com", "CAA", [(0, "contactemail", "security@shop-demo.com")])
        names.set("_validation-contactemail.shop-demo.com", "TXT", ["not an address"])
        with live(tmp_path, settings={"CERTWRIGHT_EGRESS_NAMESERVERS": f'["{names.nameserver}"]'}) as running:
            nora, operator = people.customer(running.url), people.operator(running)
            order_id = with_csr(nora, ["www.shop-demo.com", "www.other-demo.com"], product="dv-multi")["order_id"]
            screen = open_screen(running.url, nora)
            validation = Validation(screen, order_id)
            dialog = validation.dialog
            validation.names.filter(has_text="www.other-demo.com").click()
            expect(dialog.get_by_text("The DNS names no contact for this name.")).to_be_visible()
            validation.press("Copy Its value, type CAA")
            copied = validation.page.evaluate("navigator.clipboard.readText()")
            assert copied == '0 contactemail "security@other-demo.com"'
            screen.dialog_accessible()
            validation.names.filter(has_text="www.shop-demo.com").click()
            expect(dialog.get_by_text("names “not an address”, which cannot be used")).to_be_visible()
            dialog.get_by_label("Send the mail to").first.click()
            expect(validation.page.get_by_text("Constructed from the name")).to_be_visible()
            expect(validation.page.get_by_text("CAA record (contactemail) of shop-demo.com")).to_be_visible()
            validation.page.get_by_role("option", name="security@shop-demo.com", exact=True).click()
            screen.dialog_accessible()
            validation.press("Submit")
            expect(dialog.get_by_text("A mail with a link and a code went to security@shop-demo.com")).to_be_visible()
            expect(validation.attempts.first).to_contain_text("The record names the address")
            screen.dialog_accessible()
            code = code_in(mail_to(operator, "security@shop-demo.com", "www.shop-demo.com"))
            dialog.get_by_label("Please enter a validation code").fill(code)
            validation.press("Send")
            expect(dialog.get_by_text("You have proved control of this name")).to_be_visible()
            shown = nora.api.get(f"/orders/{order_id}/authorizations")["items"]
            assert {each["fqdn"]: each["method"] for each in shown}["www.shop-demo.com"] == "email_caa"


def test_a_mailed_link_proves_only_after_a_click(product, nora, operator, open_screen):
    name = "www.link.example"
    order_id = with_csr(nora, [name])["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    validation.press("Submit")
    expect(validation.dialog.get_by_text("A mail with a link and a code went to")).to_be_visible()
    link = link_in(mail_to(operator, "admin@link.example", name))
    reader = open_screen(product.url)
    reader.page.goto(link)
    reader.page.reload()  # scanners of mail follow links, more than once
    expect(reader.page.get_by_role("heading", name=f"Approve a certificate for {name}?")).to_be_visible()
    [shown] = nora.api.get(f"/orders/{order_id}/authorizations")["items"]
    assert shown["status"] != "valid"
    assert reader.axe() == []
    reader.page.get_by_role("button", name="Yes, I approve this certificate").click()
    expect(reader.page.get_by_role("heading", name=f"{name} is confirmed")).to_be_visible()
    expect(validation.dialog.get_by_text("the certificate is issued")).to_be_visible()  # without a reload


def test_anything_may_be_typed_as_a_code(product, nora, open_screen):
    order_id = with_csr(nora, ["www.typed.example"])["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    validation.press("Submit")
    code = validation.dialog.get_by_label("Please enter a validation code")
    for kind, text in HOSTILE.items():
        code.fill(text)
        held = code.input_value()
        if kind == "blank":
            expect(validation.dialog.get_by_role("button", name="Send", exact=True)).to_be_disabled()
            continue
        validation.press("Send")
        expect(code, kind).to_have_attribute("aria-invalid", "true")
        expect(code, kind).to_have_value(held)
    assert validation.page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()


def test_none_of_the_above_takes_the_choice_back(product, nora, open_screen):
    order_id = with_csr(nora, ["www.none.example"], method="cname_csr_hash")["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    expect(validation.dialog.get_by_text("Name of the record")).to_be_visible()
    validation.choose("None of the above")
    expect(validation.names.first).to_contain_text("No Domain Control Validation method selected.")
    [shown] = nora.api.get(f"/orders/{order_id}/authorizations")["items"]
    assert shown["method"] == ""
    screen.dialog_accessible()
    validation.choose("HTTP CSR hash")
    expect(validation.names.first).to_contain_text("HTTP CSR hash")
    expect(validation.dialog).to_contain_text(re.compile(r"http://www\.none\.example\S*/\.well-known/pki-validation/"))
    [shown] = nora.api.get(f"/orders/{order_id}/authorizations")["items"]
    validation.press("Copy Its content")
    assert validation.page.evaluate("navigator.clipboard.readText()") == shown["file"]["content"]
    screen.dialog_accessible()


@pytest.mark.parametrize(("method", "field"), [("TXT CSR hash", "txt"), ("Persistent DNS record", "persist")])
def test_records_are_there_to_copy(product, nora, open_screen, method, field):
    order_id = with_csr(nora, [f"www.{field}.example"], method="http_csr_hash")["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    validation.choose(method)
    expect(validation.names.first).to_contain_text(method, ignore_case=True)
    [shown] = nora.api.get(f"/orders/{order_id}/authorizations")["items"]
    expect(validation.dialog).to_contain_text(shown[field]["name"])
    expect(validation.dialog).to_contain_text(shown[field]["value"])
    validation.press("Copy Its value, type TXT")
    assert validation.page.evaluate("navigator.clipboard.readText()") == shown[field]["value"]
    screen.dialog_accessible()


def test_a_wildcard_has_no_file_and_each_name_its_own_method(product, nora, open_screen):
    names = ["*.many.example", "many.example"]
    order_id = with_csr(nora, names, product="dv-wildcard", method="cname_csr_hash")["order_id"]
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    expect(validation.names).to_have_count(2)
    validation.names.filter(has_text="*.many.example").click()
    for method in ("HTTP CSR hash", "HTTPS CSR hash"):
        expect(validation.dialog.get_by_role("radio", name=method, exact=True)).to_be_disabled()
    expect(validation.dialog).to_contain_text("A file proves one host, not all names below it")
    validation.names.filter(has_not_text="*").click()
    validation.choose("HTTPS CSR hash")
    expect(validation.names.filter(has_not_text="*")).to_contain_text("HTTPS CSR hash")
    expect(validation.names.filter(has_text="*.many.example")).to_contain_text("CNAME CSR hash")
    screen.dialog_accessible()


def test_the_file_is_placed_by_the_agent_or_it_says_why_not(product, nora, open_screen):
    order_id = with_csr(nora, ["www.file.example"], method="http_csr_hash")["order_id"]
    agent = AgentByHand(nora.api, "web-1")
    screen = open_screen(product.url, nora)
    validation = Validation(screen, order_id)
    place = validation.dialog.get_by_role("button", name="Create file & submit")
    expect(place).to_be_disabled()
    validation.dialog.get_by_label("Server that hosts the name").select_option(agent.server_id)
    with screen.page.expect_response(re.compile("/file$")):
        place.dblclick()
    expect(place).to_be_enabled()
    assert screen.sent("POST", "/file$") == 1
    [job] = agent.claim()
    assert job["kind"] == "place_dcv_file"
    agent.fail(job["job_id"], "The web root is read-only.")
    expect(validation.dialog).to_contain_text("The web root is read-only.")
    screen.dialog_accessible()


@pytest.fixture
def guest(world) -> Person:
    """A customer of the product with a name server."""
    return people.customer(world.url)


def test_a_record_that_is_missing_wrong_and_right(world, guest, open_screen):
    name = "www.records.example"
    order_id = with_csr(guest, [name], method="cname_csr_hash")["order_id"]
    [shown] = guest.api.get(f"/orders/{order_id}/authorizations")["items"]
    record = shown["cname"]
    screen = open_screen(world.url, guest)
    validation = Validation(screen, order_id)
    dialog = validation.dialog
    expect(dialog.get_by_text(record["name"], exact=True)).to_be_visible()
    expect(dialog.get_by_text(record["value"], exact=True)).to_be_visible()
    expect(dialog).to_contain_text("Both names end with a dot.")
    validation.press("Check now")
    expect(validation.attempts.first).to_contain_text("There is no such record yet.")
    validation.attempts.first.get_by_text("Evidence").click()
    expect(validation.attempts.first).to_contain_text(record["name"].rstrip("."))
    screen.dialog_accessible()
    world.names.add(record["name"], "CNAME", "elsewhere.example.")
    validation.press("Check now")
    expect(validation.attempts.first).to_contain_text("The record is there, but its target is another.")
    world.names.add(record["name"], "CNAME", record["value"])
    validation.press("Check now")
    expect(dialog.get_by_text("the certificate is issued")).to_be_visible()


def test_a_file_that_is_missing_says_what_was_found(world, guest, open_screen):
    name = "www.nofile.example"
    world.add_site(world.nginx, world.http_port, [name])
    order_id = with_csr(guest, [name], method="http_csr_hash")["order_id"]
    screen = open_screen(world.url, guest)
    validation = Validation(screen, order_id)
    validation.press("Check now")
    expect(validation.attempts.first).to_contain_text("The web server answers, but not with the file.")
    validation.attempts.first.get_by_text("Evidence").click()
    expect(validation.attempts.first).to_contain_text('"status": 404')
    expect(validation.dialog).to_contain_text("Next look by itself:")
    screen.dialog_accessible()
