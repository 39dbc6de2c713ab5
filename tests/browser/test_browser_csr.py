# SPDX-License-Identifier: Apache-2.0
"""Check list section 7: the certificate request, pasted or made on a server; every refusal in its own words."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from playwright.sync_api import Locator, Page, expect

from shared.pki.csr import pem_to_der, to_pem
from tests.support import csr_builder, people
from tests.support.agent_by_hand import AgentByHand
from tests.support.browser import Screen
from tests.support.hostile_text import HOSTILE, survives_hostile_text
from tests.support.mailed_proof import fresh_key, paid_order

NAME = "www.example.com"
SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")


def good(name: str = NAME, **choices: Any) -> str:
    """A request that fits an order for one name."""
    return csr_builder.pem(name, [name], private=fresh_key(), **choices)


def changed(pem: str, old: bytes, new: bytes) -> str:
    """The same request with other bytes in it."""
    return to_pem(pem_to_der(pem).replace(old, new))


def weak_modulus() -> str:
    """A request for an RSA key that three divides."""
    private = csr_builder.key("rsa2048")
    modulus = private.public_key().public_numbers().n
    divisible = modulus - modulus % 6 + 3
    return changed(csr_builder.pem(kind="rsa2048"), modulus.to_bytes(256, "big"), divisible.to_bytes(256, "big"))


def old_hash(last: int) -> str:
    """A request that says it was signed with MD5 (4) or SHA-1 (5)."""
    return changed(csr_builder.pem(kind="rsa2048"), SHA256_WITH_RSA, SHA256_WITH_RSA[:-1] + bytes([last]))


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "not PEM": (lambda: "hello", "This is not a certificate request in PEM form"),
    "damaged": (lambda: good().replace("M", "%", 1), "is damaged (not base64)"),
    "a certificate": (
        lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "This is a certificate; send the certificate request.",
    ),
    "two requests": (lambda: good() + good(), "There is more than one request"),
    "bad signature": (
        lambda: changed(good(), b"www.example.com", b"wwx.example.com"),
        "signature does not fit its key",
    ),
    "short RSA": (lambda: csr_builder.pem(kind="rsa1024"), "has 1024 bits; at least 2048 are required"),
    "odd RSA": (lambda: csr_builder.pem(kind="rsa2052"), "has 2052 bits; its size must be divisible by 8"),
    "weak RSA": (weak_modulus, "has a small prime factor"),
    "curve": (
        lambda: csr_builder.pem(kind="secp256k1"),
        "The curve secp256k1 is not allowed; use P-256, P-384 or P-521",
    ),
    "other kind": (lambda: csr_builder.pem(kind="ed25519"), "Only RSA and ECDSA keys are allowed"),
    "MD5": (lambda: old_hash(4), "is signed with md5; sign it with SHA-256"),
    "SHA-1": (lambda: old_hash(5), "is signed with sha1; sign it with SHA-256"),
    "too many names": (lambda: csr_builder.pem(names=[f"a{n}.example.com" for n in range(251)]), "250"),
    "an underscore": (lambda: good("a_b.example.com"), "Underscores are not allowed"),
    "one label": (lambda: good("localhost"), "label"),
    "too large": (lambda: good() + ("x" * 63 + "\n") * 1_025, "longer than any request (64 KiB)"),
}
MISFITS: dict[str, tuple[Callable[[], str], str]] = {
    "other common name": (lambda: good("shop.example.com"), "The common name shop.example.com is not in the order."),
    "other names": (
        lambda: csr_builder.pem(NAME, [NAME, "more.example.com"], private=fresh_key()),
        "not in the order: more.example.com",
    ),
}


class Request:
    """The dialog of the request of an order, on the order's own page."""

    def __init__(self, screen: Screen, order_id: str, action: str = "Generate request") -> None:
        self.screen = screen
        self.page: Page = screen.open(f"/orders/{order_id}")
        self.act(action)

    def act(self, action: str) -> None:
        self.page.get_by_role("group", name="What you can do").get_by_role("button", name=action, exact=True).click()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def paste(self, text: str) -> Locator:
        """Pastes into the field; the field."""
        self.dialog.get_by_text("Paste CSR", exact=True).click()
        field = self.dialog.get_by_label("Your CSR")
        field.fill(text)
        return field

    def press(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name, exact=True).click()


def test_a_pasted_request_is_shown_accepted_once_and_replaced(product, nora, open_screen):
    order_id = paid_order(nora, [NAME], method="http_csr_hash")["order_id"]
    screen = open_screen(product.url, nora)
    request = Request(screen, order_id)
    subject = [(NameOID.ORGANIZATION_NAME, HOSTILE["markup"]), (NameOID.LOCALITY_NAME, "Köln \u05e9\u05dc\u05d5\u05dd")]
    pem = good(subject=subject)
    request.paste(pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"))
    request.press("Validate & parse")
    said = request.dialog.get_by_role("region", name="What the request says")
    expect(said).to_contain_text(NAME)
    expect(said).to_contain_text(HOSTILE["markup"])
    expect(said).to_contain_text("Köln \u05e9\u05dc\u05d5\u05dd")
    expect(said.get_by_role("definition").filter(has_text="n/a")).to_have_count(4)  # unit, country, state, e-mail
    assert request.page.locator("img[src=x]").count() == 0
    screen.dialog_accessible()
    request.dialog.get_by_role("button", name="Send").dblclick()
    main = request.page.get_by_role("main")
    expect(main.get_by_text("Processing").first).to_be_visible()
    assert screen.sent("PUT", "/csr$") == 1
    actions = request.page.get_by_role("group", name="What you can do").get_by_role("button")
    expect(actions).to_have_text(["Domain control validation", "Replace CSR", "Request invoice", "Cancel order"])
    [before] = nora.steps.authorizations(order_id, 1)
    request.act("Replace CSR")
    expect(request.dialog).to_contain_text("A new request ends the validation tokens of the old one")
    screen.dialog_accessible()
    request.paste(pem)
    request.press("Send")
    expect(request.dialog.get_by_text("This is the CSR that the order has already.")).to_be_visible()
    request.paste(good())
    request.press("Send")
    expect(request.dialog).to_have_count(0)
    [after] = nora.steps.authorizations(order_id, 1)
    assert after["csr_version"] > before["csr_version"]
    assert after["cname"] != before["cname"]


def test_each_refusal_has_its_own_words_at_the_field(product, nora, open_screen):
    order_id = paid_order(nora, [NAME])["order_id"]
    taken = fresh_key()
    other = people.customer(product.url)
    foreign = paid_order(other, ["other.example.com"])["order_id"]
    theirs = csr_builder.pem("other.example.com", private=taken)
    other.api.call("PUT", f"/orders/{foreign}/csr", {"csr": theirs})
    screen = open_screen(product.url, nora)
    request = Request(screen, order_id)
    texts = set()
    for kind, (make, words) in REFUSED.items():
        pasted = make()
        field = request.paste(pasted)
        request.press("Validate & parse")
        expect(field).to_have_attribute("aria-invalid", "true")
        error = request.dialog.locator(".mantine-InputWrapper-error")
        expect(error, kind).to_contain_text(words)
        texts.add(error.inner_text())
        assert field.input_value() == pasted, f"{kind}: what was pasted is lost"
    assert len(texts) == len(REFUSED)
    screen.dialog_accessible()
    for kind, (make, words) in MISFITS.items():
        request.paste(make())
        request.press("Validate & parse")
        expect(request.dialog.get_by_role("alert"), kind).to_contain_text(words)
        request.press("Send")
        expect(request.dialog.locator(".mantine-InputWrapper-error"), kind).to_contain_text(words)
    request.paste(csr_builder.pem(NAME, private=taken))
    request.press("Validate & parse")
    expect(request.dialog.get_by_role("alert")).to_contain_text("in use by somebody else")
    screen.dialog_accessible()
    assert nora.api.get(f"/orders/{order_id}")["status"] == "waiting_for_csr"


def private_keys() -> dict[str, str]:
    """Keys in all their clothes."""
    own = ec.generate_private_key(ec.SECP256R1())
    pkcs8 = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sec1 = own.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    rsa = csr_builder.key("rsa2048").private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "PKCS#8": pkcs8,
        "SEC 1": sec1,
        "beside a request": good() + pkcs8,
        "without a frame": base64.b64encode(rsa).decode(),
        "with its first line only": pkcs8.partition("-----END")[0],
    }


def test_a_private_key_is_refused_in_the_browser_and_never_sent(product, nora, open_screen):
    order_id = paid_order(nora, [NAME])["order_id"]
    screen = open_screen(product.url, nora)
    bodies: list[str] = []
    screen.page.on("request", lambda one: bodies.append(f"{one.url} {one.post_data or ''}"))
    request = Request(screen, order_id)
    for kind, text in private_keys().items():
        field = request.paste(text)
        expect(request.dialog.get_by_role("alert"), kind).to_contain_text("This was a private key. It was not sent")
        expect(field).to_have_value("")
        request.press("Validate & parse")
        request.press("Send")
        expect(request.dialog.get_by_text("Paste a request first.")).to_be_visible()
        secret = [line for line in text.splitlines() if "-----" not in line][-1][:40]
        assert [one for one in bodies if secret in one] == [], kind
    assert screen.writes == []
    screen.dialog_accessible()
    kept = request.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    assert "PRIVATE" not in kept


def test_anything_may_be_pasted(product, nora, open_screen):
    order_id = paid_order(nora, [NAME])["order_id"]
    screen = open_screen(product.url, nora)
    request = Request(screen, order_id)
    request.paste("")
    survives_hostile_text(screen, request.dialog, lambda: request.press("Validate & parse"))
    survives_hostile_text(screen, request.dialog, lambda: request.press("Send"))
    request.press("Clear")
    expect(request.dialog.get_by_label("Your CSR")).to_have_value("")


@pytest.fixture
def agent(product, nora) -> AgentByHand:
    return AgentByHand(nora.api, "web-1")


def test_a_server_makes_the_request_or_says_why_not(product, nora, agent, open_screen):
    order_id = paid_order(nora, [NAME], method="http_csr_hash")["order_id"]
    screen = open_screen(product.url, nora)
    request = Request(screen, order_id)
    expect(request.dialog).to_contain_text("The private key is made on the server and stays there.")
    request.press("Generate CSR")
    server = request.dialog.get_by_label("Generate CSR on server")
    expect(server).to_have_attribute("aria-invalid", "true")
    expect(request.dialog.get_by_text("Choose a server.")).to_be_visible()
    server.select_option(agent.server_id)
    request.dialog.get_by_role("button", name="Generate CSR", exact=True).dblclick()
    expect(request.dialog.get_by_text("Waiting for the agent to fetch the job")).to_be_visible()
    assert screen.sent("POST", "/csr-requests$") == 1
    [job] = agent.claim()
    agent.fail(job["job_id"], f"No room on the disk {HOSTILE['markup']}")
    expect(request.dialog.get_by_role("alert")).to_contain_text(f"No room on the disk {HOSTILE['markup']}")
    screen.dialog_accessible()
    request.press("Generate CSR")
    expect(request.dialog.get_by_text("Waiting for the agent to fetch the job")).to_be_visible()
    [job] = agent.claim()
    agent.finish(job["job_id"], {"csr_pem": good(), "spki_sha256": ""})
    expect(request.dialog.get_by_text("The request was made and accepted.")).to_be_visible()
    assert nora.api.get(f"/orders/{order_id}")["status"] == "processing"


def test_an_organization_is_checked_by_a_person(product, nora, open_screen):
    quote = nora.api.post("/quotes", {"product": "ov-single", "names": [NAME], "term_years": 1})
    body = {"quote_id": quote["quote_id"], "common_name": NAME, "dcv_method": "email", "agreement_accepted": True,
        "organization": {"name": "Flowers", "country": "DE", "state": "Berlin", "locality": "Berlin"}}  # fmt: skip
    order_id = nora.api.post("/orders", body)["order_id"]
    nora.steps.pay_by_card(order_id)
    nora.steps.wait_for_payment(order_id)
    screen = open_screen(product.url, nora)
    request = Request(screen, order_id)
    expect(request.dialog).to_contain_text("OV certificates are checked by a person too; this takes a day or two.")
    expect(request.dialog).to_contain_text("Flowers")
