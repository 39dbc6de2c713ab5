# SPDX-License-Identifier: Apache-2.0
"""Check list 3.11: channels with a real receiver, and links to subscribe to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import xml.etree.ElementTree as ET

import pytest
import requests
from playwright.sync_api import expect

from certwright.api_client import ProblemError
from tests.support import people
from tests.support.hostile_text import HOSTILE, survives_hostile_text
from tests.support.live_gateway import live
from tests.support.many_orders import fill
from tests.support.shop import Shop

MARKUP = HOSTILE["markup"]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A product whose operator lets this host be dialled, where the receivers of these tests are."""
    settings = {"CERTWRIGHT_EGRESS_ALLOW_NETWORKS": '["127.0.0.0/8"]'}
    with live(tmp_path_factory.mktemp("product"), settings) as running:
        yield running


def test_alerts_reach_a_webhook_signed(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/alerts")
    section = page.get_by_role("region", name="Channels")
    expect(section.get_by_role("heading", name="No channel")).to_be_visible()
    section.get_by_role("button", name="Add a channel").click()
    dialog = page.get_by_role("dialog")
    add = dialog.get_by_role("button", name="Add a channel")
    name, url = dialog.get_by_label(re.compile("^Name")), dialog.get_by_label(re.compile("^URL"))
    screen.dialog_accessible()
    survives_hostile_text(screen, dialog, add.click)
    name.fill(MARKUP)
    for wrong, said in {
        "ftp://hooks.example/": "Only http and https URLs are allowed.",
        "https://user:pass@hooks.example/": "A user name or password in a URL is not allowed.",
        "https://h\u00f6oks.example/\U0001f9e8": "characters that no URL has",
    }.items():
        url.fill(wrong)
        add.click()
        expect(dialog.get_by_text(said)).to_be_visible()
        expect(url).to_have_attribute("aria-invalid", "true")
    about = ("Low balance", "Proof of control missing", "Installation goes on failing", "Something amiss with a site")
    for kind in (*about, "Certificate ends"):
        dialog.get_by_label(kind).uncheck()
    add.click()
    expect(dialog.get_by_text("Choose at least one.")).to_be_visible()
    dialog.get_by_label("Certificate ends").check()

    with Shop([204, 500, 204]) as receiver:
        url.fill(f"{receiver.url}?key=very-secret")
        sent = screen.sent("POST", "/alert-channels$")
        add.dblclick()
        expect(dialog.get_by_text("It is shown this once")).to_be_visible()
        assert screen.sent("POST", "/alert-channels$") == sent + 1
        screen.dialog_accessible()
        secret = dialog.locator("pre").inner_text()
        dialog.get_by_role("button", name="I have stored it").click()
        row = section.get_by_role("row").filter(has_text=MARKUP)
        expect(row).to_contain_text("Nothing sent yet")
        row.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text(f"The test reached {MARKUP}: HTTP 204")).to_be_visible()
        expect(row).to_contain_text("Delivered")
        row.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text(f"The test did not reach {MARKUP}: HTTP 500")).to_be_visible()
        expect(row).to_contain_text("Failed")
        screen.accessible(lambda: expect(section.get_by_text("HTTP 500").first).to_be_visible())

        # A real alert, with the mails of the settings turned off.
        nora.api.call("PUT", "/alert-settings", {"days_before": [365], "email": False, "addresses": []})
        fill(product.folder / "data", nora.api.get("/account")["account_id"], 4)
        notice = receiver.wait_for(3)[-1]
        expect(row).to_contain_text("Delivered")
    body = json.loads(notice["body"])
    assert (body["type"], body["data"]["kind"]) == ("alert.raised", "expiry")
    signed = f"{notice['notice_id']}.{notice['timestamp']}.{notice['body']}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert notice["signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    shown = json.dumps(nora.api.get("/alert-channels")) + json.dumps(nora.api.get("/events", limit=200)) + product.log
    assert "very-secret" not in shown
    assert secret not in shown + page.content()


def test_a_channel_is_changed_and_removed(product, nora, open_screen):
    body = {"kind": "email", "name": "Ops", "target": "ops@example.com", "digest": "single", "alerts": ["expiry"]}
    nora.api.post("/alert-channels", body)
    screen = open_screen(product.url, nora)
    page = screen.open("/alerts")
    row = page.get_by_role("region", name="Channels").get_by_role("row").filter(has_text="ops@example.com")
    row.get_by_role("button", name="Send a test to Ops").click()
    expect(page.get_by_text("The test reached Ops: The mail server took it.")).to_be_visible()
    row.get_by_role("button", name="Change Ops").click()
    dialog = page.get_by_role("dialog")
    save = dialog.get_by_role("button", name="Save")
    screen.dialog_accessible()
    survives_hostile_text(screen, dialog, save.click)
    dialog.get_by_label(re.compile("^Name")).fill("Night shift")
    dialog.get_by_label(re.compile("^Address")).fill("night@example.com")
    dialog.get_by_label("When").select_option("One message a day")
    dialog.get_by_label("On", exact=True).uncheck()
    sent = screen.sent("PATCH", "/alert-channels/[^/]+$")
    save.dblclick()
    expect(dialog).to_be_hidden()
    assert screen.sent("PATCH", "/alert-channels/[^/]+$") == sent + 1
    row = page.get_by_role("region", name="Channels").get_by_role("row").filter(has_text="night@example.com")
    expect(row).to_contain_text("One message a day")
    expect(row).to_contain_text("Off")
    kept = nora.api.get("/alert-channels")["items"][0]
    assert (kept["name"], kept["digest"], kept["enabled"]) == ("Night shift", "daily", False)

    # Who only looks sees it, and changes nothing.
    viewer = people.colleague(nora, ["view"])
    looks = open_screen(product.url, viewer).open("/alerts")
    expect(looks.get_by_text("night@example.com")).to_be_visible()
    for button in ("Add a channel", "Send a test to Night shift", "Make a link"):
        expect(looks.get_by_role("button", name=button)).to_have_count(0)
    with pytest.raises(ProblemError) as refused:
        viewer.api.post("/alert-channels", body)
    assert refused.value.status == 403

    row.get_by_role("button", name="Remove Night shift").click()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Remove").dblclick()
    expect(page.get_by_role("heading", name="No channel")).to_be_visible()
    assert screen.sent("DELETE", "/alert-channels/[^/]+$") == 1


def test_a_link_is_subscribed_to_until_it_is_ended(product, nora, open_screen):
    nora.api.call("PUT", "/alert-settings", {"days_before": [365], "email": False, "addresses": []})
    fill(product.folder / "data", nora.api.get("/account")["account_id"], 4)
    screen = open_screen(product.url, nora)
    page = screen.open("/alerts")
    expect(page.get_by_role("row").filter(has_text="host-00003.example.com")).to_be_visible()
    section = page.get_by_role("region", name="Feeds")
    expect(section.get_by_role("heading", name="No link")).to_be_visible()
    section.get_by_role("button", name="Make a link").click()
    dialog = page.get_by_role("dialog")
    make = dialog.get_by_role("button", name="Make a link")
    name = dialog.get_by_label(re.compile("^Link for"))
    screen.dialog_accessible()
    for wrong in ("", "   ", HOSTILE["too long"], HOSTILE["control characters"]):
        name.fill(wrong)
        make.click()
        expect(name).to_have_attribute("aria-invalid", "true")
    sent = screen.sent("POST", "/alert-feeds$")
    name.fill(MARKUP)
    make.dblclick()
    calendar, rss = dialog.locator("pre").first, dialog.locator("pre").last
    expect(calendar).to_have_text(re.compile(r"/feeds/[\w-]{43}/certificates\.ics$"))
    assert screen.sent("POST", "/alert-feeds$") == sent + 1
    screen.dialog_accessible()
    ics_url, rss_url = calendar.inner_text(), rss.inner_text()
    dialog.get_by_role("button", name="I have stored it").click()
    row = section.get_by_role("row").filter(has_text=MARKUP)
    expect(row).to_be_visible()
    screen.accessible(lambda: expect(section.get_by_text(MARKUP).first).to_be_visible())

    # Nobody is signed in here.
    ics = requests.get(ics_url, timeout=10)
    assert ics.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Certificate for host-00003.example.com ends\r\n" in ics.text
    feed = ET.fromstring(requests.get(rss_url, timeout=10).content)
    assert feed.findtext("channel/title") == MARKUP
    assert "host-00003.example.com" in str(feed.findtext("channel/item/title"))
    token = rss_url.split("/")[-2]
    assert token not in product.log

    row.get_by_role("button", name="End the link").click()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="End").dblclick()
    expect(section.get_by_role("heading", name="No link")).to_be_visible()
    assert screen.sent("DELETE", "/alert-feeds/[^/]+$") == 1
    assert [requests.get(url, timeout=10).status_code for url in (ics_url, rss_url)] == [404, 404]
