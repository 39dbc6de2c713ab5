# SPDX-License-Identifier: Apache-2.0
"""Check list sections 5 and 10: sites and certificates, the viewer, the bars of what expires, ways to buy and renew."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from certwright.demo.customer import wait_for
from certwright.demo.story import Story
from certwright.servers.process import free_port
from certwright.servers.webserver import TLSFiles
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, binding, key_file, site, strangers_certificate
from tests.support.hostile_text import HOSTILE
from tests.support.mailed_proof import issued
from tests.support.people import Person

MARKUP = HOSTILE["markup"]
OWN, PLAIN, FOREIGN, SELF = "own.example.com", "plain.example.com", "www.blumen-winter.example", "intranet.example.com"
STAMP = re.compile(r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}")


@dataclass
class Stock:
    """An account with an agent, sites and certificates of every kind."""

    person: Person
    agent: AgentByHand
    sites: list[dict[str, Any]]


@pytest.fixture(scope="module")
def stock(product, operator) -> Stock:
    person = people.customer(product.url)
    order = issued(person, operator, OWN)
    own = person.api.get(f"/orders/{order['order_id']}/certificate")["pem"]
    agent = AgentByHand(person.api, "web-1")
    strange = strangers_certificate(MARKUP, days=170, organization=MARKUP, more=("shop.example.com",))
    sites = [
        site(OWN, binding(OWN, 443, own)),
        site(PLAIN, binding(PLAIN, 80, address="10.100.77.21")),
        site(FOREIGN, binding(FOREIGN, 80), binding("", 443, strangers_certificate(FOREIGN, days=21))),
        site(SELF, binding(SELF, 443, strangers_certificate(SELF, days=75, issuer=None))),
        site("over.example.com", binding("over.example.com", 443, strangers_certificate("over.example.com", days=-3))),
        site("evil.example.com", binding("evil.example.com", 443, strange)),
    ]
    agent.report(*sites)
    wait_for("the inventory", lambda: person.api.get("/certificates")["total"] == 5)
    return Stock(person, agent, sites)


def row(page: Page, text: str):
    return page.get_by_role("row").filter(has_text=text)


def search_for_anything(page: Page, label: str) -> None:
    """Hostile text in the search field: it is looked for, and nothing is found."""
    for kind in ("right to left", "emoji", "markup in quotes", "control characters", "too long"):
        page.get_by_label(label).fill(HOSTILE.get(kind, f'"{MARKUP}"'))
        expect(page).to_have_url(re.compile(r"\bsearch=(?!shop|blumen)"))
        expect(page.get_by_text("Nothing matches this search")).to_be_visible()
        page.get_by_role("button", name="Clear search and filters").click()
        expect(page.get_by_label(label)).to_have_value("")
        expect(page.get_by_text("Showing 1 to")).to_be_visible()


def downloaded(page: Page) -> list[dict[str, str]]:
    """The rows of the file behind Export CSV."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text())))


def test_sites_show_bindings_certificates_and_what_can_be_done(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/sites")
    expect(page.get_by_text("Showing 1 to 6 of 6 entries")).to_be_visible()
    plain, foreign, own = row(page, PLAIN), row(page, FOREIGN), row(page, OWN)
    expect(plain).to_contain_text(f"10.100.77.21:80:{PLAIN}")
    expect(plain).to_contain_text("None")
    expect(plain).to_contain_text(STAMP)
    expect(plain.get_by_label("Actions for").locator("option")).to_have_text(["Buy Certificate"])
    expect(foreign).to_contain_text(f"*:80:{FOREIGN}")
    expect(foreign).to_contain_text("*:443:")
    expect(foreign).to_contain_text(f"CN={FOREIGN}")
    expect(foreign).to_contain_text("Another CA")
    expect(foreign.get_by_label("Actions for").locator("option")).to_have_text(
        ["Renew with Certwright CA", "View certificate"]
    )
    expect(own).to_contain_text("One of yours")
    expect(own.get_by_label("Actions for").locator("option")).to_have_text(
        ["Renew with Certwright CA", "Auto-install certificate", "View certificate"]
    )
    expect(row(page, SELF)).to_contain_text("Self-signed")
    screen.accessible(lambda: expect(page.get_by_text("Another CA").first).to_be_visible())
    page.get_by_label("Site, FQDN or server").fill("blumen")
    expect(page).to_have_url(re.compile("search=blumen"))
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    assert [one["name"] for one in downloaded(page)] == [FOREIGN]
    search_for_anything(page, "Site, FQDN or server")
    own.get_by_label("Actions for").select_option("auto_install")
    own.get_by_role("button", name=re.compile("^Apply")).click()
    expect(page.get_by_role("dialog")).to_contain_text("Automatic installation")


@pytest.mark.parametrize(("name", "button"), [(PLAIN, "Buy Certificate"), (FOREIGN, "Renew with Certwright CA")])
def test_buy_and_renew_open_the_wizard_with_the_name(product, stock, open_screen, name, button):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/buy")  # what was typed for another order must not get in the way
    page.get_by_label(re.compile("^Certificate type")).select_option("dv-single")
    page.get_by_role("button", name="Next").click()
    page.get_by_label(re.compile("^Common Name")).fill("something.else.example")
    page.get_by_role("link", name="Sites", exact=True).click()
    page.get_by_role("button", name=f"Apply: {button}, site {name}").click()
    expect(page.get_by_role("heading", name="Create new order")).to_be_visible()
    page.get_by_label(re.compile("^Certificate type")).select_option("dv-single")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label(re.compile("^Common Name"))).to_have_value(name)


def test_a_site_that_is_reported_now_shows_without_a_reload(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/sites?search=fresh")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.wait_for_timeout(500)  # the event stream has opened
    stock.agent.report(*stock.sites, site("fresh.example.com"))
    expect(row(page, "fresh.example.com")).to_contain_text("*:80:fresh.example.com")
    stock.agent.report(*stock.sites)
    expect(row(page, "fresh.example.com")).to_have_count(0)


def test_certificates_are_filtered_sorted_and_exported_as_shown(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/sites")
    page.get_by_role("navigation", name="Sites and certificates").get_by_role("link", name="Certificates").click()
    expect(page.get_by_text("Showing 1 to 5 of 5 entries")).to_be_visible()
    table = page.get_by_role("table", name="Certificates")
    expect(table.locator("th")).to_contain_text(
        ["Type", "Server Name", "Detected Certificate", "Valid From", "Valid To", "Subject", "Last Update", "View"]
    )
    expect(table.get_by_role("row").nth(1)).to_contain_text("Expired")
    expect(row(table, FOREIGN)).to_contain_text("of another CA")
    expect(row(table, FOREIGN)).to_contain_text("days left")
    expect(row(table, FOREIGN)).to_contain_text("web-1")
    expect(row(table, OWN)).to_contain_text("Issued by Certwright CA")
    expect(row(table, SELF)).to_contain_text("self-signed")
    screen.accessible(lambda: expect(page.get_by_role("img", name="Bars of expiring")).to_be_visible())
    page.get_by_role("button", name=re.compile("Valid To")).click()
    expect(table.get_by_role("row").nth(1)).to_contain_text(OWN)
    page.get_by_label("Time to expiry").select_option("Expired")
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    assert [one["common_name"] for one in downloaded(page)] == ["over.example.com"]
    page.get_by_label("Time to expiry").select_option("Any")
    expect(page.get_by_text("Showing 1 to 5 of 5 entries")).to_be_visible()
    page.get_by_label("Server Name").select_option("web-1 (127.0.0.1)")
    page.get_by_label("FQDN, subject or issuer").fill("shop.EXAMPLE")
    expect(page).to_have_url(re.compile("search=shop"))
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    assert [one["names"] for one in downloaded(page)] == [f"{MARKUP}, shop.example.com"]
    search_for_anything(page, "FQDN, subject or issuer")


def test_the_figures_are_the_sums_of_the_list_and_lead_to_it(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/certificates")
    figures = page.get_by_role("table", name="The same in figures")
    expect(figures.get_by_role("row")).to_contain_text(["Within", "30 days", "60 days", "90 days", "180 days"])
    leads = figures.get_by_role("button")
    expect(leads.first).to_be_visible()
    for lead in leads.all():
        count = lead.inner_text()
        lead.click()
        expect(page.get_by_text(f"Showing 1 to {count} of {count} entries")).to_be_visible()
    assert "expires_within_days=180" in page.url
    page.get_by_role("link", name="Certificates", exact=True).first.click()
    bar = page.locator(".bars path[fill='#c1461f']").last
    bar.click()
    expect(page.get_by_label("Type", exact=True)).to_have_value("other")
    expect(page.get_by_label("Time to expiry")).to_have_value("180")
    expect(page.get_by_text("Showing 1 to 2 of 2 entries")).to_be_visible()


def test_the_viewer_shows_a_strangers_text_as_text(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/certificates?search=shop.example.com")
    page.get_by_role("button", name=f"View the certificate of {MARKUP}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(MARKUP, exact=True).first).to_be_visible()
    expect(dialog).to_contain_text("shop.example.com")
    expect(dialog).to_contain_text("CN=Another CA")
    expect(dialog.get_by_role("listitem").filter(has_text="evil.example.com")).to_contain_text("*:443")
    assert page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()
    dialog.get_by_role("tab", name="Details").click()
    expect(dialog.get_by_text("ECDSA P-256")).to_be_visible()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Copy Certificate (PEM)").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("-----BEGIN CERTIFICATE-----")
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download: Certificate (PEM)").click()
    assert download.value.path().read_text().strip() == copied
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_viewer_of_an_own_certificate_has_chain_and_order(product, stock, open_screen):
    screen = open_screen(product.url, stock.person)
    page = screen.open("/sites")
    row(page, OWN).get_by_role("button", name=f"CN={OWN}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Details").click()
    expect(dialog.get_by_role("region", name="Chain (PEM)")).to_contain_text("-----BEGIN CERTIFICATE-----")
    dialog.get_by_role("tab", name="General").click()
    dialog.get_by_role("link", name="Open the order").click()
    expect(page.get_by_role("heading", name=OWN, exact=True)).to_be_visible()


def test_empty_places_lead_to_the_first_step_and_keys_lead_to_the_pages(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_text("No site known yet")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("No site known yet")).to_be_visible())
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_text("No certificate known yet")).to_be_visible()
    page.get_by_role("link", name="Add an agent").click()
    expect(page.get_by_role("heading", name="Manage agents and servers")).to_be_visible()


def test_real_sites_of_nginx_and_apache(world, open_screen):
    """A stranger's certificate on the wire, one of our own installed by the agent, and a site without any."""
    certificate = world.folder / "old.pem"
    certificate.write_text(strangers_certificate("alt.example.com", organization=MARKUP))
    tls = TLSFiles(free_port(), certificate, key_file(world.folder))
    world.apache.add_site("alt.example.com", port=free_port(), tls=tls)
    story = Story(world, print)
    story.prepare()
    story.single_name_on_nginx()
    person = Person(world.url, story.customer.api, "", "", "")
    screen = open_screen(world.url, person)
    page = screen.open("/sites")
    expect(row(page, "alt.example.com")).to_contain_text("Another CA")
    expect(row(page, "alt.example.com")).to_contain_text(f"127.0.0.1:{tls.port}:alt.example.com")
    expect(row(page, "www.blumen-winter.example")).to_contain_text("One of yours")
    shop = row(page, "shop.blumen-winter.example")
    expect(shop).to_contain_text("None")
    row(page, "alt.example.com").get_by_role("button", name=re.compile("CN=alt")).click()
    expect(page.get_by_role("dialog").get_by_text(MARKUP).first).to_be_visible()
    page.keyboard.press("Escape")
    shop.get_by_role("button", name=re.compile("^Apply: Buy Certificate")).click()
    page.get_by_label(re.compile("^Certificate type")).select_option("dv-single")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_label(re.compile("^Common Name"))).to_have_value("shop.blumen-winter.example")
