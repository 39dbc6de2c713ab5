# SPDX-License-Identifier: Apache-2.0
"""Check list section 5: certificates that nobody sees served, pasted or by file; a key never leaves the page."""

from __future__ import annotations

import re
import ssl

from playwright.sync_api import expect

from tests.support import people
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.hostile_text import HOSTILE

MARKUP = HOSTILE["markup"]


def row(page, text):
    return page.get_by_role("row").filter(has_text=text)


def test_certificates_are_uploaded_seen_and_taken_back(product, open_screen, tmp_path):
    person = people.customer(product.url)
    screen = open_screen(product.url, person)
    page = screen.open("/certificates")
    page.get_by_role("button", name="Upload certificate").click()
    dialog = page.get_by_role("dialog")
    screen.dialog_accessible()

    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog).to_contain_text("Paste a certificate or choose a file.")

    sent = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    secret = key_file(tmp_path).read_text()
    dialog.get_by_label("Certificate", exact=True).fill(secret)
    expect(dialog.get_by_role("alert")).to_contain_text("This was a private key")
    expect(dialog.get_by_label("Certificate", exact=True)).to_have_value("")
    assert not any(secret.splitlines()[1] in body for body in sent)

    dialog.get_by_label("Certificate", exact=True).fill("no certificate")
    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog.get_by_label("Certificate", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(dialog).to_contain_text("neither PEM nor base64")

    pasted = strangers_certificate("vpn.example.com", days=40) + strangers_certificate(MARKUP, days=50)
    dialog.get_by_label("Certificate", exact=True).fill(pasted)
    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog.get_by_role("status")).to_have_text("2 certificates are in the list now")
    assert page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(row(page, "vpn.example.com")).to_contain_text("Uploaded")

    file = tmp_path / "printer.cer"
    file.write_bytes(ssl.PEM_cert_to_DER_cert(strangers_certificate("printer.example.com", days=60)))
    page.get_by_role("button", name="Upload certificate").click()
    page.locator("input[type=file]").set_input_files(file)
    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog.get_by_role("status")).to_have_text("1 certificate is in the list now")
    dialog.get_by_role("button", name="Close").last.click()

    row(page, "vpn.example.com").get_by_role("button", name=re.compile("^View the certificate")).click()
    expect(dialog).to_contain_text("Uploaded")
    dialog.get_by_role("button", name="Remove upload").click()
    confirm = page.get_by_role("dialog", name="Remove the upload of vpn.example.com")
    confirm.get_by_role("button", name="Remove upload").click()
    expect(row(page, "vpn.example.com")).to_have_count(0)
    expect(row(page, "printer.example.com")).to_be_visible()
    assert person.api.get("/certificates?source=uploaded")["total"] == 2
