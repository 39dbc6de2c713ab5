# SPDX-License-Identifier: Apache-2.0
"""The API of the running product: repeated writes, pushed events, the CA's files, and secrets that stay secret."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from certwright.api_client import APIClient, ProblemError
from tests.support import many_orders, people
from tests.support.live_gateway import PASSWORD, live
from tests.support.mailed_proof import issued

QUOTE = {"product": "trial-single", "names": ["shop.example.com"], "term_years": 1}


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with live(tmp_path_factory.mktemp("gateway")) as running:
        running.root = running.operator()
        running.buyer = running.customer("buyer@example.com")
        yield running
        assert "Traceback" not in running.log


def test_a_repeated_write_has_one_effect_and_one_answer(product):
    first = product.buyer.post("/quotes", QUOTE, idempotency_key="quote-1")
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: product.buyer.post("/quotes", QUOTE, idempotency_key="quote-1"), range(16)))
    assert all(answer == first for answer in again)
    with pytest.raises(ProblemError) as refused:
        product.buyer.post("/quotes", {**QUOTE, "names": ["other.example.com"]}, idempotency_key="quote-1")
    assert (refused.value.status, refused.value.document["code"]) == (422, "idempotency_mismatch")
    assert product.buyer.post("/quotes", QUOTE)["quote_id"] != first["quote_id"]


def test_another_person_may_use_the_same_key(product):
    other = product.customer("second@example.com")
    mine = product.buyer.post("/quotes", QUOTE, idempotency_key="quote-2")
    assert other.post("/quotes", QUOTE, idempotency_key="quote-2")["quote_id"] != mine["quote_id"]


def read_events(answer, most):
    found = []
    for line in answer.iter_lines(chunk_size=1):
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
        if len(found) == most:
            return found
    return found


def test_events_are_pushed_and_a_broken_stream_goes_on(product):
    reader = product.customer("reader@example.com")
    head = reader.get("/events", limit=200)["next_after"]
    headers = {"Authorization": f"Bearer {reader.token}", "Last-Event-ID": str(head)}
    with requests.get(f"{product.url}/api/v1/events/stream", headers=headers, stream=True, timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        quote = reader.post("/quotes", QUOTE)
        body = {"quote_id": quote["quote_id"], "common_name": "shop.example.com", "agreement_accepted": True}
        order = reader.post("/orders", body)
        pushed = read_events(answer, 2)
    assert all(event["specversion"] == "1.0" for event in pushed)
    with requests.get(f"{product.url}/api/v1/events/stream", headers=headers, stream=True, timeout=30) as answer:
        assert read_events(answer, 2) == pushed
    feed = reader.get("/events", after=head, limit=200)
    assert [entry["cloudevent"] for entry in feed["events"]][:2] == pushed
    assert order["order_id"] in json.dumps(feed)
    stranger = product.customer("stranger@example.com")
    assert order["order_id"] not in json.dumps(stranger.get("/events", limit=200))


def test_relying_parties_find_chain_and_revocation_list(product):
    def fetch(path, media):
        answer = requests.get(product.url + path, timeout=10)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == media
        return answer.content

    root = x509.load_pem_x509_certificate(fetch("/pki/root.pem", "application/x-pem-file"))
    assert x509.load_der_x509_certificate(fetch("/pki/root.cer", "application/pkix-cert")) == root
    issuing = x509.load_der_x509_certificate(fetch("/pki/issuing.cer", "application/pkix-cert"))
    issuing.verify_directly_issued_by(root)
    assert x509.load_pem_x509_certificates(fetch("/pki/chain.pem", "application/x-pem-file")) == [issuing, root]
    crl = x509.load_der_x509_crl(fetch("/pki/issuing.crl", "application/pkix-crl"))
    assert crl.is_signature_valid(issuing.public_key())


def test_a_browser_signs_in_with_a_cookie_that_scripts_cannot_read(product):
    browser = requests.Session()
    url = f"{product.url}/api/v1"
    answer = browser.post(f"{url}/session", json={"login": "root-operator", "password": PASSWORD}, timeout=10)
    assert answer.status_code == 201
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    secret = cookie.partition("=")[2].partition(";")[0]
    assert secret not in answer.text
    assert browser.get(f"{url}/session", timeout=10).json()["kind"] == "session"
    foreign = browser.delete(f"{url}/session", headers={"Origin": "https://evil.example"}, timeout=10)
    assert foreign.status_code == 403
    assert browser.delete(f"{url}/session", headers={"Origin": product.url}, timeout=10).status_code == 204
    kept = requests.get(f"{url}/me", headers={"Cookie": f"certwright={secret}"}, timeout=10)
    assert kept.status_code == 401


def test_every_service_is_well(product):
    found = product.root.get("/operator/services")
    assert found["ready"], found


def test_no_secret_is_in_a_log_or_a_database(product):
    """Quality bar S9, for what passes through the gateway."""
    canaries = [PASSWORD, product.root.token, product.buyer.token]
    with pytest.raises(ProblemError):
        APIClient(product.url).post("/session", {"login": "nobody@example.com", "password": "Canary-Password-1"})
    canaries.append("Canary-Password-1")
    for canary in canaries:
        assert canary not in product.log
    databases = list((product.folder / "data").rglob("*.sqlite*")) + list((product.folder / "data").rglob("*.db*"))
    assert databases
    for path in databases:
        content = path.read_bytes()
        for canary in canaries:
            assert canary.encode() not in content, path


def test_the_command_line_says_what_the_rules_will_ask(product):
    """Of an order without a proof on record too; the figures are the API's."""
    planner = product.customer("planner@example.com")
    many_orders.fill(product.folder / "data", planner.get("/account")["account_id"], 10)
    environment = {**os.environ, "CERTWRIGHT_URL": product.url, "CERTWRIGHT_TOKEN": planner.token}

    def said(*arguments):
        command = [sys.executable, "-m", "certwright", "orders", "forecast", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    told = json.loads(said("--json", "--until", "2028-12-31").stdout)
    assert told["orders_total"] == 3
    words = said().stdout
    assert "2029-03-15" in words
    assert "certificates: 47 days at most" in words
    assert f"{told['months'][5]['month']}" in words
    steps = said(str(told["orders"][0]["number"])).stdout
    assert steps.count("reissue") > 10
    wrong = said("--until", "tomorrow")
    assert wrong.returncode != 0
    assert "2029-12-31" in wrong.stderr + wrong.stdout


def test_openssl_and_our_state_agree_by_ocsp_and_by_revocation_list(product, tmp_path):
    """Issued is good and revoked is revoked, whichever way a relying party asks."""
    person = people.customer(product.url)
    orders = [issued(person, SimpleNamespace(api=product.root), f"{word}.ocsp.example.com") for word in ("good", "bad")]
    person.api.post(f"/orders/{orders[1]['order_id']}/revoke", {"reason": "keyCompromise"})
    person.steps.wait_for_status(orders[1]["order_id"], "revoked")
    chain, crl = tmp_path / "chain.pem", tmp_path / "issuing.crl"
    chain.write_bytes(requests.get(f"{product.url}/pki/chain.pem", timeout=10).content)
    issuing, root = x509.load_pem_x509_certificates(chain.read_bytes())
    (tmp_path / "issuing.pem").write_bytes(issuing.public_bytes(Encoding.PEM))
    (tmp_path / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))

    def openssl(*arguments):
        done = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout + done.stderr

    def listed():
        crl.write_bytes(requests.get(f"{product.url}/pki/issuing.crl", timeout=10).content)
        return [entry.serial_number for entry in x509.load_der_x509_crl(crl.read_bytes())]

    for order, word in zip(orders, ("good", "revoked"), strict=True):
        pem = person.api.get(f"/orders/{order['order_id']}/certificate")["pem"]
        (tmp_path / "leaf.pem").write_text(pem)
        certificate = x509.load_pem_x509_certificate(pem.encode())
        # The address in the certificate is the product's own.
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        [url] = [
            each.access_location.value for each in access if each.access_method == AuthorityInformationAccessOID.OCSP
        ]
        assert url == f"{product.url}/pki/ocsp"
        said = openssl(
            "ocsp", "-issuer", "issuing.pem", "-cert", "leaf.pem", "-url", url, "-CAfile", "root.pem",
            "-verify_other", "issuing.pem",
        )  # fmt: skip
        assert "Response verify OK" in said
        assert f"leaf.pem: {word}" in said
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuing, hashes.SHA1()).build()
        encoded = quote(base64.b64encode(request.public_bytes(Encoding.DER)).decode(), safe="")
        answer = requests.get(f"{url}/{encoded}", timeout=10)
        assert answer.headers["Content-Type"] == "application/ocsp-response"
        assert answer.headers["Cache-Control"].startswith("max-age=43200, public")
        assert ocsp.load_der_ocsp_response(answer.content).certificate_status.name == word.upper()
        for _ in range(100):
            if (certificate.serial_number in listed()) == (word == "revoked"):
                break
            time.sleep(0.1)
        verified = openssl(
            "verify", "-crl_check", "-CRLfile", "issuing.crl", "-CAfile", "root.pem", "-untrusted", "issuing.pem",
            "leaf.pem",
        )  # fmt: skip
        assert ("OK" in verified) == (word == "good"), verified
        assert ("certificate revoked" in verified) == (word == "revoked"), verified


def test_nonsense_at_the_responder_gets_an_answer_and_no_fault(product):
    for body in (b"", b"\0", b"nonsense", b"\x30" * 5000):
        headers = {"Content-Type": "application/ocsp-request"}
        answer = requests.post(f"{product.url}/pki/ocsp", data=body, headers=headers, timeout=10)
        assert (answer.status_code, answer.content) == (200, bytes.fromhex("30030a0101"))  # malformedRequest
    for path in ("AA", "a//b/", "a+/=", "%00", "not here"):
        answer = requests.get(f"{product.url}/pki/ocsp/{path}", timeout=10, allow_redirects=False)
        assert answer.status_code in {200, 404}
