# SPDX-License-Identifier: Apache-2.0
"""certbot and lego, as Debian has them, get, renew and revoke certificates from the running product."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509

from certwright.demo.customer import Customer, wait_for
from gateway.acme.jwk import encode
from shared.pki.certificate import parse_certificate, pem_blocks
from tests.support.acme_world import World, credential, orders_of, run, world

SINGLE = 4995  # of dv-single, in cents


@pytest.fixture(scope="module")
def acme(tmp_path_factory):
    with world(tmp_path_factory.mktemp("acme")) as running:
        yield running


def lego(acme: World, folder: Path, key: dict[str, Any], *words: str, ok: bool = True) -> str:
    binding = ["--eab", "--kid", key["credential"]["credential_id"], "--hmac", key["hmac_key"]]
    how = ["--http", "--http.port", f"127.0.0.1:{acme.http_port}"]
    return run(
        "lego", "--server", acme.directory, "--accept-tos", "--email", "ops@shop-demo.com", "--path", str(folder),
        *binding, *how, *words, ok=ok,
    )  # fmt: skip


def certbot(acme: World, folder: Path, *words: str, ok: bool = True) -> str:
    places = [f"--{kind}-dir={folder / kind}" for kind in ("config", "work", "logs")]
    return run("certbot", *words, "--server", acme.directory, *places, "--non-interactive", ok=ok)


def serial(file: Path) -> str:
    return parse_certificate(pem_blocks(file.read_text())[0]).serial


def verified(acme: World, file: Path, folder: Path) -> None:
    """openssl builds the chain from what the client stored to our root."""
    root = folder / "root.pem"
    root.write_text(acme.root())
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", str(root), "-untrusted", str(file), str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_certbot_obtains_renews_inside_the_term_and_revokes(acme, tmp_path):
    customer = acme.customer(funds=20_000)
    key = credential(customer, "dv-single")
    acme.host("www.certbot-demo.com")
    output = certbot(
        acme, tmp_path, "certonly", "--standalone", "--http-01-port", str(acme.http_port), "--http-01-address",
        "127.0.0.1", "--agree-tos", "-m", "ops@certbot-demo.com", "--no-eff-email", "-d", "www.certbot-demo.com",
        "--eab-kid", key["credential"]["credential_id"], "--eab-hmac-key", key["hmac_key"],
    )  # fmt: skip
    assert "Successfully received certificate" in output
    file = tmp_path / "config/live/www.certbot-demo.com/fullchain.pem"
    verified(acme, file, tmp_path)
    [order] = orders_of(customer)
    assert (order["status"], order["amount"], order["names"]) == ("issued", SINGLE, ["www.certbot-demo.com"])
    view = customer.order(order["order_id"])
    assert (view["channel"], view["certificate"]["serial"]) == ("acme", serial(file))
    assert view["authorizations"][0]["method"] == "acme_http_01"
    assert customer.api.get("/balance")["balance"] == 20_000 - SINGLE

    certbot(acme, tmp_path, "renew", "--force-renewal", "--no-random-sleep-on-renew")
    [again] = orders_of(customer)  # no second purchase: the next certificate of the same order
    assert again["order_id"] == order["order_id"]
    view = customer.order(order["order_id"])
    assert (view["csr_version"], view["certificate"]["serial"]) == (2, serial(file))
    assert len(view["certificates"]) == 2
    assert customer.api.get("/balance")["balance"] == 20_000 - SINGLE

    certbot(acme, tmp_path, "revoke", "--cert-path", str(file), "--reason", "superseded", "--no-delete-after-revoke")
    moments = revoked(customer, order["order_id"])
    assert moments[serial(file)] is not None
    assert sum(one is None for one in moments.values()) == 1  # only that one
    history = [entry["type"] for entry in customer.api.pages(f"/orders/{order['order_id']}/history", most=100)]
    assert history.count("orders.ACMEOrderOpened") == 2
    assert history.count("orders.OrderPaid") == 1


def window(acme: World, file: Path) -> tuple[datetime, datetime]:
    """When to renew a certificate, asked as RFC 9773 says."""
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    number = certificate.serial_number
    parts = (issuer or b"", number.to_bytes(number.bit_length() // 8 + 1))
    answer = requests.get(f"{acme.product.url}/acme/renewal-info/{'.'.join(map(encode, parts))}", timeout=10)
    assert answer.headers["Retry-After"] == "21600"
    found = answer.json()["suggestedWindow"]
    return datetime.fromisoformat(found["start"]), datetime.fromisoformat(found["end"])


def revoked(customer: Customer, order_id: str) -> dict[str, str | None]:
    """When each certificate of an order was revoked, by serial, once one of them is."""

    def look() -> dict[str, str | None] | None:
        found = {one["serial"]: one["revoked_at"] for one in customer.order(order_id)["certificates"]}
        return found if any(found.values()) else None

    return wait_for("the revocation", look)


def test_lego_by_dns_gets_a_wildcard_and_by_http_two_names(acme, tmp_path):
    customer = acme.customer(funds=100_000)
    wildcard = credential(customer, "dv-wildcard")
    acme.host("lego-demo.com", "www.lego-demo.com")
    texts = tmp_path / "texts"
    texts.touch()
    acme.publish("_acme-challenge.lego-demo.com", texts)
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\n[ "$1" = present ] && printf "%s\\n" "$3" >>{texts} || true\n')
    hook.chmod(0o755)
    resolver = ["--dns", "exec", "--dns.disable-cp", "--dns.resolvers", acme.names.nameserver]
    run(
        "lego", "--server", acme.directory, "--accept-tos", "--email", "a@lego-demo.com", "--path", str(tmp_path / "a"),
        "--eab", "--kid", wildcard["credential"]["credential_id"], "--hmac", wildcard["hmac_key"], *resolver,
        "-d", "*.lego-demo.com", "-d", "lego-demo.com", "run", EXEC_PATH=str(hook),
        EXEC_SEQUENCE_INTERVAL="1", EXEC_POLLING_INTERVAL="1",
    )  # fmt: skip
    verified(acme, tmp_path / "a/certificates/_.lego-demo.com.crt", tmp_path)
    multi = credential(customer, "dv-multi")
    lego(acme, tmp_path / "b", multi, "-d", "lego-demo.com", "-d", "www.lego-demo.com", "run")
    verified(acme, tmp_path / "b/certificates/lego-demo.com.crt", tmp_path)
    assert [order["product"] for order in orders_of(customer)] == ["dv-multi", "dv-wildcard"]


def test_lego_renews_and_revokes_and_another_customer_sees_nothing(acme, tmp_path):
    customer, other = acme.customer(), acme.customer()
    key, foreign = credential(customer), credential(other)
    assert key["credential"]["product"] == "trial-single"  # the cheapest with domain validation
    acme.host("www.two-demo.com")
    name = ("-d", "www.two-demo.com")
    lego(acme, tmp_path / "mine", key, *name, "run")
    file = tmp_path / "mine/certificates/www.two-demo.com.crt"
    first = serial(file)
    lego(acme, tmp_path / "mine", key, *name, "renew", "--days", "999", "--no-random-sleep")
    assert serial(file) != first
    [order] = orders_of(customer)
    assert customer.order(order["order_id"])["csr_version"] == 2
    start, end = window(acme, file)
    assert datetime.now(UTC) < start < end < parse_certificate(pem_blocks(file.read_text())[0]).not_after

    lego(acme, tmp_path / "theirs", foreign, *name, "run")
    [theirs] = orders_of(other)
    assert theirs["order_id"] != order["order_id"]
    assert customer.api.get("/acme/credentials")["items"][0]["acme_accounts"] == 1
    stolen = tmp_path / "theirs/certificates/www.two-demo.com.crt"
    kept = stolen.read_text()
    stolen.write_text(file.read_text())  # the first customer's certificate, signed for by the second's account
    refused = lego(acme, tmp_path / "theirs", foreign, *name, "revoke", "--keep", ok=False)
    assert "urn:ietf:params:acme:error:unauthorized" in refused
    stolen.write_text(kept)
    lego(acme, tmp_path / "mine", key, *name, "revoke", "--keep")
    assert revoked(customer, order["order_id"])[serial(file)] is not None
    assert window(acme, file)[1] <= datetime.now(UTC)  # at once

    customer.api.call("DELETE", f"/acme/credentials/{key['credential']['credential_id']}")
    ended = lego(acme, tmp_path / "late", key, *name, "run", ok=False)
    assert "unauthorized" in ended
    assert customer.api.get("/acme/credentials")["items"] == []


def test_without_funds_the_client_says_what_to_do(acme, tmp_path):
    customer = acme.customer(funds=100)
    acme.host("www.poor-demo.com")
    said = lego(acme, tmp_path, credential(customer, "dv-single"), "-d", "www.poor-demo.com", "run", ok=False)
    assert "userActionRequired" in said
    assert "Add funds" in said
    said = lego(acme, tmp_path / "w", credential(customer), "-d", "a.poor-demo.com", "-d", "b.poor-demo.com", "run",
        ok=False)  # fmt: skip
    assert "rejectedIdentifier" in said
    assert orders_of(customer) == []


def test_credentials_by_the_command_line(acme):
    customer = acme.customer()
    rights = ["view", "create_order", "administer"]
    secret = customer.api.post("/tokens", {"name": "shell", "permissions": rights})["secret"]
    environment = {"CERTWRIGHT_URL": acme.product.url, "CERTWRIGHT_TOKEN": secret}

    def command(*words: str) -> Any:
        text = run(sys.executable, "-m", "certwright", "acme", "credentials", *words, "--json", **environment)
        return json.loads(text)

    made = command("create", "web servers", "--product", "dv-single", "--years", "2")
    assert (made["directory_url"], len(made["hmac_key"])) == (acme.directory, 43)
    [listed] = command("list")
    assert (listed["credential_id"], listed["term_years"]) == (made["credential"]["credential_id"], 2)
    assert command("revoke", listed["credential_id"])["revoked"] is True
    assert command("list") == []
