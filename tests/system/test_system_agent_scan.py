# SPDX-License-Identifier: Apache-2.0
"""Scans by the shipped agent, as a program of its own, through the real gateway: it finds on 127.0.0.0/8 what the
server refuses to look at, goes on where it was killed, and stops when it is told to."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from certwright.api_client import ProblemError
from certwright.demo.customer import wait_for
from certwright.servers.process import stop
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.live_gateway import live
from tests.support.tls_listeners import context_for, listen, serving

NET = "127.46.21.0/25"
SERVED = (1, 2, 90, 126)


class AgentProgram:
    """The agent as it is downloaded, unpacked and started."""

    def __init__(self, customer, folder, name):
        self.customer, self.folder = customer, folder
        record = customer.post("/agents", {"name": name})
        self.agent_id = record["agent_id"]
        zipfile.ZipFile(io.BytesIO(customer.get(f"/agents/{self.agent_id}/download"))).extractall(folder)
        self.settings(web_servers=[], poll_seconds=0.2)
        self.process = None

    def settings(self, **changes):
        path = self.folder / "agent.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(self.folder / "certwright-agent.pyz"), "run", "--yes"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def enrol(self):
        self.start()
        code = wait_for("the code", lambda: self.log.partition("minutes): ")[2].partition("\n")[0])
        self.customer.post(f"/agents/{self.agent_id}/verify", {"code": code})
        wait_for("the agent", lambda: self.customer.get(f"/agents/{self.agent_id}")["state"] == "connected")

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def processes(self):
        """The ids of all processes that run this agent's program."""
        program = str(self.folder / "certwright-agent.pyz").encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if program in entry.read_bytes().split(b"\0"):
                    found.append(int(entry.parent.name))
        return found

    @property
    def log(self):
        return (self.folder / "log").read_text()

    @property
    def scans(self):
        return list((self.folder / "state" / "scans").glob("*.json"))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agent-scan")
    with contextlib.ExitStack() as stack:
        port = 0
        for octet in SERVED:
            listener = listen(f"127.46.21.{octet}", port)
            port = listener.getsockname()[1]
            certificate = folder / f"{octet}.pem"
            certificate.write_text(strangers_certificate(f"host{octet}.internal.example"))
            stack.enter_context(serving(listener, context_for(certificate, key_file(folder))))
        running = stack.enter_context(live(folder))
        agent = AgentProgram(running.customer("cellar"), _folder(folder, "agent"), "cellar")
        stack.callback(lambda: stop(agent.process))
        agent.enrol()
        yield running, agent, port
        assert "Traceback" not in running.log
        assert "Traceback" not in agent.log


def _folder(parent, name):
    made = parent / name
    made.mkdir()
    return made


def scan(agent, port, **fields):
    return agent.customer.post("/scans", {"targets": [NET], "ports": [port], "agent_id": agent.agent_id, **fields})


def ended(agent, scan_id):
    """The scan when it has ended."""

    def look():
        found = agent.customer.get(f"/scans/{scan_id}")
        return found if found["state"] not in ("waiting", "running", "stopping") else None

    return wait_for("the end of the scan", look, patience=60)


def under_way(agent, scan_id, done=1):
    def look():
        found = agent.customer.get(f"/scans/{scan_id}")
        return found if found["progress"]["done"] >= done else None

    return wait_for("some progress", look, patience=30)


def addresses(agent, scan_id):
    found = agent.customer.get(f"/scans/{scan_id}/results", limit=200)["items"]
    return {one["address"]: one["state"] for one in found}


def test_the_agent_finds_what_the_server_refuses_to_look_at(house):
    _, agent, port = house
    with pytest.raises(ProblemError) as refused:
        agent.customer.post("/scans", {"targets": [NET], "ports": [port]})
    assert "is not scanned from here" in str(refused.value)
    begun = scan(agent, port, exclude=["127.46.21.2"])
    assert (begun["agent_name"], begun["waits_for_agent"]) == ("cellar", True)
    found = ended(agent, begun["scan_id"])
    assert (found["state"], found["counts"]["new"]) == ("finished", 3)
    assert addresses(agent, begun["scan_id"]) == {f"127.46.21.{octet}": "new" for octet in (1, 90, 126)}
    entry = agent.customer.get("/certificates", search="host126.internal.example")["items"][0]
    assert [(place["source"], place["address"]) for place in entry["places"]] == [("scan", "127.46.21.126")]
    job = agent.customer.get("/jobs", kind="run_scan")["items"][0]
    assert job["status"] == "succeeded"
    wait_for("the scan's file to go", lambda: not agent.scans)


def test_a_killed_agent_goes_on_where_it_was_and_counts_each_place_once(house):
    _, agent, port = house
    begun = scan(agent, port, rate=30)
    broken_off = under_way(agent, begun["scan_id"], 10)
    assert len(agent.processes) == 2
    agent.kill()
    wait_for("the process of the scan to end with its agent", lambda: not agent.processes)
    waiting = agent.customer.get(f"/scans/{begun['scan_id']}")
    assert waiting["state"] == "running"
    assert broken_off["progress"]["done"] <= waiting["progress"]["done"] < 128
    agent.start()
    found = ended(agent, begun["scan_id"])
    assert found["state"] == "finished"
    assert addresses(agent, begun["scan_id"]) == {f"127.46.21.{octet}": "new" for octet in SERVED}
    progress = found["progress"]
    assert (progress["done"], progress["total"], progress["found"]) == (128, 128, len(SERVED))
    assert sum(progress["failures"].values()) == 128 - len(SERVED)


def test_a_stop_reaches_the_agent_and_nothing_is_gone(house):
    _, agent, port = house
    begun = scan(agent, port, rate=5)
    under_way(agent, begun["scan_id"], 3)
    other = scan(agent, port, targets=["127.46.21.0/30"])  # a scan that takes long keeps no other work waiting
    assert ended(agent, other["scan_id"])["state"] == "finished"
    assert agent.customer.get(f"/scans/{begun['scan_id']}")["state"] == "running"
    agent.customer.post(f"/scans/{begun['scan_id']}/stop", {})
    found = ended(agent, begun["scan_id"])
    assert (found["state"], found["counts"]["gone"]) == ("stopped", 0)
    assert found["progress"]["done"] < 128
    wait_for("the agent to let go of it", lambda: not agent.scans)
    assert agent.customer.get(f"/scans/{begun['scan_id']}")["progress"] == found["progress"]


def test_the_next_scan_compares_with_the_last_that_finished_there(house):
    _, agent, port = house
    begun = scan(agent, port)
    found = ended(agent, begun["scan_id"])
    assert (found["state"], found["counts"]["same"], found["counts"]["new"]) == ("finished", len(SERVED), 0)
    assert found["compared_with"] != ""


def test_the_settings_on_the_host_have_the_last_word(house):
    _, agent, port = house
    agent.kill()
    agent.settings(scan_networks=["127.46.21.0/26"])
    agent.start()
    begun = scan(agent, port)
    found = ended(agent, begun["scan_id"])
    assert (found["state"], found["reason"]) == ("failed", "scan_refused")
    assert addresses(agent, begun["scan_id"]) == {}
    inside = scan(agent, port, targets=["127.46.21.0/26"])
    assert ended(agent, inside["scan_id"])["counts"]["new"] == 2


def test_nobody_else_scans_by_this_agent_or_reports_for_it(house):
    running, agent, port = house
    other = running.customer("stranger")
    with pytest.raises(ProblemError) as refused:
        other.post("/scans", {"targets": [NET], "ports": [port], "agent_id": agent.agent_id})
    assert (refused.value.status, "not there" in str(refused.value)) == (404, True)
    begun = scan(agent, port)
    for path, body in (("part", {}), ("reports", {"run": 1, "number": 1, "done": 0})):
        with pytest.raises(ProblemError) as refused:
            agent.customer.call("POST", f"{running.url}/api/agent/v1/scans/{begun['scan_id']}/{path}", body)
        assert refused.value.status in (401, 403)
    ended(agent, begun["scan_id"])
