# SPDX-License-Identifier: Apache-2.0
"""Credentials of ACME clients in the console: made, shown once with commands to paste, and revoked."""

import re

from playwright.sync_api import expect


def test_a_credential_is_made_shown_once_and_revoked(product, nora, open_screen):
    screen = open_screen(product.url, nora)
    page = screen.open("/acme")
    screen.accessible(lambda: expect(page.get_by_text("No credential yet")).to_be_visible())
    page.get_by_role("button", name="Make a credential").click()
    dialog = page.get_by_role("dialog")
    make = dialog.get_by_role("button", name="Make a credential")
    screen.dialog_accessible()
    make.click()
    expect(dialog.get_by_text("This is needed.")).to_be_visible()
    dialog.get_by_role("textbox", name=re.compile("^Name")).fill("web <b>servers</b>")
    dialog.get_by_label("Clients buy").select_option("dv-single 2")
    make.click()
    made = page.get_by_role("dialog", name="The credential is made")
    lines = made.locator("pre")
    key_id, key = lines.nth(0).inner_text(), lines.nth(1).inner_text()
    command = made.get_by_role("tabpanel").locator("pre").inner_text()
    assert all(part in command for part in ("certbot", key_id, key, f"{product.url}/acme/directory"))
    made.get_by_role("tab", name="Caddy").click()
    expect(made.get_by_role("tabpanel").locator("pre")).to_contain_text(f"mac_key {key}")
    screen.dialog_accessible()
    made.get_by_role("button", name="I have kept it").click()
    row = page.get_by_role("row").filter(has_text="web <b>servers</b>")
    expect(row).to_contain_text("2 years")
    assert key not in page.content()
    [listed] = nora.api.get("/acme/credentials")["items"]
    assert (listed["credential_id"], listed["product"], listed["term_years"]) == (key_id, "dv-single", 2)
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("No credential yet")).to_be_visible()
    assert nora.api.get("/acme/credentials")["items"] == []
