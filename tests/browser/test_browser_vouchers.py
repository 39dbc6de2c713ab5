# SPDX-License-Identifier: Apache-2.0
"""Check list 11.09 and 11.11: vouchers, from the operator who makes one to the order that uses it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.support.hostile_text import HOSTILE, survives_hostile_text
from tests.support.order_wizard import Wizard


def test_a_voucher_is_applied_and_charged(product, nora, operator, open_screen):
    """11.09, 11.11: unknown, used up and for another product are told at the field; a good one changes the price."""
    operator.api.post("/operator/vouchers", {"code": "SPRING-26", "percent": 20, "max_uses": 1})
    operator.api.post("/operator/vouchers", {"code": "ONLY-EV", "amount": 500, "products": ["ev-single"]})
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    page = wizard.page
    wizard.to_summary()
    expect(page.get_by_role("main")).to_contain_text("Not used")
    code = wizard.field("Voucher")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Type the code of your voucher.")).to_be_visible()
    for wrong, said in {
        **dict.fromkeys(list(HOSTILE.values())[:4], "There is no voucher with this code"),
        "ONLY-EV": "This voucher is not for Domain Certificate.",
    }.items():
        wizard.apply(wrong)
        expect(page.get_by_text(said)).to_be_visible()
        expect(code).to_have_attribute("aria-invalid", "true")
    assert screen.axe() == []
    code.fill("spring-26")
    code.press("Enter")
    expect(page.get_by_text("Voucher SPRING-26 takes off $9.99.")).to_be_visible()
    expect(wizard.summary).to_contain_text("$39.96")
    page.get_by_role("button", name="Remove").click()
    expect(wizard.summary).to_contain_text("$49.95")
    wizard.apply("SPRING-26")
    expect(wizard.summary).to_contain_text("$39.96")
    page.get_by_role("button", name="Place Order").dblclick()
    expect(page.get_by_role("heading", name="Secure Payment Page")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("$39.96")
    [order] = nora.api.get("/orders")["items"]
    assert order["amount"] == 3996
    assert page.evaluate("sessionStorage.getItem('certwright.draft.buy')") is None
    other = Wizard(screen)
    other.to_summary()
    other.apply("SPRING-26")
    expect(page.get_by_text("This voucher has been used as often as it may be.")).to_be_visible()


def test_somebody_else_was_faster_with_the_last_use(product, nora, operator, open_screen):
    """The order is not placed at a price that was promised to two; the new price is shown."""
    operator.api.post("/operator/vouchers", {"code": "LAST-ONE", "percent": 50, "max_uses": 1})
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    wizard.to_summary()
    wizard.apply("LAST-ONE")
    expect(wizard.summary).to_contain_text("$24.97")
    operator.api.call("DELETE", "/operator/vouchers/LAST-ONE")
    wizard.page.get_by_role("button", name="Place Order").click()
    expect(wizard.page.get_by_text("This voucher has been ended and can be used no more.").first).to_be_visible()
    expect(wizard.summary).to_contain_text("$49.95")
    assert nora.api.get("/orders")["items"] == []


def test_a_kept_draft_whose_voucher_has_ended_leads_to_the_summary(product, nora, operator, open_screen):
    operator.api.post("/operator/vouchers", {"code": "SHORT-LIVED", "percent": 10})
    screen = open_screen(product.url, nora)
    wizard = Wizard(screen)
    wizard.to_summary()
    wizard.apply("SHORT-LIVED")
    expect(wizard.summary).to_contain_text("$44.95")
    operator.api.call("DELETE", "/operator/vouchers/SHORT-LIVED")
    again = Wizard(screen)
    again.next()
    again.at("Domain details")
    again.next()
    again.agree()
    expect(again.page.get_by_text("This voucher has been ended and can be used no more.").first).to_be_visible()
    expect(again.summary).to_contain_text("$49.95")


def test_an_operator_makes_and_ends_vouchers(product, nora, operator, open_screen):
    screen = open_screen(product.url, operator)
    page = screen.open("/vouchers")
    new = page.get_by_role("button", name="New Voucher")
    expect(new).to_be_visible()
    screen.accessible(lambda: expect(new).to_be_visible())
    new.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    screen.dialog_accessible()
    submit = dialog.get_by_role("button", name="Make voucher")
    survives_hostile_text(screen, dialog, submit.click)
    today = datetime.now(UTC).date()
    dialog.get_by_label(re.compile("^Code")).fill("summer-26")
    dialog.get_by_label("Amount (USD)").check()
    dialog.get_by_label(re.compile("^Amount off")).fill("12.50")
    dialog.get_by_label("Most uses").fill("3")
    dialog.get_by_label("Note for yourself").fill("<b>Messe</b> 🧨")
    dialog.get_by_label("Last day").fill((today - timedelta(days=9)).isoformat())
    dialog.get_by_label("Domain Certificate", exact=True).check()
    submit.click()
    expect(dialog.get_by_label("Last day")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Last day").fill((today + timedelta(days=9)).isoformat())
    submit.dblclick()
    row = page.get_by_role("row").filter(has_text="SUMMER-26")
    expect(row).to_contain_text("<b>Messe</b> 🧨")
    expect(row).to_contain_text("0 of 3")
    expect(row).to_contain_text("$12.50")
    made = next(each for each in operator.api.get("/operator/vouchers")["items"] if each["code"] == "SUMMER-26")
    assert (made["amount"], made["products"], made["state"]) == (1250, ["dv-single"], "active")
    new.click()
    dialog.get_by_label(re.compile("^Code")).fill("SUMMER-26")
    dialog.get_by_label("Percent off").fill("5")
    submit.click()
    expect(dialog.get_by_text("There is, or was, a voucher with this code.")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="End voucher SUMMER-26").click()
    end = page.get_by_role("button", name="End the voucher")
    expect(end).to_be_disabled()
    page.get_by_label("Type SUMMER-26 to confirm").fill("SUMMER-26")
    end.dblclick()
    expect(row).to_contain_text("Ended")
    assert screen.sent("DELETE", "/vouchers/SUMMER-26$") == 1
    visitor = open_screen(product.url, nora)
    expect(visitor.open("/vouchers").get_by_text("Only whoever runs this installation sees it.")).to_be_visible()
