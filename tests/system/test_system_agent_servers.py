# SPDX-License-Identifier: Apache-2.0
"""A server behind a real sshd through the whole product: real gateway, the shipped agent, a real nginx of another user.

The agent never touches the web server itself, and is killed in the middle.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from certwright.api_client import ProblemError
from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import World
from certwright.servers.process import stop
from tests.support.remote_host import RemoteHost

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user, and lets sshd become it")
NAME = "www.remote-demo.com"


class Shipped:
    """The agent as it was downloaded: its program on the command line."""

    def __init__(self, world, customer):
        self.folder = world.folder / "agent"
        self.folder.mkdir()
        self.agent_id = customer.add_agent("gatehouse", self.folder)["agent_id"]
        code, self.pid = world.start_agent(self.folder / "agent.zip")
        customer.verify_agent(self.agent_id, code)
        self.process = None

    def __call__(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-I", str(self.folder / "certwright-agent.pyz"), *arguments],
            capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def again(self):
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(self.folder / "certwright-agent.pyz"), "run"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip


@pytest.fixture
def scene(tmp_path):
    with World(tmp_path, "embedded") as world:
        host = RemoteHost("nginx", NAME, world.http_port)
        customer = Customer(world.url)
        try:
            world.names.add(NAME, "A", "127.0.0.1")
            host.open()
            customer.sign_up()
            agent = Shipped(world, customer)
            yield customer, agent, host
            if agent.process is not None:
                stop(agent.process)
            assert "Traceback" not in (agent.folder / "agent.log").read_text()
            assert "Traceback" not in (world.folder / "certwright.log").read_text()
        finally:
            host.close()


def servers(customer):
    return {one["name"]: one for one in customer.api.get("/servers")["items"]}


def added(customer, agent, host):
    """The guide's own words (§3.1), once there is a key pair that the host knows."""
    where = ("-ip", "127.0.0.1", "-u", host.user.name, "--port", str(host.sshd.port))
    add = ("-m", "add", *where, "--name", "shop", "--yes", "--fingerprint")
    code, said = agent(*add, host.sshd.fingerprint())
    assert (code, said.splitlines()[-1]) == (1, "the agent has no key pair yet: start `keys make`, then `keys copy`")
    assert "retcode: 1" in said
    code, said = agent("keys", "make")
    assert code == 0
    host.trust(said.splitlines()[1])
    code, said = agent(*add, host.sshd.fingerprint("second"))
    assert code == 1
    assert host.sshd.fingerprint("second") in said
    assert host.sshd.fingerprint() in said
    code, said = agent(*add, host.sshd.fingerprint())
    assert (code, said.splitlines()[-1]) == (0, "retcode: 0"), said
    wait_for("the server", lambda: servers(customer).get("shop", {}).get("state") == "connected")
    return servers(customer)["shop"]


def test_a_server_over_ssh_from_its_first_contact_to_its_end(scene):
    customer, agent, host = scene
    shown = added(customer, agent, host)
    assert (shown["remote"], shown["user"], shown["port"]) == (True, host.user.name, host.sshd.port)
    assert (shown["host_key"], shown["agent_name"]) == (host.sshd.fingerprint(), "gatehouse")
    assert any(one.startswith("nginx/") for one in shown["web_servers"])
    site = customer.site(NAME)
    assert site["server_id"] == shown["server_id"]

    # A key that stays there, a proof below its web root, and the certificate: the agent's host has no part in it.
    order_id = customer.place_order("trial-single", [NAME], "http_csr_hash")["order_id"]
    customer.wait_for_payment(order_id)
    customer.make_csr(order_id, site["server_id"])
    customer.authorizations(order_id, 1)
    customer.place_file(order_id, NAME, site["server_id"])
    customer.wait_for_status(order_id, "issued")
    with host.held_at("-s reload"):
        customer.api.post(
            f"/orders/{order_id}/installations", {"server_id": site["server_id"], "site_ids": [site["site_id"]]}
        )
        host.wait_held()
        os.kill(agent.pid, signal.SIGKILL)
    agent.again()
    order = customer.wait_for_status(order_id, "installed")
    assert int(host.served_serial(), 16) == int(order["certificate"]["serial"], 16)
    jobs = customer.api.get("/jobs", order_id=order_id, kind="install_certificate")["items"]
    assert [(job["status"], job["server_id"]) for job in jobs] == [("succeeded", site["server_id"])]
    keys = [path for path in host.home.rglob("*.pem") if b"PRIVATE KEY" in path.read_bytes()]
    assert keys
    here = [path for path in agent.folder.rglob("*") if path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()]
    assert here == [agent.folder / "state" / "ssh" / "id_agent"]

    # Another key on the same port: nothing is done, and everybody sees both.
    host.sshd.start("second")
    job = customer.api.post(
        "/installation-checks",
        {"server_id": site["server_id"], "site_id": site["site_id"], "expected_serial": order["certificate"]["serial"]},
    )
    ended = wait_for("its end", lambda: _ended(customer, job["job_id"]))
    assert ended["code"] == "server_host_key_changed"
    wait_for("the stop", lambda: servers(customer)["shop"]["state"] == "host_key_changed")
    stopped = servers(customer)["shop"]
    assert (stopped["host_key"], stopped["host_key_seen"]) == (
        host.sshd.fingerprint(), host.sshd.fingerprint("second"),
    )  # fmt: skip
    for path, body in (
        (f"/orders/{order_id}/installations", {"site_ids": [site["site_id"]]}),
        (f"/orders/{order_id}/saves", {}),
        (f"/orders/{order_id}/reissue", {}),
        ("/installation-checks", {"site_id": site["site_id"], "expected_serial": "AB"}),
    ):
        with pytest.raises(ProblemError) as refused:
            customer.api.post(path, {**body, "server_id": site["server_id"]})
        assert refused.value.status == 409
        assert refused.value.document["extra"]["reason"] == "server_host_key_changed"

    # Removed in the console, it is forgotten by its agent.
    customer.api.call("DELETE", f"/servers/{site['server_id']}")
    assert "shop" not in servers(customer)
    wait_for("the agent to forget it", lambda: agent("list") == (0, "No servers beside this host.\n"), patience=90)
    assert customer.api.get("/sites", name=NAME)["items"] == []


def _ended(customer, job_id):
    job = customer.api.get(f"/jobs/{job_id}")
    return job if job["status"] in ("succeeded", "failed") else None
