# SPDX-License-Identifier: Apache-2.0
"""Check list 3.09 to 3.11: the list of alerts, acknowledging them, and when they begin."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.hostile_text import survives_hostile_text
from tests.support.many_orders import fill


def test_alerts_are_listed_and_acknowledged(product, nora, open_screen):
    # Certificates of 199 days are news at once to who wants to know a year before.
    nora.api.call("PUT", "/alert-settings", {"days_before": [365], "email": True, "addresses": ["ops@example.com"]})
    account_id = nora.api.get("/account")["account_id"]
    screen = open_screen(product.url, nora)
    page = screen.open("/orders")
    expect(page.get_by_text("No more alerts found")).to_be_visible()
    page.get_by_role("link", name="More alerts").click()
    expect(page.get_by_role("heading", name="No alert", exact=True)).to_be_visible()
    page.wait_for_timeout(500)  # the event stream has opened
    fill(product.folder / "data", account_id, 5)
    alert = page.get_by_role("row").filter(has_text="host-00003.example.com")
    expect(alert).to_contain_text("expires in")
    expect(alert).to_contain_text("Open")
    screen.accessible(lambda: expect(page.get_by_text("host-00003.example.com").last).to_be_visible())
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar file").click()
    assert "SUMMARY:Certificate for host-00003.example.com ends" in download.value.path().read_text()
    alert.get_by_role("button", name=re.compile("^Acknowledge")).dblclick()
    expect(alert).to_contain_text("Acknowledged")
    assert screen.sent("POST", "/acknowledge$") == 1
    alert.get_by_role("button", name=re.compile("^No more mails")).click()
    expect(alert).to_contain_text("Muted: no mails")
    assert [one["muted"] for one in nora.api.get("/alerts", state="acknowledged")["items"]] == [True]
    page.get_by_label("State").select_option("Open")
    expect(alert).to_have_count(0)
    page.get_by_label("State").select_option("Acknowledged")
    alert.get_by_role("link").click()
    expect(page.get_by_role("heading", name="host-00003.example.com").first).to_be_visible()


def test_when_alerts_begin_and_who_is_told(product, nora, open_screen):
    before = nora.api.get("/alert-settings")
    screen = open_screen(product.url, nora)
    page = screen.open("/alerts")
    page.get_by_role("button", name="Alert Settings").click()
    dialog = page.get_by_role("dialog")
    save = dialog.get_by_role("button", name="Save")
    days, repeat = dialog.get_by_label(re.compile("^Days before")), dialog.get_by_label(re.compile("^Tell again"))
    addresses = dialog.get_by_label(re.compile("^Addresses"))
    expect(days).to_have_value("30, 14, 7, 3, 1")
    screen.dialog_accessible()

    # Refused here or by the server: at the field, and nothing is lost.
    survives_hostile_text(screen, dialog, save.click)
    days.fill("30, 400")
    repeat.fill("7")
    addresses.fill("")
    save.click()
    expect(dialog.get_by_text("Give 1 to 10 numbers of days, each from 1 to 365.")).to_be_visible()
    days.fill("60, 10")
    repeat.fill("0")
    save.click()
    expect(dialog.get_by_text("Repeat every 1 to 365 days.")).to_be_visible()
    repeat.fill("5")
    for wrong in ("nobody", "a@b", "x" * 300 + "@example.com", "\u202eops@example.com \U0001f9e8", "<b>@example.com"):
        addresses.fill(f"ops@example.com\n{wrong}")
        save.click()
        expect(addresses).to_have_attribute("aria-invalid", "true")
    addresses.fill("\n".join(f"ops-{number}@example.com" for number in range(6)))
    save.click()
    expect(dialog.get_by_text("At most 5 addresses.")).to_be_visible()
    assert nora.api.get("/alert-settings") == before

    addresses.fill("ops@example.com, nora@example.com")
    dialog.get_by_label("Notify by e-mail").uncheck()
    sent = screen.sent("PUT", "/alert-settings$")
    save.dblclick()
    expect(page.get_by_text("The alert settings are saved.")).to_be_visible()
    assert screen.sent("PUT", "/alert-settings$") == sent + 1
    after = nora.api.get("/alert-settings")
    changed = {"days_before": [60, 10], "repeat_days": 5, "email": False}
    assert after == {**before, **changed, "addresses": ["ops@example.com", "nora@example.com"]}
