# SPDX-License-Identifier: Apache-2.0
"""Check list section 13: request invoice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.hostile_text import survives_hostile_text

NAME = "www.example.com"


@pytest.fixture
def paid(nora):
    """An order that is paid by card."""
    order = nora.steps.place_order("dv-single", [NAME], "http_csr_hash")
    nora.steps.pay_by_card(order["order_id"])
    nora.steps.wait_for_payment(order["order_id"])
    return order


def open_dialog(screen: Any, order: dict[str, Any]) -> Any:
    page = screen.open(f"/orders/{order['order_id']}")
    page.get_by_role("group", name="What you can do").get_by_role("button", name="Request invoice").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_an_invoice_is_requested_mailed_and_downloaded(product, nora, operator, paid, open_screen):
    """13.01 and 13.02: the fields, the rules of each, number and PDF, the same number on repeat."""
    screen = open_screen(product.url, nora)
    dialog = open_dialog(screen, paid)
    email = dialog.get_by_label(re.compile("^Your email"))
    expect(email).to_have_value("nora@blumen-winter.example")
    expect(dialog.get_by_text("You will receive an email notification.")).to_be_visible()
    screen.dialog_accessible()
    submit = dialog.get_by_role("button", name="Submit")
    survives_hostile_text(screen, dialog, submit.click)
    email.fill("nora@blumen-winter.example")
    more = dialog.get_by_label("Additional emails")
    more.fill("\n".join(f"n{number}@example.com" for number in range(6)))
    vat = dialog.get_by_label(re.compile("^VAT"))
    vat.fill("")
    note = dialog.get_by_label(re.compile("^Note"))
    note.fill("")
    submit.click()
    expect(more).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_text("At most 5 additional addresses.")).to_be_visible()
    more.fill("it@example.com, accounts@example.com")
    vat.fill("DE12345678")
    submit.click()
    expect(vat).to_have_attribute("aria-invalid", "true")
    vat.fill("DE 123 456 789")
    note.fill("<b>Kostenstelle</b> 4711 שלום 🧨")
    before = screen.sent("POST", "/invoice$")
    submit.dblclick()
    expect(dialog.get_by_text(re.compile(r"Invoice 20\d\d-\d{6} was made and is on its way by mail\."))).to_be_visible()
    assert screen.sent("POST", "/invoice$") == before + 1
    expect(dialog.get_by_text("<b>Kostenstelle</b> 4711 שלום 🧨")).to_be_visible()
    screen.dialog_accessible()
    invoice = nora.api.get(f"/orders/{paid['order_id']}/invoice")
    assert invoice["buyer"]["vat_number"] == "DE123456789"
    assert invoice["total"] == paid["amount"]
    with screen.page.expect_download() as download:
        dialog.get_by_role("link", name="Download PDF").click()
    assert download.value.suggested_filename == f"invoice-{invoice['number']}.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF-")

    def mailed() -> set[str]:
        items = operator.api.get("/operator/mails")["items"]
        return {each["to"][0] for each in items if each["subject"] == f"Invoice {invoice['number']}"}

    wanted = {"nora@blumen-winter.example", "it@example.com", "accounts@example.com"}
    nora.steps._wait_for("the mails", lambda: mailed() == wanted)
    dialog = open_dialog(screen, paid)
    expect(dialog.get_by_text(invoice["number"], exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog.get_by_text(f"Invoice {invoice['number']} is on its way by mail again.")).to_be_visible()
    assert nora.api.get(f"/orders/{paid['order_id']}/invoice") == invoice


def test_cancel_makes_nothing_and_the_next_invoice_has_the_next_number(product, nora, paid, open_screen):
    screen = open_screen(product.url, nora, language="de-DE")
    page = screen.open(f"/orders/{paid['order_id']}")
    page.get_by_role("button", name="Rechnung anfordern").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Sie erhalten eine Benachrichtigung per E-Mail.")).to_be_visible()
    dialog.get_by_role("button", name="Abbrechen").click()
    expect(dialog).to_be_hidden()
    assert screen.sent("POST", "/invoice$") == 0
    page.get_by_role("button", name="Rechnung anfordern").first.click()
    dialog.get_by_role("button", name="Absenden").click()
    expect(dialog.get_by_text(re.compile(r"Die Rechnung 20\d\d-\d{6} ist ausgestellt"))).to_be_visible()
