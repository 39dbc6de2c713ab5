# SPDX-License-Identifier: Apache-2.0
"""A customer in front of the console who does the whole main job by what the labels say."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from certwright.demo.customer import COMPANY, CONTACT, GOOD_CARD
from certwright.demo.world import World
from tests.support.browser import Screen
from tests.support.hands import Hand, Mouse
from tests.support.live_gateway import PASSWORD


class Visitor:
    """`hand` is the mouse unless said otherwise."""

    def __init__(self, screen: Screen, world: World, hand: Hand | None = None) -> None:
        self.screen = screen
        self.page: Page = screen.page
        self.world = world
        self.hand: Hand = hand or Mouse()

    def button(self, name: str | re.Pattern[str], within: Any = None) -> None:
        """Presses a button by its whole name."""
        self.hand.press((within or self.page).get_by_role("button", name=name, exact=isinstance(name, str)))

    def link(self, name: str | re.Pattern[str], within: Any = None) -> None:
        """Follows the first link of this name."""
        self.hand.press((within or self.page).get_by_role("link", name=name).first)

    def field(self, label: str, within: Any = None) -> Locator:
        """A field by the beginning of its label."""
        return (within or self.page).get_by_label(re.compile(f"^{re.escape(label)}")).first

    def dialog(self) -> Any:
        """The open dialog."""
        return self.page.get_by_role("dialog")

    def sign_up(self, login: str) -> str:
        """The wizard, to the order number; ends signed in."""
        page = self.page
        self.screen.open("/sign-up")
        labels = {"name": "Company Name", "department": "Department", "address1": "Address 1",
            "postcode": "Zip / Postcode", "city": "City / Town", "state": "State / Province / County"}  # fmt: skip
        for field, label in labels.items():
            self.hand.type(self.field(label), COMPANY[field])
        self.hand.choose(self.field("Country"), COMPANY["country"])
        people = {"title": "Title", "first_name": "First Name", "last_name": "Last Name", "email": "Email Address",
            "telephone": "Telephone Number"}  # fmt: skip
        for field, label in people.items():
            self.hand.type(self.field(label), CONTACT[field])
        self.button("Next")
        self.hand.tick(page.get_by_label("I Accept"))
        self.hand.tick(page.get_by_label("I Agree"))
        self.button("Next")
        self.hand.type(self.field("Login"), login)
        self.hand.type(page.get_by_role("textbox", name=re.compile("^Password")), PASSWORD)
        self.hand.type(page.get_by_role("textbox", name=re.compile("^Confirm Password")), PASSWORD)
        self.button("Submit")
        expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()
        number = page.locator("pre").inner_text()
        self.button("OK")
        expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
        return number

    def add_agent(self, name: str) -> None:
        """Adds an agent, downloads it, starts it, types its code."""
        page = self.page
        self.link("Agents and servers")
        self.button("Add New Agent/Server")
        self.hand.type(self.field("Agent Name"), name)
        self.button("Next")
        folder = self.world.folder / name
        folder.mkdir()
        with page.expect_download() as download:
            self.link(re.compile("^Download: RedHat and any other Linux"), self.dialog())
        download.value.save_as(folder / "agent.zip")
        expect(self.dialog().get_by_text("SHA-256").first).to_be_visible()
        code, _ = self.world.start_agent(folder / "agent.zip")
        self.button("Verify agent", self.dialog())
        self.hand.type(self.field("Agent Key"), code)
        done = page.get_by_text(f"Agent '{name}' Authentication successful. Your agent IP is: 127.0.0.1")
        refused = self.dialog().locator("[aria-invalid=true], [role=alert]")
        for _ in range(20):  # the agent prints its code before it introduces itself
            self.button("Start Verification")
            expect(done.or_(refused).first).to_be_visible()
            if done.is_visible():
                break
            page.wait_for_timeout(300)
        expect(page.get_by_text("The agent is at work. Its sites appear within seconds.")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("table", name="Servers").get_by_text("nginx").first).to_be_visible()

    def order(self, name: str) -> str:
        """The order wizard; ends on the payment page."""
        page = self.page
        self.link("SSL Certificates")
        self.link("New Order")
        self.hand.choose(self.field("Certificate type"), "dv-single")
        self.button("Next")
        self.hand.type(self.field("Common Name"), name)
        self.button("Next")
        self.hand.tick(page.get_by_label("I have read the agreement and agree"))
        self.button("Next")
        expect(page.get_by_role("main").get_by_text("Not used")).to_be_visible()
        self.button("Place Order")
        expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
        assert self.screen.sent("POST", "/api/v1/orders$") == 1
        return page.url.split("/orders/")[1].split("/")[0]

    def pay(self, order_id: str) -> None:
        """The provider's own page, and back."""
        page = self.page
        self.button("Make Payment")
        self.hand.type(self.field("Card number"), GOOD_CARD)
        self.hand.type(self.field("Expiry date"), "12/30")
        self.hand.type(self.field("Card code"), "123")
        self.button("Make payment")
        self.link("To the order")
        expect(page.get_by_role("main").get_by_text("Waiting for CSR")).to_be_visible()
        assert order_id in page.url

    def act(self, action: str) -> None:
        """Presses an action on the order's page."""
        self.button(action, self.page.get_by_role("group", name="What you can do"))

    def choose_server(self, label: str) -> None:
        """The only server that is connected."""
        select = self.dialog().get_by_label(re.compile(f"^{label}"))
        expect(select.locator("option:not([disabled])")).to_have_count(2)
        self.hand.choose(select, select.locator("option:not([disabled])").nth(1).get_attribute("value") or "")

    def make_csr(self) -> None:
        """Key and CSR on the server."""
        self.act("Generate request")
        self.choose_server("Generate CSR on server")
        self.button("Generate CSR", self.dialog())
        expect(self.dialog().get_by_text("The request was made and accepted.")).to_be_visible()
        self.screen.dialog_accessible()
        self.page.keyboard.press("Escape")

    def prove(self) -> None:
        """The agent places the file; the check follows."""
        self.act("Domain control validation")
        self.choose_server("Server that hosts the name")
        self.screen.dialog_accessible()
        self.button("Create file & submit", self.dialog())
        expect(self.dialog().get_by_text("the certificate is issued")).to_be_visible()
        self.page.keyboard.press("Escape")

    def install(self, name: str) -> None:
        """On the site of this name; ends when a handshake has shown the certificate."""
        self.act("Auto-install certificate")
        self.choose_server("Server")
        expect(self.dialog().get_by_label(name)).to_be_checked()
        self.screen.dialog_accessible()
        self.button("Continue", self.dialog())
        said = self.dialog().get_by_text("A handshake with the site showed the new certificate")
        expect(said).to_be_visible(timeout=30_000)
        self.page.keyboard.press("Escape")
