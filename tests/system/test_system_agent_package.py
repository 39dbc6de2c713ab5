# SPDX-License-Identifier: Apache-2.0
"""The Debian package through the whole product: fetched by its UID, installed by dpkg, enrolled, at work on nginx."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request

import pytest

from certwright.api_client import ProblemError
from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import CODE, World
from certwright.servers.process import stop
from shared.probe.handshake import Served, handshake
from tests.support.debian_root import DebianRoot

NAME = "www.package-demo.com"
STATE, SETTINGS = "/var/lib/certwright-agent", "/etc/certwright-agent/agent.json"


class Installed:
    """The package below a private root. Its command is run as it was installed, with the root before its paths."""

    def __init__(self, world, package):
        self.root = DebianRoot(world.folder / "root")
        assert self.root.dpkg("-i", package) == 0, self.root.said
        settings = self.root.path(SETTINGS)
        raw = json.loads(settings.read_text())
        assert (raw["gateway"], raw["state"]) == (world.url, STATE)
        raw |= {
            "state": str(self.root.path(STATE)), "save_directory": str(world.folder / "saved"), "poll_seconds": 0.2,
            "web_servers": [world.nginx.agent_entry(world.tls_ports["nginx"])], "roots": [str(world.nginx.folder)],
        }  # fmt: skip
        settings.write_text(json.dumps(raw))
        text = self.root.path("/usr/bin/certwright-agent").read_text()
        for folder in ("/usr/lib/", "/etc/"):
            text = text.replace(folder, str(self.root.path(folder)) + "/")
        self.program = world.folder / "certwright-agent"
        self.program.write_text(text)
        self.program.chmod(0o755)

    def start(self, *words):
        return subprocess.Popen(
            [self.program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, *words):
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def world(tmp_path):
    tmp_path.chmod(0o755)
    with World(tmp_path, "embedded") as running:
        running.add_site(running.nginx, running.http_port, [NAME])
        yield running
        assert "Traceback" not in (running.folder / "certwright.log").read_text()


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def test_from_the_package_to_the_wire_and_away_again(world):
    customer = Customer(world.url)
    customer.sign_up()
    agent = customer.api.post("/agents", {"name": "packaged"})
    (build,) = [
        one for one in customer.api.get(f"/agents/{agent['agent_id']}/builds")["items"] if one["build"] == "debian"
    ]
    # On the host nobody is signed in; the UID is all that it knows.
    package = world.folder / build["file_name"]
    package.write_bytes(fetch(f"{world.url}/api/agent/v1/builds/{agent['uid']}/debian"))
    assert package.read_bytes() == customer.api.get(f"/agents/{agent['agent_id']}/download", build="debian")
    summed = subprocess.run(["sha256sum", package], capture_output=True, text=True, check=True).stdout.split()[0]
    assert (summed, package.stat().st_size) == (build["sha256"], build["size"])
    for path in (f"{'f' * 32}/debian", f"{agent['uid']}/rpm", f"{agent['uid'][:31]}/debian"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(f"{world.url}/api/agent/v1/builds/{path}")
        assert refused.value.code == 404
        refused.value.close()

    installed = Installed(world, package)
    assert "not enrolled yet" in installed("once")[1]
    enrolling = installed.start("enroll", "--yes")
    code = CODE.search(enrolling.stdout.readline())[0]
    wait_for("the code to be taken", lambda: _typed(customer, agent["agent_id"], code))
    said = enrolling.communicate(timeout=60)[0]
    assert enrolling.returncode == 0, said
    assert (installed.root.path(STATE) / "token").stat().st_mode & 0o777 == 0o600

    # One-shot, as cron starts it: asks, does, tells, ends.
    assert installed("once")[0] == 0
    site = customer.site(NAME)
    order_id = customer.place_order("trial-single", [NAME], "http_csr_hash")["order_id"]
    customer.wait_for_payment(order_id)
    running = installed.start("run")
    try:
        customer.make_csr(order_id, site["server_id"])
        customer.authorizations(order_id, 1)
        customer.place_file(order_id, NAME, site["server_id"])
        customer.wait_for_status(order_id, "issued")
        order = customer.install(order_id, site)
    finally:
        stop(running)
        running.communicate()
    serial = int(order["certificate"]["serial"], 16)
    assert served(world) == serial

    # A removal stops nothing that serves: the keys stay, and the configuration is still right.
    assert installed.root.dpkg("-r", "certwright-agent") == 0, installed.root.said
    assert reloaded(world.nginx)
    assert served(world) == serial
    names = installed.root.path("/etc/nginx/sites-enabled")
    names.mkdir(parents=True)
    for path in (world.nginx.folder / "sites").iterdir():
        (names / path.name).write_text(path.read_text())
    assert installed.root.dpkg("-P", "certwright-agent") == 0, installed.root.said
    assert sorted(path.name for path in installed.root.path(STATE).iterdir()) == ["archive", "live"]
    assert served(world) == serial


def _typed(customer, agent_id, code):
    try:
        return customer.api.post(f"/agents/{agent_id}/verify", {"code": code})
    except ProblemError as error:  # quicker than the agent, which prints its code before it introduces itself
        if error.status == 409:
            return None
        raise


def reloaded(nginx):
    """Its configuration passes its test, and it takes it up."""
    words = [nginx.binary, "-c", str(nginx.config), "-p", str(nginx.folder)]
    return all(subprocess.run([*words, *more], check=False).returncode == 0 for more in (["-t"], ["-s", "reload"]))


def served(world):
    seen = handshake("127.0.0.1", world.tls_ports["nginx"], NAME)
    assert isinstance(seen, Served), seen
    return int(seen.leaf.serial, 16)
