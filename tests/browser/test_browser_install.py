# SPDX-License-Identifier: Apache-2.0
"""Check list section 9: install, save, and the installation check, with an agent that the test plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from certwright.demo.customer import wait_for
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, binding, served, site, strangers_certificate
from tests.support.browser import Screen
from tests.support.hostile_text import HOSTILE
from tests.support.mailed_proof import issued
from tests.support.people import Person

NAME = "www.install.example"
MARKUP = HOSTILE["markup"]
READ_ONLY = f"The agent may not write /etc/nginx {MARKUP}"


@dataclass
class Held:
    """An issued order, and a server with a site that may be changed and one that may not."""

    person: Person
    agent: AgentByHand
    order_id: str
    certificate: dict[str, Any]

    def job(self, kind: str) -> dict[str, Any]:
        """The job that waits for the agent."""
        found: list[dict[str, Any]] = wait_for(f"a job {kind}", self.agent.claim)
        [job] = found
        assert job["kind"] == kind
        return job


@pytest.fixture(scope="module")
def held(product, operator) -> Held:
    person = people.customer(product.url)
    order_id = issued(person, operator, NAME)["order_id"]
    agent = AgentByHand(person.api, "web-1")
    agent.report(
        site(NAME, binding(NAME, 443, strangers_certificate(NAME))),
        site("locked.example.com", writable=False, reason=READ_ONLY),
    )
    wait_for("the sites", lambda: person.api.get("/sites")["total"] == 2)
    return Held(person, agent, order_id, person.api.get(f"/orders/{order_id}/certificate"))


class Dialog:
    """A dialog of the order, opened by its action on the order's page."""

    def __init__(self, screen: Screen, order_id: str, action: str) -> None:
        self.page: Page = screen.open(f"/orders/{order_id}")
        self.actions = self.page.get_by_role("group", name="What you can do")
        self.action = action
        self.open()

    def open(self) -> None:
        self.actions.get_by_role("button", name=self.action, exact=True).click()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def button(self, name: str) -> Locator:
        return self.dialog.get_by_role("button", name=name, exact=True)


def test_a_certificate_is_installed_or_the_site_is_as_it_was(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held.order_id, "Auto-install certificate")
    expect(one.button("Continue")).to_be_disabled()
    one.dialog.get_by_label("Server").select_option(held.agent.server_id)
    expect(one.dialog.get_by_role("columnheader")).to_have_text(["Site", "Binding", "Path", "Permission"])
    expect(one.dialog.get_by_role("checkbox", name=NAME)).to_be_checked()
    locked = one.dialog.get_by_role("row").filter(has_text="locked.example.com")
    expect(locked.get_by_role("checkbox")).to_be_disabled()
    expect(locked).to_contain_text(READ_ONLY)
    assert one.page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()
    one.dialog.get_by_role("checkbox", name=NAME).uncheck()
    expect(one.button("Continue")).to_be_disabled()
    one.dialog.get_by_role("checkbox", name=NAME).check()
    one.button("Continue").dblclick()
    expect(one.dialog.get_by_text("Waiting for the agent to fetch the job")).to_be_visible()
    assert screen.sent("POST", "/installations$") == 1
    job = held.job("install_certificate")
    held.agent.fail(job["job_id"], f"nginx -t said no {MARKUP}")
    expect(one.dialog.get_by_text("Not installed. The site is as it was before.")).to_be_visible()
    expect(one.dialog).to_contain_text(f"nginx -t said no {MARKUP}")
    screen.dialog_accessible()
    one.page.keyboard.press("Escape")
    one.open()
    one.dialog.get_by_label("Server").select_option(held.agent.server_id)
    one.button("Continue").click()
    job = held.job("install_certificate")
    assert job["arguments"]["serial"] == held.certificate["serial"]
    held.agent.finish(job["job_id"], {"served_serial": held.certificate["serial"], "site": NAME})
    said = one.dialog.get_by_text(f"the new certificate, serial number {held.certificate['serial']}")
    expect(said).to_be_visible()
    screen.dialog_accessible()
    one.page.keyboard.press("Escape")
    main = one.page.get_by_role("main")
    expect(main.get_by_text("Installed").first).to_be_visible()
    expect(one.actions.get_by_role("button", name="Auto-install certificate")).to_be_visible()


def test_a_certificate_is_saved_on_the_server_or_here(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held.order_id, "Save certificate")
    expect(one.dialog).to_contain_text(NAME)
    expect(one.button("Save")).to_be_disabled()
    screen.dialog_accessible()
    with one.page.expect_download() as download:
        one.dialog.get_by_role("link", name="Or download it here").click()
    text = download.value.path().read_text()
    assert text.count("BEGIN CERTIFICATE") >= 2
    assert "PRIVATE" not in text
    one.dialog.get_by_label("Server").select_option(held.agent.server_id)
    one.button("Save").dblclick()
    expect(one.dialog.get_by_text("Waiting for the agent to fetch the job")).to_be_visible()
    assert screen.sent("POST", "/saves$") == 1
    held.agent.fail(held.job("save_certificate")["job_id"], "No space left on the disk.")
    expect(one.dialog.get_by_role("alert")).to_contain_text("No space left on the disk.")
    one.button("Save").click()
    path = f"~/certificates/{NAME}/{NAME}_1.zip {MARKUP}"
    held.agent.finish(held.job("save_certificate")["job_id"], {"path": path})
    expect(one.dialog.get_by_text(f"Certificate successfully saved on the server by path: {path}")).to_be_visible()
    screen.dialog_accessible()


def test_the_check_shows_what_is_served_beside_what_should_be(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held.order_id, "Installation check")
    expect(one.dialog).to_contain_text(held.certificate["serial"])
    screen.dialog_accessible()
    one.button("Check now").dblclick()
    expect(one.dialog.get_by_text("Waiting for the agent to fetch the job")).to_be_visible()
    assert screen.sent("POST", "/installation-checks$") == 1
    job = held.job("check_installation")
    right, wrong = served(held.certificate["pem"]), served(strangers_certificate(MARKUP))
    result = {
        "correct": False,
        "expected_serial": held.certificate["serial"],
        "bindings": [
            {"address": "", "port": 443, "correct": True, "served": right},
            {"address": "10.0.0.7", "port": 8443, "correct": False, "served": wrong},
            {"address": "10.0.0.8", "port": 443, "correct": False, "failure": "refused", "detail": "Nobody listens."},
        ],
    }
    held.agent.finish(job["job_id"], result)
    expect(one.dialog.get_by_role("status").filter(has_text="*:443 serves the right certificate")).to_be_visible()
    differs = one.dialog.get_by_role("alert").filter(has_text="10.0.0.7:8443 does not serve it")
    expect(differs).to_contain_text(wrong["serial"])
    expect(differs).to_contain_text("CN=Another CA")
    expect(one.dialog.get_by_role("alert").filter(has_text="10.0.0.8:443")).to_contain_text("Nobody listens.")
    assert one.page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()


def test_without_a_server_the_dialogs_say_what_to_do(product, nora, operator, open_screen):
    order_id = issued(nora, operator, "www.alone.example")["order_id"]
    screen = open_screen(product.url, nora)
    one = Dialog(screen, order_id, "Installation check")
    expect(one.dialog).to_contain_text("No known site serves this name.")
    expect(one.button("Check now")).to_be_disabled()
    screen.dialog_accessible()
    one.page.keyboard.press("Escape")
    one.actions.get_by_role("button", name="Auto-install certificate").click()
    expect(one.dialog).to_contain_text("There is no server yet")
    screen.dialog_accessible()
    one.dialog.get_by_role("link", name="Add an agent").click()
    expect(one.page.get_by_role("heading", name="Manage agents and servers")).to_be_visible()
