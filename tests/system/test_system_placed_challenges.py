# SPDX-License-Identifier: Apache-2.0
"""Another CA looks at a site that an agent looks after: the agent puts the file there, nobody else does anything.

The site is one that nobody prepared for it: no line of it leads to Certwright.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from certwright.demo.customer import Customer, wait_for
from certwright.demo.world import World
from tests.support.dns import ProgrammableDNS
from tests.support.pebble import pebble

NAME = "www.placed-demo.com"


@pytest.fixture(params=["nginx", "apache"])
def scene(request):
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="certwright-placed-"))
        folder.chmod(0o755)  # Apache's workers are not root
        stack.callback(shutil.rmtree, folder)
        names = stack.enter_context(ProgrammableDNS())
        names.set(NAME, "A", ["127.0.0.1"])
        world = World(folder, "embedded")
        quiet = {"nonce_reject": 0, "sleep": False, "authz_reuse": 0}
        other = stack.enter_context(
            pebble(folder / "pebble", nameserver=names.nameserver, http_port=world.http_port, **quiet)
        )
        world.settings |= {
            "CERTWRIGHT_EGRESS_NAMESERVERS": json.dumps([names.nameserver]),
            "CERTWRIGHT_CA_UPSTREAM_DIRECTORY": other.directory,
            "CERTWRIGHT_CA_UPSTREAM_NAME": "Pebble",
            "CERTWRIGHT_CA_UPSTREAM_TRUST": str(other.trust),
            "CERTWRIGHT_CA_UPSTREAM_HTTP_PORT": str(world.http_port),
        }
        stack.enter_context(world)
        yield world, getattr(world, request.param), other


def test_a_site_that_knows_nothing_of_certwright_is_validated(scene):
    world, server, other = scene
    folder = world.folder / "agent"
    world.add_site(server, world.http_port, [NAME])
    customer = Customer(world.url)
    customer.sign_up()
    folder.mkdir()
    agent = customer.add_agent("web-1", folder)
    code, _ = world.start_agent(folder / "agent.zip")
    customer.verify_agent(agent["agent_id"], code)
    site = customer.site(NAME)
    configuration = server.config.read_bytes(), (server.folder / "sites" / f"{NAME}.conf").read_bytes()

    order_id = customer.place_order("trial-single", [NAME], "http_csr_hash")["order_id"]
    customer.wait_for_payment(order_id)
    customer.make_csr(order_id, site["server_id"])
    customer.authorizations(order_id, 1)
    customer.place_file(order_id, NAME, site["server_id"])
    order = customer.wait_for_status(order_id, "issued")
    assert "Pebble" in order["certificate"]["issuer"]
    assert other.certificates() == 1

    def jobs():
        found = {one["kind"]: one for one in customer.api.get("/jobs", order_id=order_id)["items"]}
        return found if found.get("remove_acme_file", {}).get("status") == "succeeded" else None

    done = wait_for("the file to be taken away", jobs)
    placed = done["place_acme_file"]
    assert placed["status"] == "succeeded"
    assert [step["name"] for step in placed["steps"]] == ["write", "look"]
    assert placed["result"]["seen"] == f"127.0.0.1:{world.http_port}"
    assert placed["result"]["path"] == done["remove_acme_file"]["result"]["path"]
    assert not (server.document_root(NAME) / ".well-known" / "acme-challenge").exists()
    assert (server.config.read_bytes(), (server.folder / "sites" / f"{NAME}.conf").read_bytes()) == configuration
