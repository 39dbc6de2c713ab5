# SPDX-License-Identifier: Apache-2.0
"""Check list section 3: the frame around every page: menus, left panel, breadcrumb, palette, keys, theme, language."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.support import people
from tests.support.agent_by_hand import AgentByHand
from tests.support.hostile_text import HOSTILE
from tests.support.live_gateway import live
from tests.support.many_orders import fill

NAME = "www.example.com"
# Pages of the first user of an account, with what the breadcrumb says of them.
CRUMBS = {
    "/orders": "SSL Management / SSL Certificates",
    "/sites": "SSL Management / Sites",
    "/certificates": "SSL Management / Certificates",
    "/servers": "SSL Management / Agents and servers",
    "/buy": "SSL Management / New order",
    "/deposit": "Account / EPKI Manager",
    "/company": "Account / Company",
    "/acme": "Account / ACME clients",
    "/profile": "Account / Profile",
    "/alerts": "Account / Alerts",
    "/users": "Account / Users",
    "/audit": "Account / Audit log",
}
LINKS = {
    "CERTWRIGHT_GATEWAY_BRAND": "Wachs & Siegel",
    "CERTWRIGHT_GATEWAY_SUPPORT_URL": "mailto:help@wachs.example",
    "CERTWRIGHT_GATEWAY_SCAN_URL": "https://scan.example/",
    "CERTWRIGHT_GATEWAY_HELP_URL": "",
}


def test_a_visitor_is_sent_to_the_sign_in_page(product, open_screen):
    screen = open_screen(product.url)
    page = screen.open("/orders")
    expect(page).to_have_url(f"{product.url}/console/sign-in?next=%2Forders")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/orders", "Orders"),
        ("/servers", "Manage agents and servers"),
        ("/deposit", "EPKI Manager"),
        ("/buy", "Create new order"),
        ("/nowhere", "There is no such page"),
    ],
)
def test_every_page_is_accessible(product, nora, open_screen, path, heading):
    screen = open_screen(product.url, nora)
    page = screen.open(path)
    screen.accessible(lambda: expect(page.get_by_role("heading", name=heading).first).to_be_visible())


def test_every_page_says_where_one_is(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    at = f"/orders/{order['order_id']}"
    screen = open_screen(product.url, nora)
    for path, crumb in {**CRUMBS, at: "SSL Management / Order", f"{at}/payment": "SSL Management / Payment"}.items():
        page = screen.open(path)
        expect(page.get_by_role("navigation", name="You are here")).to_have_text(crumb)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page).to_have_title(f"{crumb.partition(' / ')[2]} · Certwright")


def test_the_menu_leads_to_the_pages_of_a_customer(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/")
    expect(page).to_have_url(re.compile("/console/orders$"))  # where the console opens
    menu = page.get_by_role("navigation", name="Main menu")
    ssl = menu.get_by_role("region", name="SSL Management")
    account = menu.get_by_role("region", name="Account", exact=True)
    expect(ssl.get_by_role("link")).to_have_text(
        [
            "SSL Certificates",
            "Sites",
            "Certificates",
            "SSL Certificate Discovery",
            "SSL Tools",
            "Forecast",
            "Mass replacement",
            "Agents and servers",
        ]
    )
    expect(account.get_by_role("link")).to_have_text(
        ["EPKI Manager", "Company", "ACME clients", "Profile", "Alerts", "Users", "Audit log"]
    )
    expect(menu.get_by_role("region", name="Operation")).to_have_count(0)
    account.get_by_role("link", name="EPKI Manager").click()
    expect(account.get_by_role("link", name="EPKI Manager")).to_have_attribute("aria-current", "page")

    # A phone has the same menu behind a button; it closes when a page is chosen.
    screen.width(375)
    sites = menu.get_by_role("link", name="Sites")
    expect(sites).not_to_be_in_viewport()
    page.get_by_role("button", name="Menu", exact=True).click()
    sites.click()
    expect(page.get_by_role("heading", name="Sites", level=1)).to_be_visible()
    expect(sites).not_to_be_in_viewport()


def test_links_that_are_not_set_are_hidden_and_about_tells_the_version(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    page.get_by_role("button", name="Help").click()
    items = page.get_by_role("menuitem")
    expect(page.locator("[role=menu]:focus, [role=menu] :focus")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=menuitem]:focus")).to_have_count(1)
    assert screen.axe("[role=menu]") == []
    expect(items).to_have_text(["Online help", "API reference", "Keyboard shortcuts", "About"])
    expect(items.first).to_have_attribute("href", "/docs")
    items.last.click()
    dialog = page.get_by_role("dialog", name="About")
    expect(dialog).to_contain_text(re.compile(r"CertwrightSoftware version \d+\.\d+\.\d+"))
    expect(dialog).to_contain_text("© The Certwright authors")
    screen.dialog_accessible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


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


def test_links_that_are_set_are_shown(tmp_path, open_screen):
    with live(tmp_path, LINKS) as branded:
        page = open_screen(branded.url).open("/sign-in")
        expect(page).to_have_title(re.compile("Wachs & Siegel"))
        page = open_screen(branded.url, people.customer(branded.url)).open("/orders")
        expect(page.get_by_role("link", name="Wachs & Siegel")).to_be_visible()
        page.get_by_role("button", name="Help").click()
        expect(page.get_by_role("menuitem", name="Online help")).to_have_count(0)
        support = page.get_by_role("menuitem", name="Ask for support")
        expect(support).to_have_attribute("href", "mailto:help@wachs.example")
        scan = page.get_by_role("menuitem", name="HackerGuardian – PCI Scan")
        expect(scan).to_have_attribute("href", "https://scan.example/")
        expect(scan).to_have_attribute("rel", "noreferrer")


def test_the_balance_stands_in_the_left_panel_once_there_is_a_deposit(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    balance = page.get_by_role("region", name="Account balance")
    expect(page.get_by_role("region", name="Servers")).to_be_visible()
    expect(balance).to_have_count(0)
    nora.steps.top_up(123_456)
    expect(balance).to_contain_text("$1,234.56")  # by itself
    balance.get_by_role("link", name="Add funds").click()
    expect(page.get_by_role("dialog", name="Refill Account Balance")).to_be_visible()


def test_agents_with_their_servers_stand_in_the_left_panel(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    tree = page.get_by_role("region", name="Servers")
    expect(tree).to_contain_text("No agent yet")
    nora.api.post("/agents", {"name": "new-one"})
    AgentByHand(nora.api, "web-1")
    old = AgentByHand(nora.api, "web-2")
    old.facts["version"] = "0.0.1"
    old.claim()
    page.reload()
    nodes = tree.locator(".server-node")
    expect(nodes.filter(has_text="new-one").first).to_contain_text("Not verified")
    expect(nodes.filter(has_text="web-1").first).to_contain_text("Connected")
    outdated = nodes.filter(has_text="web-2").first
    expect(outdated).to_contain_text("Outdated")
    # Below an agent its server, with the address that it came from.
    below = tree.get_by_role("listitem").filter(has_text="web-1").get_by_role("listitem")
    expect(below).to_contain_text("web-1 (127.0.0.1)")
    expect(below).to_contain_text("Connected")
    outdated.focus()
    expect(page.get_by_role("tooltip")).to_contain_text("download it again")
    outdated.blur()
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Orders")).to_be_visible())
    tree.get_by_role("link", name="Manage servers").click()
    expect(page.get_by_role("heading", name="Manage agents and servers")).to_be_visible()


def test_the_newest_alerts_stand_in_the_left_panel(product, nora, open_screen):
    nora.api.call("PUT", "/alert-settings", {"days_before": [365], "email": False, "addresses": []})
    page = open_screen(product.url, nora).open("/orders")
    alerts = page.get_by_role("region", name="Alerts")
    expect(alerts).to_contain_text("No more alerts found")
    fill(product.folder / "data", nora.api.get("/account")["account_id"], 20)
    page.reload()
    expect(alerts.get_by_role("listitem").first).to_contain_text("expires in")
    assert alerts.get_by_role("listitem").count() <= 3
    alerts.get_by_role("link", name="More alerts").click()
    expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()


def test_theme_and_language_are_kept_over_a_reload(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    html = page.locator("html")
    menu = page.get_by_role("button", name=re.compile(re.escape(nora.login)))
    expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    menu.click()
    expect(page.get_by_role("menuitemradio", name="As the system")).to_be_checked()
    expect(page.get_by_role("menuitemradio", name="English")).to_be_checked()
    assert screen.axe("[role=menu]") == []
    page.get_by_role("menuitemradio", name="Dark").click()
    expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("menuitemradio", name="Deutsch").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Bestellungen")).to_be_visible()
    page.reload()
    expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(html).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", name="Bestellungen")).to_be_visible()
    menu.click()
    expect(page.get_by_role("menuitemradio", name="Deutsch")).to_be_checked()
    expect(page.get_by_role("menuitem", name="Profil")).to_be_visible()
    page.get_by_role("menuitem", name="Abmelden").click()
    expect(page).to_have_url(re.compile("/console/sign-in"))
    screen.open("/orders")
    expect(page).to_have_url(re.compile("/console/sign-in"))


def test_the_console_speaks_the_language_of_the_browser(product, nora, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open("/orders")
    expect(page.get_by_role("heading", name="Bestellungen")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_the_skip_link_comes_first(product, nora, open_screen):
    page = open_screen(product.url, nora).open("/orders")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_palette_finds_pages_and_orders(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    page = open_screen(product.url, nora).open("/servers")
    here = page.get_by_role("navigation", name="You are here")
    expect(here).to_have_text("SSL Management / Agents and servers")
    find = page.get_by_label("Page, order number or name")
    page.keyboard.press("Control+k")
    find.fill("epki")
    page.keyboard.press("Enter")
    expect(here).to_contain_text("EPKI Manager")
    page.keyboard.press("Control+k")
    for kind in ("right to left", "emoji", "markup", "too long"):
        find.fill(HOSTILE[kind])
        expect(page.get_by_text("Nothing found")).to_be_visible()
    find.fill(str(order["number"]))
    found = page.get_by_role("button", name=f"{order['number']} {NAME}")
    expect(found).to_contain_text("Awaiting payment")
    found.click()
    expect(page).to_have_url(re.compile(f"/orders/{order['order_id']}$"))


def test_keys_lead_to_pages_and_are_listed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    here = page.get_by_role("navigation", name="You are here")
    keys = {"s": "Agents and servers", "w": "Sites", "c": "Certificates", "d": "EPKI Manager", "p": "Profile",
        "a": "Alerts", "u": "Users", "l": "Audit log", "o": "SSL Certificates"}  # fmt: skip
    for letter, title in keys.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(here).to_contain_text(title)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    for letter, title in keys.items():
        expect(dialog.get_by_role("row", name=f"G {letter.upper()} Go to {title}")).to_be_visible()
    screen.dialog_accessible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    search = page.get_by_label("Number, name or product")
    expect(search).to_be_focused()
    page.keyboard.type("gs?")  # text in a field, and no key of the console
    expect(search).to_have_value("gs?")
    expect(here).to_contain_text("SSL Certificates")
    expect(page).to_have_url(re.compile("gs"))  # the list has asked: what is typed goes into the address a moment later
    search.blur()
    page.keyboard.press("n")
    expect(here).to_contain_text("New order")


def test_a_search_that_was_typed_a_moment_ago_calls_nobody_back(product, nora, open_screen):
    """The list asks when typing pauses; by then another page may be on its way."""
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/BuyPage.js", hold)
    search = page.get_by_label("Number, name or product")
    search.fill("shop")
    search.blur()
    page.keyboard.press("n")
    page.wait_for_timeout(700)  # longer than the pause after which it asks
    for route in held:
        route.continue_()
    expect(page.get_by_role("heading", name="Create new order")).to_be_visible()
    expect(page).to_have_url(re.compile("/console/buy$"))


def test_a_lost_connection_says_so_and_keeps_what_was_typed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/servers")
    page.get_by_role("button", name="Add New Agent/Server").click()
    name = page.get_by_label(re.compile("^Agent Name"))
    name.fill("web-1")
    screen.lost = True
    page.context.set_offline(True)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(name).to_have_value("web-1")
    page.context.set_offline(False)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Agent UID", exact=True).last).to_be_visible()
    assert len(nora.api.get("/agents")["items"]) == 1
