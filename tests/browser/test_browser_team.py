# SPDX-License-Identifier: Apache-2.0
"""Check list 18.01: the audit log with search, filters and export."""

from __future__ import annotations

import csv
import io
import json
import re

from playwright.sync_api import expect

from tests.support.hostile_text import HOSTILE

NAME = "www.example.com"


def test_the_audit_log_says_who_did_what(product, nora, open_screen):
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    placed = re.compile(f"Order {order['number']} was placed")
    screen = open_screen(product.url, nora)
    page = screen.open("/audit")
    row = page.get_by_role("row").filter(has_text=placed)
    expect(row).to_contain_text(nora.login)
    expect(row).to_contain_text("orders.OrderPlaced")
    screen.accessible(lambda: expect(page.get_by_role("heading", name="Audit log")).to_be_visible())

    # What happens meanwhile appears by itself.
    page.wait_for_timeout(500)  # the event stream has opened
    nora.api.post(f"/orders/{order['order_id']}/cancel")
    expect(page.get_by_text("orders.OrderCancelled").first).to_be_visible()

    # One entry with all that is known.
    page.get_by_role("button", name=placed).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("http_csr_hash").first).to_be_visible()
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Copy The entry as JSON").click()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["data"]["order_id"] == order["order_id"]
    dialog.get_by_role("button", name="All of this type").click()
    expect(page.get_by_role("row")).to_have_count(2)  # the heading and the only order
    expect(page).to_have_url(re.compile("type=orders.OrderPlaced"))
    page.get_by_role("link", name=re.compile("^Order ")).click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()


def test_the_audit_log_is_filtered_and_exported_alike(product, nora, open_screen):
    nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    screen = open_screen(product.url, nora)
    page = screen.open("/audit")
    page.get_by_label("By", exact=True).select_option("People and their tokens")
    page.get_by_label("About").select_option("Orders")
    expect(page.get_by_text("Showing 1 to 1 of 1 entries")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [row["type"] for row in rows] == ["orders.OrderPlaced"]
    page.get_by_label("From").fill("2199-01-01")
    expect(page.get_by_text("Nothing matches this search and these filters.")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(page.get_by_text("accounts.AccountOpened")).to_be_visible()

    for text in HOSTILE.values():
        page.get_by_label("Subject or words").fill(text)
        if text.strip():
            expect(page.get_by_text("Nothing matches")).to_be_visible()
        page.get_by_label("Subject or words").fill("")
        expect(page.get_by_text("accounts.AccountOpened")).to_be_visible()
    page.get_by_label("Subject or words").fill("OPENED")
    expect(page.get_by_role("row")).to_have_count(2)
    page.goto(f"{product.url}/console/audit?type=<b>&actor=x&from=never&to=2026-99-99&people=1")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
