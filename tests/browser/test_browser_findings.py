# SPDX-License-Identifier: Apache-2.0
"""What is amiss with sites: in the sites pane, on the order whose certificate was there, and among servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import expect

from certwright.demo.customer import wait_for
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, binding, site, strangers_certificate
from tests.support.hostile_text import HOSTILE
from tests.support.mailed_proof import issued
from tests.support.people import Person

NAME, QUIET = "www.watched.example", "quiet.example.com"
MARKUP = HOSTILE["markup"]
PATH = f"/etc/letsencrypt/live/{NAME}/fullchain.pem"
RENEWAL = f"/etc/letsencrypt/renewal/{NAME}.conf"
SINCE = "2026-11-20T03:17:42.000000Z"


@dataclass
class Watched:
    """An order that is installed on one site of an agent; another site is beside it."""

    person: Person
    agent: AgentByHand
    order_id: str
    serial: str
    pem: str

    def report(self, *findings: dict[str, Any], pem: str = "") -> None:
        """What the agent sees now."""
        one = site(NAME, binding(NAME, 443, pem or self.pem))
        self.agent.report({**one, "findings": list(findings)}, site(QUIET))

    def order(self) -> dict[str, Any]:
        found: dict[str, Any] = self.person.api.get(f"/orders/{self.order_id}")
        return found


def finding(kind: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "since": SINCE, **facts}


@pytest.fixture(scope="module")
def watched(product, operator) -> Watched:
    person = people.customer(product.url)
    order_id = issued(person, operator, NAME)["order_id"]
    certificate = person.api.get(f"/orders/{order_id}/certificate")
    agent = AgentByHand(person.api, "web-1")
    made = Watched(person, agent, order_id, certificate["serial"], certificate["pem"])
    made.report()
    [target] = [one for one in wait_for("sites", lambda: person.api.get("/sites")["items"]) if one["name"] == NAME]
    person.api.post(f"/orders/{order_id}/installations", {
        "server_id": agent.server_id, "site_ids": [target["site_id"]],
    })  # fmt: skip
    [job] = wait_for("the job", agent.claim)
    agent.finish(job["job_id"], {"served_serial": made.serial, "site": NAME})
    wait_for("installed", lambda: made.order()["status"] == "installed")
    return made


def test_a_site_that_certbot_took_says_so_and_its_order_is_no_longer_installed(product, watched, open_screen):
    taken = finding("replaced", path=PATH, by="certbot", evidence=RENEWAL, owner="root", serial=watched.serial)
    readable = finding("key_readable", path=f"/etc/ssl/{MARKUP}.key", mode="0644", owner="root")
    watched.report(taken, readable, pem=strangers_certificate(NAME))
    wait_for("issued", lambda: watched.order()["status"] == "issued")
    screen = open_screen(product.url, watched.person)
    page = screen.open("/sites")
    row = page.get_by_role("row").filter(has_text=NAME)
    row.get_by_text("certificate replaced").click()
    row.get_by_text("key open to others").click()
    expect(row.get_by_text("take it out of the other tool")).to_be_visible()
    expect(row).to_contain_text(f"was replaced by Certbot, in {PATH}. {RENEWAL} shows it.")
    expect(row).to_contain_text("its mode is 0644")
    heads = row.get_by_role("strong")
    expect(heads).to_have_text(["key open to others", "certificate replaced"])  # the worst first
    expect(row.get_by_text("Critical")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("certificate replaced").first).to_be_visible())
    page.get_by_label("Findings").select_option("With findings")
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    page.get_by_label("Findings").select_option("Without findings")
    expect(page.get_by_role("row").filter(has_text=QUIET)).to_be_visible()
    page = screen.open("/servers")
    page.get_by_role("link", name="1 with findings").click()
    expect(page.get_by_role("row").filter(has_text="certificate replaced")).to_be_visible()
    page = screen.open(f"/orders/{watched.order_id}")
    main = page.get_by_role("main")
    expect(main.get_by_text("Issued").first).to_be_visible()
    waits = main.get_by_role("region", name="What it waits for")
    expect(waits).to_contain_text("was replaced on your site by Certbot")
    expect(waits.get_by_role("button", name="Auto-install certificate")).to_be_visible()
    expect(main.get_by_role("region", name="Findings of its sites")).to_contain_text("key open to others")
    expect(main.get_by_text("A site does not serve the certificate any more")).to_be_visible()
    screen.accessible(lambda: expect(waits).to_be_visible())
    page = screen.open("/alerts")
    expect(page.get_by_text(f"{NAME}: something is amiss with this site.").first).to_be_visible()
    german = open_screen(product.url, watched.person, "de-DE")
    row = german.open("/sites").get_by_role("row").filter(has_text=NAME)
    expect(row).to_contain_text("wurde ersetzt, von Certbot")
    expect(row).to_contain_text("Nehmen Sie sie dort heraus")
    waits = german.open(f"/orders/{watched.order_id}").get_by_role("main")
    expect(waits).to_contain_text("wurde auf Ihrer Site ersetzt, von Certbot")


def test_it_is_installed_again_as_soon_as_the_site_serves_it(product, watched, open_screen):
    watched.report()
    wait_for("installed", lambda: watched.order()["status"] == "installed")
    screen = open_screen(product.url, watched.person)
    page = screen.open(f"/orders/{watched.order_id}")
    expect(page.get_by_role("main").get_by_text("Installed").first).to_be_visible()
    expect(page.get_by_role("region", name="Findings of its sites")).to_have_count(0)
    page = screen.open("/sites")
    expect(page.get_by_role("row").filter(has_text=NAME)).not_to_contain_text("replaced")
