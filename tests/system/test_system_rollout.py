# SPDX-License-Identifier: Apache-2.0
"""One certificate on three sites of a real nginx, by the shipped agent: planned, approved, one site first."""

from __future__ import annotations

from pathlib import Path

import pytest

from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import World
from shared.probe.handshake import Served, handshake
from tests.support.patches import patched

NAMES = ("www.rollout-demo.com", "shop.rollout-demo.com", "blog.rollout-demo.com")


@pytest.fixture
def world(tmp_path):
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # nginx's workers are not root
    with World(tmp_path, "embedded") as found:
        yield found


def issued(world):
    """A customer, the sites by name, and an order for all of them that is issued."""
    for name in NAMES:
        world.nginx.add_site(name, port=world.http_port)
        world.names.add(name, "A", "127.0.0.1")
    world.nginx.start()
    customer = Customer(world.url)
    customer.sign_up()
    folder = world.folder / "agent"
    folder.mkdir()
    agent = customer.add_agent("web-1", folder)
    code, _ = world.start_agent(folder / "agent.zip")
    customer.verify_agent(agent["agent_id"], code)
    sites = {name: customer.site(name) for name in NAMES}
    order_id = customer.place_order("dv-multi", list(NAMES), "http_csr_hash")["order_id"]
    customer.pay_by_card(order_id)
    customer.wait_for_payment(order_id)
    server_id = sites[NAMES[0]]["server_id"]
    customer.make_csr(order_id, server_id)
    customer.authorizations(order_id, len(NAMES))
    for name in NAMES:
        customer.place_file(order_id, name, server_id)
    customer.wait_for_status(order_id, "issued")
    return customer, sites, order_id


def planned(customer, order_id, site):
    body = {"order_id": order_id, "server_id": site["server_id"], "site_id": site["site_id"]}
    job = customer.api.post("/installation-plans", body)

    def told():
        plan = customer.api.get(f"/installation-plans/{job['job_id']}")
        return plan if plan["status"] != "waiting" else None

    plan = wait_for("the plan", told)
    assert plan["status"] == "told", plan["reason"]
    assert plan["plan_id"] == job["job_id"]
    return plan


def install(customer, order_id, sites, plans, **more):
    body = {
        "server_id": sites[NAMES[0]]["server_id"],
        "site_ids": [sites[name]["site_id"] for name in NAMES],
        "plans": [
            {"site_id": sites[name]["site_id"], "plan_id": plan["plan_id"], "plan_sha256": plan["plan_sha256"]}
            for name, plan in plans.items()
        ],
        **more,
    }
    customer.api.post(f"/orders/{order_id}/installations", body)

    def over():
        found = customer.order(order_id)["installations"][: len(NAMES)]
        return found if not {one["status"] for one in found} & {"queued", "requested"} else None

    by_site = {one["site_id"]: one for one in wait_for("the end of the rollout", over)}
    return {name: by_site[sites[name]["site_id"]] for name in NAMES}


def configuration(world):
    return {path: path.read_bytes() for path in (world.nginx.folder / "sites").iterdir()}


def served(world):
    seen = {name: handshake("127.0.0.1", world.tls_ports["nginx"], name) for name in NAMES}
    return {name: one.leaf.serial if isinstance(one, Served) else None for name, one in seen.items()}


def test_a_certificate_on_three_sites_with_one_first(world):
    customer, sites, order_id = issued(world)
    before = configuration(world)
    plans = {name: planned(customer, order_id, sites[name]) for name in NAMES}
    assert configuration(world) == before
    files = {}
    for name, plan in plans.items():
        [changed] = [one for one in plan["files"] if one["what"] == "configuration"]
        files[name] = changed
        assert plan["bindings"] == [{"address": "127.0.0.1", "port": world.tls_ports["nginx"], "name": name}]
    assert len({one["path"] for one in files.values()}) == len(NAMES)
    assert planned(customer, order_id, sites[NAMES[0]])["plan_sha256"] == plans[NAMES[0]]["plan_sha256"]

    # Somebody changes the first site after the approval: neither it nor the others are touched.
    edited = Path(files[NAMES[0]]["path"])
    edited.write_bytes(b"# by hand\n" + edited.read_bytes())
    stood = configuration(world)
    ended = install(customer, order_id, sites, plans)
    assert [(one["status"], one["code"], one["canary"]) for one in ended.values()] == [
        ("failed", "plan_changed", True), ("not_begun", "canary_failed", False), ("not_begun", "canary_failed", False),
    ]  # fmt: skip
    assert f"file {edited}" in ended[NAMES[0]]["reason"]
    assert str(edited) in ended[NAMES[1]]["reason"]
    assert configuration(world) == stood
    assert set(served(world).values()) == {None}
    jobs = customer.api.get("/jobs", order_id=order_id, kind="install_certificate")["items"]
    assert len(jobs) == 1
    assert {one["reason"] for one in customer.order(order_id)["blocked_on"]} == {
        "installation_failed", "installation_not_begun",
    }  # fmt: skip

    # Looked at anew; the second site goes first, and only then the others.
    plans[NAMES[0]] = planned(customer, order_id, sites[NAMES[0]])
    told = [one for one in plans[NAMES[0]]["files"] if one["what"] == "configuration"]
    files[NAMES[0]] = told[0]
    done = install(customer, order_id, sites, plans, canary=sites[NAMES[1]]["site_id"])
    assert {one["status"] for one in done.values()} == {"installed"}
    assert [one["canary"] for one in done.values()] == [False, True, False]
    me = customer.api.get("/me")["user_id"]
    assert {one["approved_by"] for one in done.values()} == {f"user:{me}"}
    order = customer.order(order_id)
    assert {int(serial, 16) for serial in served(world).values()} == {int(order["certificate"]["serial"], 16)}
    assert order["blocked_on"] == []
    expected = {Path(one["path"]): patched(stood[Path(one["path"])], one) for one in files.values()}
    assert configuration(world) == stood | expected

    story = [
        (entry["type"].partition(".")[2], entry["data"]["site_id"])
        for entry in customer.history(order_id)
        if entry["data"].get("site_id")
    ][-8:]
    ids = [sites[name]["site_id"] for name in NAMES]
    assert story[:3] == [
        ("InstallationRequested", ids[1]), ("InstallationQueued", ids[0]), ("InstallationQueued", ids[2]),
    ]  # fmt: skip
    assert story[3:6] == [
        ("CertInstalled", ids[1]), ("InstallationRequested", ids[0]), ("InstallationRequested", ids[2]),
    ]  # fmt: skip

    # What was done can be looked at afterwards.
    for job in customer.api.get("/jobs", order_id=order_id, kind="install_certificate", status="succeeded")["items"]:
        plan = customer.api.get(f"/installation-plans/{job['job_id']}")
        assert plan["plan_sha256"] == plans[job["subject"]]["plan_sha256"]
        assert [one["diff"] for one in plan["files"] if one["diff"]] == [files[job["subject"]]["diff"]]
