# SPDX-License-Identifier: Apache-2.0
"""The drill, small: every order on real nginx sites replaced in one go, while agents and Certwright itself are killed.

`make bench ARGS=drill` does it with 200 orders and says how long it took.
"""

from __future__ import annotations

import threading

import pytest

from bench.drill_lab import Fleet, reissues, served_serial
from certwright.demo.customer import wait_for
from certwright.demo.world import World

HOSTS, SITES = 2, 6


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drill")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    with World(folder, "embedded") as world, Fleet(world) as made:
        made.build(HOSTS, SITES)
        yield made


def test_everything_is_replaced_though_agents_and_certwright_die_on_the_way(fleet):
    api = fleet.caller().api
    preview = api.post("/replacement-previews", {"everything": True})
    assert (preview["orders"], preview["sites"], preview["servers"]) == (12, 12, 2)
    assert preview["by_way"] == {"agent": 12, "client": 0, "hand": 0}
    made = api.post("/replacements", {"issuer": preview["issuers"][0]["value"], "reason": "The issuer has to be left."})
    assert (made["status"], made["open"]) == ("running", 12)

    def faults():
        fleet.hosts[0].kill_agent()
        fleet.kill_certwright()
        fleet.hosts[1].kill_agent()
        for host in fleet.hosts:
            host.start_agent()

    wait_for("the first ones to be under way", lambda: _state(api, made)["waiting"] < 12)
    nemesis = threading.Thread(target=faults)
    nemesis.start()
    nemesis.join()
    ended = fleet.wait_until_over(made["replacement_id"], lambda _found: None)
    assert (ended["status"], ended["by_state"]["seen"], ended["open"]) == ("completed", 12, 0)
    assert sum(host.kills for host in fleet.hosts) == 2
    assert fleet.not_replaced() == []

    histories = [fleet.caller().history(order.order_id) for order in fleet.orders]
    assert reissues(histories) == [1] * 12  # never a second one, whoever died
    orders = [fleet.caller().order(order.order_id) for order in fleet.orders]
    assert all(len(order["certificates"]) == 2 for order in orders)
    assert all(len({one["spki_sha256"] for one in order["certificates"]}) == 2 for order in orders)  # new keys
    assert fleet.world.certwright("rebuild", "--check")["equal"]

    revoking = api.post(f"/replacements/{made['replacement_id']}/actions", {"action": "revoke_old"})
    assert revoking["revocation_reason"] == "superseded"
    wait_for("the old ones to be revoked", lambda: _seen(api, made)["revoked"] == 12)
    for order in fleet.orders:
        newest, old = fleet.caller().order(order.order_id)["certificates"]
        assert (newest["revoked_at"], old["revoked_at"] is not None) == (None, True)
        assert served_serial(order.name, order.host.tls_port) == int(newest["serial"], 16)


def _seen(api, made):
    return api.get(f"/replacements/{made['replacement_id']}")


def _state(api, made):
    return _seen(api, made)["by_state"]
