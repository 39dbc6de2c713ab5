# SPDX-License-Identifier: Apache-2.0
"""The whole main job in a browser, on a real nginx with a real agent: from sign-up to the certificate on the wire."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from certwright.demo.customer import COMPANY, CONTACT, GOOD_CARD
from certwright.demo.story import Story, same_serial
from certwright.demo.world import World
from tests.support.browser import Screen
from tests.support.live_gateway import PASSWORD

NAME = "www.blumen-winter.example"


class Visitor:
    """Somebody with a mouse, who reads the labels."""

    def __init__(self, screen: Screen, world: World) -> None:
        self.screen = screen
        self.page: Page = screen.page
        self.world = world

    def button(self, name: str | re.Pattern[str], within: Any = None) -> None:
        """Presses a button by its whole name."""
        (within or self.page).get_by_role("button", name=name, exact=isinstance(name, str)).click()

    def dialog(self) -> Any:
        """The open dialog."""
        return self.page.get_by_role("dialog")

    def sign_up(self, login: str) -> str:
        """The wizard, to the order number; ends signed in."""
        page = self.page
        self.screen.open("/sign-up")
        labels = {"name": "Company Name", "address1": "Address 1", "postcode": "Zip / Postcode", "city": "City / Town",
            "state": "State / Province / County"}  # fmt: skip
        for field, label in labels.items():
            page.get_by_label(re.compile(f"^{re.escape(label)}")).first.fill(COMPANY[field])
        page.get_by_label(re.compile("^Country")).first.select_option(COMPANY["country"])
        people = {"title": "Title", "first_name": "First Name", "last_name": "Last Name", "email": "Email Address",
            "telephone": "Telephone Number"}  # fmt: skip
        for field, label in people.items():
            page.get_by_label(re.compile(f"^{label}")).first.fill(CONTACT[field])
        self.button("Next")
        page.get_by_label("I Accept").check()
        page.get_by_label("I Agree").check()
        self.button("Next")
        page.get_by_label(re.compile("^Login")).fill(login)
        page.get_by_role("textbox", name=re.compile("^Password")).fill(PASSWORD)
        page.get_by_role("textbox", name=re.compile("^Confirm Password")).fill(PASSWORD)
        self.button("Submit")
        expect(page.get_by_role("heading", name="Signup completed")).to_be_visible()
        number = page.locator("pre").inner_text()
        self.button("OK")
        expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
        return number

    def add_agent(self, name: str) -> None:
        """Adds an agent, downloads it, starts it, types its code."""
        page = self.page
        page.get_by_role("link", name="Agents and servers").click()
        self.button("Add New Agent/Server")
        page.get_by_label(re.compile("^Agent Name")).fill(name)
        self.button("Next")
        folder = self.world.folder / name
        folder.mkdir()
        with page.expect_download() as download:
            self.button("Download")
        download.value.save_as(folder / "agent.zip")
        expect(self.dialog().get_by_text("SHA-256")).to_be_visible()
        code, _ = self.world.start_agent(folder / "agent.zip")
        self.button("Verify agent", self.dialog())
        page.get_by_label(re.compile("^Agent Key")).fill(code)
        done = page.get_by_text(f"Agent '{name}' Authentication successful. Your agent IP is: 127.0.0.1")
        for _ in range(20):  # the agent prints its code before it introduces itself
            self.button("Start Verification")
            page.wait_for_timeout(300)
            if done.is_visible():
                break
        expect(page.get_by_text("The agent is at work. Its sites appear within seconds.")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("region", name="Servers", exact=True).last.get_by_text("nginx").first).to_be_visible()

    def order(self, name: str) -> str:
        """The order wizard; ends on the payment page."""
        page = self.page
        page.get_by_role("link", name="SSL Certificates").first.click()
        page.get_by_role("link", name="New Order").click()
        page.get_by_label(re.compile("^Certificate type")).select_option("dv-single")
        self.button("Next")
        page.get_by_label(re.compile("^Common Name")).fill(name)
        self.button("Next")
        page.get_by_label("I have read the agreement and agree").check()
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
        page.get_by_label(re.compile("^Card number")).fill(GOOD_CARD)
        page.get_by_label(re.compile("^Expiry date")).fill("12/30")
        page.get_by_label(re.compile("^Card code")).fill("123")
        self.button("Make payment")
        page.get_by_role("link", name="To the order").click()
        expect(page.get_by_role("main").get_by_text("Waiting for CSR")).to_be_visible()
        assert order_id in page.url

    def act(self, action: str) -> None:
        """Presses an action on the order's page."""
        self.button(action, self.page.get_by_role("group", name="What you can do"))

    def choose_server(self, label: str) -> None:
        """The only server that is connected."""
        select = self.dialog().get_by_label(re.compile(f"^{label}"))
        expect(select.locator("option:not([disabled])")).to_have_count(2)
        select.select_option(index=1)

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

    def install(self) -> str:
        """On nginx; the served serial, as the dialog says it."""
        self.act("Auto-install certificate")
        self.choose_server("Server")
        expect(self.dialog().get_by_label(NAME)).to_be_checked()
        self.screen.dialog_accessible()
        self.button("Continue", self.dialog())
        said = self.dialog().get_by_text("A handshake with the site showed the new certificate")
        expect(said).to_be_visible(timeout=30_000)
        self.page.keyboard.press("Escape")
        return said.inner_text() if said.count() else ""


def main_job(world: World, screen: Screen) -> None:
    """Sign-up to the wire, checked by a handshake that trusts nothing but Certwright's root."""
    world.add_site(world.nginx, world.http_port, [NAME])
    visitor = Visitor(screen, world)
    visitor.sign_up("nora-in-a-browser")
    visitor.add_agent("web-1")
    order_id = visitor.order(NAME)
    visitor.pay(order_id)
    visitor.make_csr()
    visitor.prove()
    visitor.install()
    page = screen.page
    expect(page.get_by_role("main").get_by_text("Installed").first).to_be_visible()
    serial = page.get_by_role("region", name="Certificates").locator("pre").first.inner_text()
    story = Story(world, print)
    story.root = page.request.get(f"{world.url}/pki/root.pem").body()
    assert same_serial(serial, story.served([NAME], world.tls_ports["nginx"]))
    screen.accessible(lambda: expect(page.get_by_role("heading", name="History")).to_be_visible())
    as_of(page)


def as_of(page: Page) -> None:
    """The slider shows the order as it was, without anything to press, and leads back."""
    slider = page.get_by_role("slider", name="Moment of the order's history")
    slider.focus()
    page.keyboard.press("Home")
    main = page.get_by_role("main")
    expect(main.get_by_text("This is the order as it was on")).to_be_visible()
    expect(main.get_by_text("Awaiting payment").first).to_be_visible()
    expect(main.get_by_role("group", name="What you can do")).to_have_count(0)
    page.get_by_role("button", name="Back to now").click()
    expect(main.get_by_role("group", name="What you can do")).to_be_visible()


def test_from_sign_up_to_the_wire_by_mouse(world, open_screen):
    main_job(world, open_screen(world.url))
