# SPDX-License-Identifier: Apache-2.0
"""Check list section 15: a basic and an advanced check of a real listener, history, comparison, JSON."""

from __future__ import annotations

import contextlib
import json
import re
import ssl

import pytest
from playwright.sync_api import expect

from tests.support import people
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.hostile_text import HOSTILE
from tests.support.live_gateway import live
from tests.support.tls_listeners import context_for, listen, serving

MARKUP = HOSTILE["markup"]
ADDRESS = "127.45.21.1"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The product, and a listener whose certificate has text of a stranger."""
    folder = tmp_path_factory.mktemp("tools")
    certificate = folder / "one.pem"
    certificate.write_text(strangers_certificate("www.blumen-winter.example", organization=MARKUP))
    settings = {"CERTWRIGHT_DISCOVERY_EXTERNAL_NETWORKS": '["127.45.21.0/24"]'}
    with contextlib.ExitStack() as stack:
        context = context_for(certificate, key_file(folder))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        port = stack.enter_context(serving(listen(ADDRESS), context))
        running = stack.enter_context(live(folder, settings))
        running.port = port
        yield running
        assert "Traceback" not in running.log


def fill(page, domain, port):
    page.get_by_label("Domain").fill(domain)
    page.get_by_label("Port", exact=True).fill(str(port))


def test_basic_and_advanced_checks_their_history_and_what_changed(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/orders")
    page.get_by_role("link", name="SSL Tools").click()
    expect(page.get_by_text("Nothing checked yet")).to_be_visible()
    fill(page, ADDRESS, shelf.port)
    page.get_by_role("button", name="Basic SSL Check").click()
    details = page.get_by_role("region", name="Certificate Details")
    expect(details).to_be_visible()
    for term in (
        "Common Name", "Subject Name", "Serial Number", "SHA-256 Fingerprint", "Valid From", "Valid To", "Key",
        "Weak key (Debian)", "Shares a prime with another key", "Signature",
        "Issuer Name", "Issuer Brand", "Validation Type", "Trusted by Microsoft?",
        "Trusted by Mozilla?", "Trusted",
    ):  # fmt: skip
        expect(details.get_by_text(term, exact=True)).to_be_visible()
    expect(details).to_contain_text("www.blumen-winter.example")
    expect(details).to_contain_text(MARKUP)
    expect(details).to_contain_text("Another CA")
    expect(details).to_contain_text("Not checked")
    assert page.locator("img[src=x]").count() == 0
    trust = page.get_by_role("region", name="Revocation, transparency and CAA")
    for term in ("Revocation by OCSP", "Revocation by CRL", "Stapled OCSP answer", "Certificate transparency stamps",
                 "CAA records"):  # fmt: skip
        expect(trust.get_by_text(term, exact=True)).to_be_visible()
    expect(trust).to_contain_text("the certificate names no OCSP responder, and needs none")
    expect(trust).to_contain_text("addresses have no CAA records")
    expect(page.get_by_role("region", name="Protocols and cipher suites")).to_have_count(0)
    screen.accessible(lambda: expect(details).to_be_visible())
    page.get_by_role("button", name="Advanced SSL Check").click()
    protocols = page.get_by_role("region", name="Protocols and cipher suites")
    expect(protocols).to_be_visible(timeout=60_000)
    expect(protocols.get_by_role("row", name=re.compile("^TLS 1.2"))).to_contain_text("Yes")
    expect(protocols.get_by_role("row", name=re.compile("^SSL 3"))).to_contain_text("No")
    expect(page.get_by_role("region", name="What the server does")).to_contain_text("Heartbleed")
    findings = page.get_by_role("region", name="What was found")
    expect(findings).to_contain_text(f"The certificate is not for {ADDRESS}")
    expect(page.get_by_role("img", name="Grade T")).to_be_visible()
    expect(page.get_by_text("The certificate is not trusted.")).to_be_visible()
    findings.get_by_text("How to mend it").first.click()
    expect(findings.get_by_role("tab", name="nginx").first).to_be_visible()
    screen.accessible(lambda: expect(protocols).to_be_visible())
    page.get_by_role("button", name=re.compile("^Compare with the check of")).click()
    expect(page.get_by_text("Nothing that both looked at has changed.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    said = json.loads(download.value.path().read_text())
    assert (said["fqdn"], said["port"], said["depth"]) == (ADDRESS, shelf.port, "advanced")
    assert said["certificates"][0]["common_name"] == "www.blumen-winter.example"
    assert download.value.suggested_filename == f"check-{ADDRESS}-{shelf.port}.json"


def test_an_endpoint_that_cannot_be_checked_says_why(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url))
    page = screen.open("/tools")
    fill(page, "10.0.0.1", 443)
    page.get_by_role("button", name="Basic SSL Check").click()
    expect(page.get_by_label("Domain")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(re.compile("leads to 10.0.0.1"))).to_be_visible()
    fill(page, ADDRESS, 1)
    page.get_by_role("button", name="Basic SSL Check").click()
    expect(page.get_by_text("It takes no connections on this port.")).to_be_visible()
    screen.accessible(lambda: expect(page.get_by_text("It takes no connections on this port.")).to_be_visible())
    fill(page, ADDRESS, "x")
    page.get_by_role("button", name="Advanced SSL Check").click()
    expect(page.get_by_text("A port is between 1 and 65535.")).to_be_visible()


def test_the_page_in_german_has_all_its_words(shelf, open_screen):
    screen = open_screen(shelf.url, people.customer(shelf.url), "de-DE")
    page = screen.open("/tools")
    page.get_by_label("Domäne").fill(ADDRESS)
    page.get_by_label("Port", exact=True).fill(str(shelf.port))
    page.get_by_role("button", name="Gründliche SSL-Prüfung").click()
    expect(page.get_by_role("region", name="Was der Server tut")).to_be_visible(timeout=60_000)
