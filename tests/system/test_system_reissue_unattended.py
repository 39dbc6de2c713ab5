# SPDX-License-Identifier: Apache-2.0
"""A paid term of a year whose certificate is reissued when the proof of its name has grown too old: real nginx, the
agent, and Certwright's clock moved. From its installation on nobody asks for anything.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from bench.drill_lab import served_serial
from certwright.api_client import APIClient
from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import World
from shared.pki.rules import Rules
from tests.support.moved_certwright import MovedClocks

NAME = "www.unattended-demo.com"
SIGNED_IN = ("view", "create_order")


@pytest.fixture
def scene(tmp_path, monkeypatch):
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # nginx's workers are not root
    clocks = MovedClocks(tmp_path / "clock")
    clocks.move(-moments()[0])
    monkeypatch.setenv("PYTHONPATH", clocks.python_path)  # the agent's; Certwright is given its own
    monkeypatch.setenv("MOVED_CLOCK", str(clocks.file))
    world = World(tmp_path, "embedded", settings=clocks.settings)
    world.program = clocks.program
    with world:
        yield world, clocks


def moments():
    """How many days ago the name was proved, and the certificate issued, that is due today.

    In the past, since openssl, which the agent asks, has the host's clock. Certificates are replaced after seven ninths
    of their life at the latest; a proof of a quarter of its time is used again, and is too old after the rest of both.
    """
    now = datetime.now(UTC)
    for days in (200, 100, 47):
        rules = Rules.at(now - timedelta(days=days * 0.8))
        if rules.longest == timedelta(days=days):
            return days * 0.8 + rules.dcv_reuse_days / 4, days * 0.8
    raise AssertionError("the rules have changed: no certificate of these lives is due today")


def bought(customer, site):
    """An order whose CSR the agent is to make."""
    order_id = customer.place_order("dv-single", [NAME], "http_csr_hash")["order_id"]
    customer.pay_by_card(order_id)
    customer.wait_for_payment(order_id)

    def heard():
        return customer.api.get(f"/servers/{site['server_id']}")["state"] == "connected"

    wait_for("the agent to be heard at this hour", heard)  # its last word may be days old for a clock that was moved
    customer.api.post(f"/orders/{order_id}/csr-requests", {"server_id": site["server_id"]})
    return order_id


def begun(world):
    """An account with an agent that a person asked for the file of a name; its customer, the site and the order."""
    world.add_site(world.nginx, world.http_port, [NAME])
    customer = Customer(world.url)
    customer.sign_up()
    made = customer.api.post("/tokens", {"name": "for a year", "permissions": list(SIGNED_IN), "expires_in_days": None})
    customer.api = APIClient(world.url, made["secret"])  # a session would not last
    folder = world.folder / "agent"
    folder.mkdir()
    agent = customer.add_agent("web-1", folder)
    code, _ = world.start_agent(folder / "agent.zip")
    customer.verify_agent(agent["agent_id"], code)
    site = customer.site(NAME)

    first = bought(customer, site)
    customer.authorizations(first, 1)
    customer.place_file(first, NAME, site["server_id"])
    customer.wait_for_status(first, "issued")
    return customer, site, first


def test_a_certificate_is_reissued_in_its_term_though_its_proof_is_too_old(scene):
    world, clocks = scene
    customer, site, _ = begun(world)
    clocks.move(-moments()[1])
    order_id = bought(customer, site)
    customer.wait_for_status(order_id, "issued")
    [proof] = customer.authorizations(order_id, 1)
    assert (proof["reused"], proof["attempts"]) == (True, [])
    order = customer.install(order_id, site)
    old = order["certificate"]
    assert served_serial(NAME, world.tls_ports["nginx"]) == int(old["serial"], 16)
    before = customer.history(order_id)

    clocks.move(0)

    def reissued():
        newest = customer.order(order_id)
        fresh = newest["certificate"]["serial"] != old["serial"]
        return newest if fresh and newest["status"] == "installed" else None

    newest = wait_for("the certificate to be reissued and installed", reissued, patience=150)
    assert served_serial(NAME, world.tls_ports["nginx"]) == int(newest["certificate"]["serial"], 16)
    assert newest["certificate"]["spki_sha256"] != old["spki_sha256"]
    assert newest["blocked_on"] == []

    after = customer.history(order_id)[len(before) :]
    assert [entry["type"].partition(".")[2] for entry in after if entry["type"].startswith("orders.")] == [
        "ReissueRequested", "CSRRequested", "CSRSubmitted", "AuthorizationRecorded", "IssuanceRequested", "CertIssued",
        "InstallationRequested", "CertInstalled",
    ]  # fmt: skip
    assert {entry["actor_kind"] for entry in after} <= {"system", "agent"}  # no human request in between
    [proof] = customer.authorizations(order_id, 1)
    assert (proof["status"], proof["reused"], proof["method"]) == ("valid", False, "http_csr_hash")
    [attempt] = proof["attempts"]
    assert attempt["passed"]
    assert attempt["evidence"]["url"].endswith(proof["file"]["path"])

    def jobs():
        found = {one["kind"]: one for one in customer.api.get("/jobs", order_id=order_id)["items"]}
        return found if found.get("remove_dcv_file", {}).get("status") == "succeeded" else None

    done = wait_for("the file to be taken away", jobs)
    assert done["place_dcv_file"]["status"] == "succeeded"
    assert done["place_dcv_file"]["result"]["path"] == done["remove_dcv_file"]["result"]["path"]
    assert not (world.nginx.document_root(NAME) / proof["file"]["path"].lstrip("/")).exists()
    assert world.certwright("rebuild", "--check")["equal"]


def test_where_the_agent_serves_the_name_no_more_a_person_is_told(scene):
    world, clocks = scene
    customer, _, order_id = begun(world)
    (world.nginx.folder / "sites" / f"{NAME}.conf").unlink()
    wait_for("the site to be gone", lambda: not customer.api.get("/sites", name=NAME)["items"], patience=120)

    clocks.move(0)

    def refused():
        [proof] = customer.authorizations(order_id, 1)
        return [one["reason"] for one in proof["attempts"]][:1] == ["file_not_placed"]

    wait_for("the reissue to find nobody who serves the name", refused, patience=150)
    [blocked] = customer.order(order_id)["blocked_on"][:1]
    assert (blocked["reason"], blocked["actor"], blocked["subject"]) == ("authorization_missing", "customer", NAME)
    clocks.move(0.01)

    def alerted():
        return [one for one in customer.api.get("/alerts")["items"] if one["kind"] == "proof_missing"]

    [alert] = wait_for("the alert", alerted, patience=90)
    assert (alert["order_id"], alert["subject"], alert["state"]) == (order_id, NAME, "open")
    assert NAME in alert["text"]


def test_an_installation_that_fails_is_tried_again_while_the_old_certificate_serves(scene):
    """nginx's master stands still: its workers serve on, and a reload does nothing."""
    world, clocks = scene
    clocks.move(-moments()[1])
    customer, site, order_id = begun(world)
    old = customer.install(order_id, site)["certificate"]
    master, port = int(world.nginx.pid_file.read_text()), world.tls_ports["nginx"]
    os.kill(master, signal.SIGSTOP)
    try:
        clocks.move(0)

        def waits():
            found = [one for one in customer.order(order_id)["blocked_on"] if one["reason"] == "installation_again"]
            return found[0] if found else None

        blocked = wait_for("the installation that followed to fail", waits, patience=180)
        assert blocked["actor"] == "certwright"
        later = datetime.fromisoformat(blocked["facts"]["again_at"]) - datetime.now(UTC)
        assert timedelta(minutes=3) < later < timedelta(minutes=6)
        assert served_serial(NAME, port) == int(old["serial"], 16)
        [failed] = [one for one in customer.order(order_id)["installations"] if one["status"] == "failed"]
        assert failed["code"] == "not_served"
    finally:
        os.kill(master, signal.SIGCONT)
    clocks.move(6 / 24 / 60)

    def installed():
        newest = customer.order(order_id)
        fresh = newest["certificate"]["serial"] != old["serial"]
        return newest if fresh and newest["status"] == "installed" else None

    newest = wait_for("the installation to be tried again", installed, patience=150)
    assert served_serial(NAME, port) == int(newest["certificate"]["serial"], 16)
    assert newest["blocked_on"] == []
    after = [entry["type"] for entry in customer.history(order_id)]
    assert after.count("orders.ReissueRequested") == 1
    assert after[-2:] == ["orders.InstallationRequested", "orders.CertInstalled"]
