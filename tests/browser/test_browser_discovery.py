# SPDX-License-Identifier: Apache-2.0
"""Check list section 14 and 5.05: a scan from the form to the bookmark on the sites pane, with real listeners."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from certwright.demo.customer import wait_for
from shared.pki.certificate import parse_certificate
from tests.support import people
from tests.support.agent_by_hand import AgentByHand, key_file, strangers_certificate
from tests.support.hostile_text import HOSTILE
from tests.support.live_gateway import live
from tests.support.people import Person
from tests.support.tls_listeners import context_for, listen, serving

MARKUP = HOSTILE["markup"]
NET = "127.45.19.0/28"
NETWORKS = '["127.45.19.0/24", "127.45.20.0/24"]'


@dataclass
class Shelf:
    """The product and what is served on the scanned addresses, all on one port."""

    url: str
    person: Person
    port: int


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discovery")
    names = {1: "www.blumen-winter.example", 2: MARKUP, 3: "over.example.com"}
    settings = {"CERTWRIGHT_DISCOVERY_EXTERNAL_NETWORKS": NETWORKS, "CERTWRIGHT_DISCOVERY_RATE": "200"}
    with contextlib.ExitStack() as stack:
        port = 0
        for octet, name in names.items():
            listener = listen(f"127.45.19.{octet}", port)
            port = listener.getsockname()[1]
            certificate = folder / f"{octet}.pem"
            certificate.write_text(strangers_certificate(name, days=-3 if octet == 3 else 60))
            stack.enter_context(serving(listener, context_for(certificate, key_file(folder))))
        running = stack.enter_context(live(folder, settings))
        yield Shelf(running.url, people.customer(running.url), port)
        assert "Traceback" not in running.log


def fill(page, targets, *, mask="", ports="443"):
    page.get_by_label("IP range").fill(targets)
    page.get_by_label("Subnet mask").fill(mask)
    page.get_by_label("Ports", exact=True).fill(ports)


def row(page, text):
    return page.get_by_role("row").filter(has_text=text)


def test_a_scan_from_the_form_to_the_flag_on_the_sites_pane(shelf, open_screen):
    screen = open_screen(shelf.url, shelf.person)
    page = screen.open("/orders")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    page.get_by_role("link", name="SSL Certificate Discovery").click()
    expect(page.get_by_text("Nothing scanned yet")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("Nothing scanned yet")).to_be_visible())
    fill(page, "127.45.19.0", mask="255.255.255.240", ports=str(shelf.port))
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("Finished")).to_be_visible()
    expect(page.get_by_text("16 of 16 looked at")).to_be_visible()
    expect(page.get_by_text("Showing 1 to 3 of 3 entries")).to_be_visible()
    first = row(page, "www.blumen-winter.example")
    expect(first).to_contain_text("127.45.19.1")
    expect(first).to_contain_text("New")
    expect(first.get_by_label("Valid", exact=True)).to_be_visible()
    expect(row(page, "over.example.com").get_by_label("Expired")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    screen.accessible(lambda: expect(page.get_by_text("16 of 16 looked at")).to_be_visible())
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [(one["address"], one["state"]) for one in lines] == [(f"127.45.19.{octet}", "new") for octet in (1, 2, 3)]
    first.get_by_role("button", name=re.compile("^View the certificate")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"127.45.19.1:{shelf.port}")
    expect(dialog).to_contain_text("Another CA")
    dialog.get_by_label("Owner").fill("Shop team")
    dialog.get_by_role("button", name="Save").click()
    wait_for("the owner", lambda: shelf.person.api.get("/certificates?search=shop%20team")["total"] == 1)
    screen.dialog_accessible()
    dialog.get_by_role("tab", name="Details").click()
    expect(dialog.get_by_role("region", name="Certificate (PEM)")).to_contain_text("BEGIN CERTIFICATE")
    page.keyboard.press("Escape")
    first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Bookmark Certificate(s)").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 certificate")
    page.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Sites", exact=True).click()
    bookmarks = page.get_by_role("table", name="Bookmarked certificates")
    expect(bookmarks.get_by_role("row").filter(has_text="www.blumen-winter.example")).to_be_visible()
    expect(bookmarks.get_by_label("Bookmarked", exact=True)).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_label("Bookmarked", exact=True)).to_be_visible())
    bookmarks.get_by_role("button", name=re.compile("^Delete the bookmark")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(bookmarks).to_have_count(0)
    page.get_by_role("link", name="SSL Certificate Discovery").click()
    row(page, MARKUP).get_by_role("button", name=re.compile("^Apply: Renew with Certwright CA")).click()
    expect(page.get_by_role("heading", name="Create new order")).to_be_visible()


def test_what_may_not_be_scanned_is_told_at_its_field(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/discovery")
    fill(page, "10.0.0.0/24")
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("10.0.0.0/24 is not scanned from here (private use, RFC 1918).")).to_be_visible()
    fill(page, "8.8.8.8")
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text(re.compile(r"8\.8\.8\.8/32 may not be scanned"))).to_be_visible()
    fill(page, "", ports="x")
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("Give addresses here, or names below.")).to_be_visible()
    assert screen.sent("POST", "/api/v1/scans$") == 2


def test_a_long_scan_shows_its_progress_and_is_stopped(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/discovery")
    fill(page, "127.45.20.0/24", ports=",".join(str(port) for port in range(20_001, 20_041)))
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_role("progressbar", name="Progress of the scan")).to_be_visible()
    expect(page.get_by_text(re.compile(r"a second · [\d:]+ left"))).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped")).to_be_visible()
    expect(page.get_by_text("No certificate found")).to_be_visible()


def test_a_schedule_is_made_run_now_and_removed(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/discovery")
    fill(page, NET, ports=str(shelf.port))
    page.get_by_role("button", name="Names, exclusions, schedule").click()
    page.get_by_label("How often").select_option("24")
    page.get_by_label("Name of the schedule").fill("Every night")
    screen.accessible(lambda: expect(page.get_by_label("Quiet from (UTC)")).to_be_visible())
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("Scheduled scans")).to_be_visible()
    page.get_by_role("button", name="Run Every night now").click()
    expect(page.get_by_text("Finished")).to_be_visible()
    page.get_by_role("button", name="Remove Every night").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("Scheduled scans")).to_have_count(0)


def test_the_page_in_german_has_all_its_words(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url), "de-DE")
    page = screen.open("/discovery")
    page.get_by_label("IP-Bereich").fill(NET)
    page.get_by_role("button", name="Scan starten").click()
    expect(page.get_by_text("Beendet")).to_be_visible()
    expect(page.get_by_text("Kein Zertifikat gefunden")).to_be_visible()


def test_without_an_agent_the_internal_scan_leads_to_a_first_one(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/discovery")
    expect(page.get_by_role("radio", name="External")).to_be_checked()
    page.get_by_role("radio", name="Internal").check()
    expect(page.get_by_text("No agent yet – add one")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("No agent yet – add one")).to_be_visible())
    fill(page, "10.0.0.0/29")
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("Choose the agent that scans.")).to_be_visible()
    page.get_by_role("link", name="add one").click()
    expect(page.get_by_role("heading", name="Manage agents and servers")).to_be_visible()
    assert screen.sent("POST", "/api/v1/scans$") == 0


def test_an_internal_scan_runs_at_the_chosen_agent_and_shows_its_name(shelf, open_screen):
    person = people.customer(shelf.url)
    agent = AgentByHand(person.api, MARKUP[:60])
    screen = open_screen(shelf.url, person)
    page = screen.open("/discovery")
    page.get_by_role("radio", name="Internal").check()
    page.get_by_label("Agent", exact=False).select_option(agent.agent_id)
    fill(page, "10.0.0.0", mask="29")
    page.get_by_role("button", name="Start Scan").click()
    expect(page.get_by_text("Waiting for the agent.")).to_be_visible()
    [job] = wait_for("the job", agent.claim)
    scan_id = job["arguments"]["scan_id"]
    agent.finish(job["job_id"], {})
    part = agent.scan_part(scan_id)
    der = parse_certificate(strangers_certificate("www.blumen-winter.example")).der
    place = {"address": "10.0.0.5", "port": 443, "chain": [0], "protocol": "TLSv1.3"}
    certificates = [base64.b64encode(der).decode()]
    agent.scan_report(scan_id, part, 1, 6, found=[place], certificates=certificates, failures={"refused": 5}, rate=40)
    expect(page.get_by_text("6 of 8 looked at")).to_be_visible()
    expect(page.get_by_text("by the agent")).to_contain_text(MARKUP[:60])
    expect(page.get_by_text("Waiting for the agent.")).to_have_count(0)
    assert page.locator("img[src=x]").count() == 0
    expect(row(page, "www.blumen-winter.example")).to_contain_text("10.0.0.5")
    agent.scan_report(scan_id, part, 2, 8, failures={"refused": 7})
    assert agent.scan_part(scan_id)["part"] == ""
    expect(page.get_by_text("Finished")).to_be_visible()
    expect(page.get_by_text("refused 7")).to_be_visible()
