# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation in the dialog, its approval, and many sites with one first; the test plays the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from certwright.demo.customer import wait_for
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, binding, site, strangers_certificate
from tests.support.browser import Screen
from tests.support.hostile_text import HOSTILE
from tests.support.mailed_proof import issued
from tests.support.people import Person
from tests.support.told_plan import DIFF, PATH, told

NAME = "www.plan.example"
SITES = (NAME, "shop.plan.example", "blog.plan.example")
MARKUP = HOSTILE["markup"]


@dataclass
class Held:
    """An issued order, and a server with three sites."""

    person: Person
    agent: AgentByHand
    order_id: str
    serial: str

    def jobs(self, kind: str, count: int) -> dict[str, dict[str, Any]]:
        """So many jobs that wait for the agent, by their site."""
        found: dict[str, dict[str, Any]] = {}
        while len(found) < count:
            for job in wait_for(f"{count} jobs {kind}", self.agent.claim):
                assert job["kind"] == kind
                found[job["arguments"]["site_name"]] = job
        return found

    def tell(self, job: dict[str, Any], **changes: Any) -> None:
        """The plan of a job."""
        name = job["arguments"]["site_name"]
        self.agent.finish(job["job_id"], {"plan": told(name, serial=self.serial, **changes)})

    def serves(self, job: dict[str, Any]) -> None:
        """The site serves the certificate."""
        name = job["arguments"]["site_name"]
        result = {"served_serial": self.serial, "site": name, "plan": told(name, serial=self.serial)}
        self.agent.finish(job["job_id"], result)


@pytest.fixture(scope="module")
def held(product, operator) -> Held:
    person = people.customer(product.url)
    order_id = issued(person, operator, NAME)["order_id"]
    agent = AgentByHand(person.api, "web-1")
    agent.report(*(site(name, binding(name, 443, strangers_certificate(name))) for name in SITES))
    wait_for("the sites", lambda: person.api.get("/sites")["total"] == 3)
    serial = person.api.get(f"/orders/{order_id}/certificate")["serial"]
    return Held(person, agent, order_id, serial)


class Dialog:
    """The installation's dialog, at the choice of sites."""

    def __init__(self, screen: Screen, held: Held, *sites: str) -> None:
        self.page: Page = screen.open(f"/orders/{held.order_id}")
        actions = self.page.get_by_role("group", name="What you can do")
        actions.get_by_role("button", name="Auto-install certificate", exact=True).click()
        self.dialog: Locator = self.page.get_by_role("dialog")
        self.dialog.get_by_label("Server").select_option(held.agent.server_id)
        for name in SITES:
            self.dialog.get_by_role("checkbox", name=name).set_checked(name in sites)

    def button(self, name: str) -> Locator:
        return self.dialog.get_by_role("button", name=name, exact=True)

    def plan(self, name: str) -> Locator:
        return self.dialog.get_by_role("group", name=f"Plan for {name}")

    def target(self, name: str) -> Locator:
        return self.dialog.get_by_role("group", name=name, exact=True)


@pytest.mark.parametrize("width", [1280, 375])
def test_the_plan_is_seen_before_anything_is_done(product, held, open_screen, width):
    screen = open_screen(product.url, held.person)
    screen.page.set_viewport_size({"width": width, "height": 800})
    one = Dialog(screen, held, NAME)
    one.button("Show the plan").click()
    expect(one.dialog.get_by_text("The agent is making the plan.")).to_be_visible()
    expect(one.button("Approve and install")).to_be_disabled()
    job = held.jobs("plan_installation", 1)[NAME]
    assert "plan_sha256" not in job["arguments"]
    long_line = f"+    # {MARKUP} {'long ' * 60}"
    diff = DIFF.replace("@@ -1,4 +1,4 @@", "@@ -1,4 +1,5 @@").replace("\n }\n", f"\n{long_line}\n }}\n")
    files = told()["files"]
    files[0] = {**files[0], "diff": diff, "added": 2, "hidden": 1}
    held.tell(job, files=files)

    plan = one.plan(NAME)
    expect(plan).to_contain_text("2 lines added, 1 line removed")
    expect(plan).to_contain_text("1 line is not shown: it may hold a secret.")
    lines = plan.get_by_role("region", name=f"Changes of {PATH}")
    expect(lines.locator("ins")).to_have_count(2)
    expect(lines.locator("del")).to_have_count(1)
    expect(lines.locator("ins").first).to_contain_text("Added: +    ssl_certificate /opt/")
    expect(lines.locator("del")).to_contain_text("Removed: -    ssl_certificate /etc/ssl/old.pem;")
    assert screen.page.locator("img[src=x]").count() == 0
    box = lines.evaluate("each => [each.scrollWidth > each.clientWidth, document.documentElement.scrollWidth]")
    assert box == [True, width]
    expect(plan).to_contain_text("Private key, made on the server; it is not shown")
    expect(plan).to_contain_text("nginx.conf -s reload")
    expect(plan).to_contain_text("5e5e5e5e")
    lines.focus()
    expect(lines).to_be_focused()
    screen.dialog_accessible()
    one.button("Back").click()
    expect(one.button("Continue")).to_be_enabled()
    assert screen.sent("POST", "/installations$") == 0


def test_what_is_approved_is_what_was_shown(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held, NAME)
    one.button("Show the plan").click()
    held.tell(held.jobs("plan_installation", 1)[NAME])
    one.button("Approve and install").dblclick()
    job = held.jobs("install_certificate", 1)[NAME]
    assert job["arguments"]["plan_sha256"] == told()["plan_sha256"]
    assert job["arguments"]["plan_parts"] == told()["parts"]
    held.agent.fail(job["job_id"], "What differs: file /etc/x.", "plan_changed")
    expect(one.dialog.get_by_text("What differs: file /etc/x.").first).to_be_visible()
    assert screen.sent("POST", "/installations$") == 1
    screen.dialog_accessible()
    order = held.person.api.get(f"/orders/{held.order_id}")
    newest = order["installations"][0]
    assert (newest["status"], newest["code"], newest["plan_sha256"]) == (
        "failed", "plan_changed", told()["plan_sha256"],
    )  # fmt: skip
    assert newest["approved_by"].startswith("user:")
    one.page.keyboard.press("Escape")
    expect(one.page.get_by_text("by the approved plan 5e5e5e5e5e5e").first).to_be_visible()


def test_a_plan_that_cannot_be_made_says_why(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held, NAME)
    one.button("Show the plan").click()
    held.agent.fail(held.jobs("plan_installation", 1)[NAME]["job_id"], f"nginx is not running {MARKUP}")
    expect(one.plan(NAME).get_by_role("alert")).to_contain_text(f"nginx is not running {MARKUP}")
    expect(one.button("Approve and install")).to_be_disabled()
    screen.dialog_accessible()


def test_one_site_comes_first_and_its_failure_stops_the_others(product, held, open_screen):
    screen = open_screen(product.url, held.person)
    one = Dialog(screen, held, *SITES)
    one.dialog.get_by_label("Begin with").select_option(label=SITES[1])
    screen.dialog_accessible()
    one.button("Show the plan").click()
    for job in held.jobs("plan_installation", 3).values():
        held.tell(job)
    expect(one.plan(SITES[2])).to_contain_text("1 line added")
    one.button("Approve and install").click()
    first = held.jobs("install_certificate", 1)
    assert set(first) == {SITES[1]}
    expect(one.target(SITES[1])).to_contain_text("first")
    for waiting in (SITES[0], SITES[2]):
        expect(one.target(waiting)).to_contain_text("It is begun when the first site serves the certificate.")
    screen.dialog_accessible()
    steps = one.target(SITES[1]).get_by_role("listitem")
    for count, (name, detail) in enumerate([("check", ""), ("stage", ""), ("swap", PATH)], 1):
        held.agent.step(first[SITES[1]]["job_id"], name, detail)
        expect(steps).to_have_count(count)
    expect(steps.last).to_contain_text(PATH)
    held.agent.fail(first[SITES[1]]["job_id"], "The reload failed.")
    for waiting in (SITES[0], SITES[2]):
        expect(one.target(waiting).get_by_role("alert")).to_contain_text("the first site failed: The reload failed.")
        expect(one.target(waiting)).to_contain_text("Not begun")
    screen.dialog_accessible()

    # Tried again with the same approval: the first one is verified, then the others begin.
    one.button("Try the rest again").click()
    again = held.jobs("install_certificate", 1)
    assert set(again) == {SITES[1]}
    assert again[SITES[1]]["arguments"]["plan_sha256"] == told()["plan_sha256"]
    held.serves(again[SITES[1]])
    rest = held.jobs("install_certificate", 2)
    assert set(rest) == {SITES[0], SITES[2]}
    assert {job["arguments"]["plan_sha256"] for job in rest.values()} == {told()["plan_sha256"]}
    held.serves(rest[SITES[0]])
    held.agent.fail(rest[SITES[2]]["job_id"], "No space left.")
    expect(one.target(SITES[0])).to_contain_text(f"serial number {held.serial}")
    expect(one.target(SITES[2]).get_by_role("alert").first).to_contain_text("No space left.")
    expect(one.target(SITES[1])).to_contain_text("Installed")
    one.button("Try the rest again").click()
    held.serves(held.jobs("install_certificate", 1)[SITES[2]])
    expect(one.target(SITES[2])).to_contain_text(f"serial number {held.serial}")
    expect(one.target(SITES[0])).to_contain_text("Installed")
    expect(one.dialog.get_by_text("Installed on every site.")).to_be_visible()
    screen.dialog_accessible()
    one.page.keyboard.press("Escape")

    # Afterwards the order's page shows what was changed.
    main = one.page.get_by_role("main")
    main.get_by_role("button", name="What it changes").first.click()
    shown = main.get_by_role("region", name=f"Changes of {PATH}")
    expect(shown).to_be_visible()
    screen.accessible(shown.wait_for)
