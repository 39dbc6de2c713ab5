# SPDX-License-Identifier: Apache-2.0
"""Every operation of the API, on the running product, with the ids of one account and the identity of another.

Generated from the route table: an operation that is added is tried here without anybody thinking of it.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import tempfile
import time
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.api_client import APIClient, ProblemError
from certwright.servers.process import free_port
from gateway.calendar_file import MEDIA as CALENDAR
from gateway.examples import example
from gateway.operations import ROUTES
from gateway.route import WITH_BODY, Input
from gateway.spreadsheet import MEDIA as CSV
from shared.contracts.base import Permission
from tests.support import csr_builder
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.live_gateway import PASSWORD, live, sign_up
from tests.support.tls_listeners import listen, serving

PATIENCE_S = 30
CODE = "ABCDEFGHJKMNPQRSTVWX"
NOBODYS = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"
IDS = {"order_id", "quote_id", "agent_id", "user_id", "token_id", "session_id", "server_id", "site_id", "job_id",
    "plan_id", "fingerprint_sha256", "renews_order_id", "site_ids", "channel_id", "link_id",
    "scan_id", "schedule_id", "check_id", "other_check_id"}  # fmt: skip


def until(look):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            found = look()
        except ProblemError as problem:
            if problem.status != 404:
                raise
            found = None
        if found:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.1)


def enrol(url, owner):
    """An agent of the owner with a server and a site; everything by the agent API."""
    made = owner.post("/agents", {"name": "web-1"})
    agent = APIClient(url)
    facts = {"version": "1.0.0", "os": "Debian", "hostname": "web-1", "web_servers": ["nginx"]}
    hello = {"uid": made["uid"], "code_sha256": hashlib.sha256(CODE.encode()).hexdigest()}
    agent.call("POST", f"{url}/api/agent/v1/introduce", {**hello, "facts": facts})
    owner.post(f"/agents/{made['agent_id']}/verify", {"code": CODE})
    token = agent.call("POST", f"{url}/api/agent/v1/finish", hello)["token"]
    agent = APIClient(url, token)
    agent.call("POST", f"{url}/api/agent/v1/jobs/claim", {"facts": facts})
    certificate = {
        "serial": "0A", "fingerprint_sha256": "ab" * 32, "subject": "CN=shop.example.com", "issuer": "CN=Other",
        "names": ["shop.example.com"], "not_before": "2026-01-01T00:00:00Z", "not_after": "2026-12-31T00:00:00Z",
        "spki_sha256": "cd" * 32,
    }  # fmt: skip
    site = {
        "web_server": "nginx", "name": "shop.example.com", "names": ["shop.example.com"], "document_root": "/var/www",
        "config_path": "/etc/nginx/shop.conf", "writable": True,
        "bindings": [{"address": "0.0.0.0", "port": 443, "tls": True, "names": ["shop.example.com"],
            "certificate": certificate}],
    }  # fmt: skip
    agent.call("PUT", f"{url}/api/agent/v1/sites", {"sites": [site]})
    found = until(lambda: owner.get("/sites")["items"])[0]
    return {"agent_id": made["agent_id"], "server_id": found["server_id"], "site_id": found["site_id"]}


def looks(owner):
    """Two checks of one endpoint that have seen something."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "one.pem"
        certificate.write_text(strangers_certificate("shop.example.com"))
        context.load_cert_chain(certificate, key_file(Path(folder)))
    with serving(listen("127.0.0.1"), context) as port:
        made = [owner.post("/checks", {"fqdn": "127.0.0.1", "port": port})["check_id"] for _ in range(2)]
        for one in made:
            until(lambda one=one: owner.get(f"/checks/{one}")["state"] == "finished")
    return {"check_id": made[0], "other_check_id": made[1]}


def proving(owner):
    """An order whose CSR is there and whose name waits to be proved."""
    quote = owner.post("/quotes", {"product": "trial-single", "names": ["shop.example.com"]})
    order = owner.post("/orders", {
        "quote_id": quote["quote_id"], "common_name": "shop.example.com", "agreement_accepted": True,
    })  # fmt: skip
    path = f"/orders/{order['order_id']}"
    until(lambda: owner.get(path)["status"] == "waiting_for_csr")
    pem = csr_builder.request("shop.example.com").public_bytes(Encoding.PEM).decode()
    owner.call("PUT", f"{path}/csr", {"csr": pem})
    until(lambda: owner.get(f"{path}/authorizations")["items"])
    return order["order_id"]


def belongings(url, owner):
    """One thing of every kind that has an id."""
    ids = enrol(url, owner)
    quote = owner.post("/quotes", {"product": "trial-single", "names": ["shop.example.com"], "term_years": 1})
    ids["quote_id"] = owner.post("/quotes", {"product": "trial-single", "names": ["shop.example.com"]})["quote_id"]
    order = owner.post("/orders", {
        "quote_id": quote["quote_id"], "common_name": "shop.example.com", "agreement_accepted": True,
    })  # fmt: skip
    ids["order_id"] = ids["renews_order_id"] = order["order_id"]
    ids["user_id"] = owner.post("/users", {
        "login": "second@example.com", "password": PASSWORD, "email": "s@example.com", "permissions": ["view"],
    })["user_id"]  # fmt: skip
    tokens = owner.get("/tokens")["items"]
    ids["token_id"] = tokens[0]["token_id"]
    ids["session_id"] = owner.get("/sessions")["items"][0]["session_id"]
    until(lambda: owner.get(f"/orders/{ids['order_id']}")["status"] == "waiting_for_csr")
    owner.post(f"/orders/{ids['order_id']}/invoice", {"email": "owner@example.com"})
    owner.post(f"/orders/{ids['order_id']}/csr-requests", {"server_id": ids["server_id"]})
    ids["job_id"] = until(lambda: owner.get("/jobs")["items"])[0]["job_id"]
    ids["plan_id"] = ids["job_id"]  # a plan needs a certificate: tests of the installer look at one
    ids["fingerprint_sha256"] = until(lambda: owner.get("/certificates")["items"])[0]["fingerprint_sha256"]
    ids["fqdn"] = "shop.example.com"
    ids["proving_order_id"] = proving(owner)
    here = {"targets": ["127.0.0.1"], "ports": [free_port()]}
    ids["scan_id"] = owner.post("/scans", here)["scan_id"]
    nightly = {**here, "name": "nightly", "every_hours": 24}
    ids["schedule_id"] = owner.post("/scan-schedules", nightly)["schedule_id"]
    ids |= looks(owner)
    mails = {"kind": "email", "name": "Ops", "target": "ops@example.com"}
    ids["channel_id"] = owner.post("/alert-channels", mails)["channel"]["channel_id"]
    ids["link_id"] = owner.post("/alert-feeds", {"name": "Calendar"})["link"]["link_id"]
    return ids


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    settings = {"CERTWRIGHT_DISCOVERY_EXTERNAL_NETWORKS": '["127.0.0.1/32"]'}
    with live(tmp_path_factory.mktemp("tenants"), settings) as running:
        running.owner = running.customer("owner@example.com")
        running.other = running.customer("other@example.com")
        running.ids = belongings(running.url, running.owner)
        yield running
        assert "Traceback" not in running.log


def needs(route):
    """Names of ids that an operation takes, wherever."""
    one = Input(route)
    named = set(one.path_names) | {field.name for field in (*one.body_fields, *one.query_fields)}
    return named & IDS


def ask(product, client, route):
    one = Input(route)
    ids = dict(product.ids)
    if route.operation_id == "list_mail_contacts":
        ids["order_id"] = ids["proving_order_id"]
    path = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], NOBODYS), route.path)
    body = None
    if one.body_fields:
        body = example(one.body_type)
        for name in body:
            if name in product.ids:
                body[name] = product.ids[name]
        if "csr" in body:
            body["csr"] = csr_builder.request("shop.example.com").public_bytes(Encoding.PEM).decode()
        if "site_ids" in body:
            body["site_ids"] = [product.ids["site_id"]]
    query = {field.name: product.ids[field.name] for field in one.query_fields if field.name in product.ids}
    if route.operation_id == "run_preflight":
        query["names"] = ["shop.example.com"]  # the owner's: nobody else may learn of its proof
    return requests.request(
        route.method, product.url + path, json=body, params=query, timeout=30,
        headers={"Authorization": f"Bearer {client.token}"},
    )  # fmt: skip


CUSTOMERS = [
    route for route in ROUTES
    if route.request.PERMISSION not in {Permission.PUBLIC, Permission.AGENT, Permission.OPERATOR} and not route.stream
]  # fmt: skip
WITH_IDS = [route for route in CUSTOMERS if needs(route)]
OWN = [route for route in CUSTOMERS if not needs(route) and route.method not in WITH_BODY | {"DELETE"}]


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: route.operation_id)
def test_a_thing_of_another_account_does_not_exist(product, route):
    answer = ask(product, product.other, route)
    if answer.status_code == 200 and route.media == CSV:
        assert answer.text.count("\r\n") == 1  # the headings
        return
    if answer.status_code == 200 and route.media == CALENDAR:
        assert "BEGIN:VEVENT" not in answer.text
        return
    if answer.status_code == 200 and route.operation_id.startswith("list_"):
        assert answer.json()["items"] == []  # a filter that matches nothing
        return
    if route.operation_id == "end_session":  # ending what is not there is no error
        assert product.ids["session_id"] in {one["session_id"] for one in product.owner.get("/sessions")["items"]}
        return
    assert answer.status_code == 404, answer.text
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("route", OWN, ids=lambda route: route.operation_id)
def test_no_list_shows_anything_of_another_account(product, route):
    answer = ask(product, product.other, route)
    assert answer.status_code in {200, 404}
    for value in set(product.ids.values()) - {"shop.example.com"}:
        assert value not in answer.text


@pytest.mark.parametrize(
    "route", [route for route in WITH_IDS if route.method == "GET"], ids=lambda route: route.operation_id
)
def test_the_owner_finds_it(product, route):
    """Else the test above would prove nothing."""
    answer = ask(product, product.owner, route)
    without = {"get_certificate", "download_certificate", "download_certificate_zip", "get_installation_plan"}
    if route.operation_id in without:
        assert answer.status_code == 404  # not issued yet
    else:
        assert answer.status_code == 200, answer.text


def test_what_is_for_operators_is_forbidden_to_customers(product):
    for route in ROUTES:
        if route.request.PERMISSION is Permission.OPERATOR:
            answer = ask(product, product.owner, route)
            assert answer.status_code == 403, f"{route.operation_id}: {answer.text}"


def test_a_removed_user_and_a_revoked_token_are_nobody(product):
    browser = APIClient(product.url)
    made = browser.post("/sign-up", sign_up("third@example.com"))
    number = str(made["order_number"])
    browser.post("/session", {"login": "third@example.com", "password": PASSWORD, "order_number": number})
    client = product.with_token(browser, ["view"])
    assert client.get("/orders")["items"] == []
    token = browser.get("/tokens")["items"][0]["token_id"]
    browser.call("DELETE", f"/tokens/{token}")
    with pytest.raises(ProblemError) as refused:
        client.get("/orders")
    assert refused.value.status == 401
    second = product.with_token(browser, ["view"])
    browser.call("DELETE", "/session")
    with pytest.raises(ProblemError) as refused:
        browser.get("/me")
    assert refused.value.status == 401
    assert second.get("/me")["login"] == "third@example.com"
