# SPDX-License-Identifier: Apache-2.0
"""Work on a server behind a real sshd, with a real nginx and a real Apache: done there once, or taken back there."""

import os
import threading
import urllib.request

import pytest
from certwright_agent.remote.visit import Visitor

from tests.support.remote_host import NAME, RemoteHost, program

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user, and lets sshd become it")
PATH = ".well-known/pki-validation/3B410C326180BFEAC5ECE2BBF07B3C05.txt"


@pytest.fixture(scope="module", params=["nginx", "apache"])
def shared(request):
    made = RemoteHost(request.param)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(scope="module")
def nginx():
    made = RemoteHost("nginx")
    try:
        yield made.start()
    finally:
        made.close()


def test_everything_that_an_agent_does_is_done_on_the_server(shared):
    host = shared
    host.lane.round()
    assert (host.report["state"], host.report["detail"]) == ("connected", "")
    assert host.report["facts"]["version"]
    assert [site["name"] for site in host.lane.sites] == [NAME]
    assert {binding["port"] for binding in host.lane.sites[0]["bindings"]} == {host.port, host.tls_port}

    # Install, and renew: each with a new key from the server.
    told = []
    for _ in range(2):
        job = host.install_job()
        before = host.served_serial()
        assert before != job["arguments"]["serial"]
        host.lane.round()
        outcome = host.outcome(job)
        told.append(outcome)
        assert outcome.succeeded, outcome.reason
        assert host.served_serial() == job["arguments"]["serial"] == outcome.result["served_serial"]
        names = [step["name"] for job_id, step in host.steps if job_id == job["job_id"]]
        assert names == ["check", "stage", "swap", "test", "reload", "verify"]  # as they happened
        assert host.lane.sites[0]["bindings"][1]["certificate"]["serial"] == job["arguments"]["serial"]

    checked = host.work(
        "check_installation", web_server=host.kind, site_name=NAME, expected_serial=job["arguments"]["serial"]
    )
    assert checked.result["correct"]
    assert checked.result["bindings"][0]["served"]["names"] == [NAME]
    placed = host.work("place_dcv_file", fqdn=NAME, path=PATH, content="abc\nexample\n")
    assert placed.result["path"].endswith(PATH)
    request = urllib.request.Request(f"http://127.0.0.1:{host.port}/{PATH}", headers={"Host": NAME})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"abc\nexample\n"
    assert host.work("remove_dcv_file", fqdn=NAME, path=PATH).succeeded
    saved = host.work(
        "save_certificate", common_name=NAME, number="7", certificate_pem=job["arguments"]["certificate_pem"],
        chain_pem=host.ca.chain_pem,
    )  # fmt: skip
    assert saved.result["path"] == str(host.user.home / "saved" / NAME / f"{NAME}_7.zip")
    refused = host.work("run_scan", scan_id="x", targets=[], names=[], ports=[], exclude=[], rate=1)
    assert refused.code == "unknown_job"

    # The key's hash left the server, the key did not; the server forgets what the agent has.
    keys = [path for path in host.home.rglob("*.pem") if b"PRIVATE KEY" in path.read_bytes()]
    assert keys
    assert {path.stat().st_uid for path in keys} == {host.user.uid}
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    here = [path for path in host.state.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert here == [host.keys.private]
    assert "PRIVATE KEY" not in f"{told} {host.steps} {host.said} {host.report} {host.lane.sites}"
    host.wait_for(lambda: not list((host.home / "state" / "outcomes").iterdir()))
    assert host.handed.ids() == []
    assert len(list(host.home.glob("program-*.pyz"))) == 1


def test_what_fails_is_taken_back_byte_for_byte(shared):
    host = shared
    job, before, served = host.install_job(), host.files(), host.served_serial()
    deaf = host.server.folder / "deaf"
    deaf.touch()  # a reload without an effect
    try:
        host.lane.round()
    finally:
        deaf.unlink()
    outcome = host.outcome(job)
    assert (outcome.succeeded, outcome.rolled_back, outcome.code) == (False, True, "not_served")
    assert outcome.steps[-1]["name"] == "restore"
    assert (host.files(), host.served_serial()) == (before, served)
    wrong = host.install_job(serial="ABCDEF")
    host.lane.round()
    assert host.outcome(wrong).code == "certificate_misfit"
    assert host.files() == before


@pytest.mark.parametrize("point", ["prepared/recorded", "linked/recorded", "tested/recorded", "verified/recorded"])
def test_killed_there_at_a_step_the_next_visit_takes_it_back_and_does_it(nginx, point):
    host = nginx
    old, job = host.served_serial(), host.install_job()
    new = job["arguments"]["serial"]
    host.sshd.start(environment={"CERTWRIGHT_AGENT_CRASH_AT": point})
    host.lane.round()
    assert host.outcome(job) is None
    assert host.report["state"] == "not_connected"
    assert host.handed.ids() == [job["job_id"]]  # in doubt, neither done nor failed
    assert host.journal()
    assert host.served_serial() in {old, new}
    host.sshd.start()
    host.lane = host.new_lane()  # the agent was started again too
    host.lane.round()
    outcome = host.outcome(job)
    assert outcome.succeeded, outcome.reason
    assert host.served_serial() == new
    assert (host.journal(), host.handed.ids()) == ([], [])


@pytest.mark.parametrize("at", ["-t", "-s reload"])
def test_a_connection_that_is_cut_stops_nothing_and_is_done_once(nginx, at):
    host = nginx
    job = host.install_job()
    visits = threading.Thread(target=host.lane.round)
    with host.held_at(at):
        visits.start()
        host.wait_held()
        host.sshd.cut()
        visits.join(60)
        assert not visits.is_alive()
        assert host.outcome(job) is None
        assert "in the middle" in host.report["detail"]
    # Nobody is connected; the work goes on to its end there.
    host.wait_for(lambda: host.served_serial() == job["arguments"]["serial"])
    host.wait_for(lambda: not host.journal())
    swaps = (host.server.folder / "calls").read_text().count("-s reload")
    # Another agent of the same user comes by: the outcome is not its own, and stays for whoever asked.
    visitor = Visitor(host.keys, host.register.known_hosts, program())
    seen = []
    visitor.visit(host.entry, look=False, keep=lambda job_id, _: seen.append(job_id))
    assert seen == [job["job_id"]]
    host.lane.round()
    assert host.outcome(job).succeeded
    assert (host.server.folder / "calls").read_text().count("-s reload") == swaps


def test_a_visit_while_an_earlier_one_is_at_work_waits_its_turn(nginx):
    host = nginx
    job = host.install_job()
    visits = threading.Thread(target=host.lane.round)
    with host.held_at("-s reload"):
        visits.start()
        host.wait_held()
        host.sshd.cut()
        visits.join(60)
        host.lane.round()
        assert host.report == {**host.report, "state": "connected", "detail": "it is still at work on an earlier job"}
        assert host.outcome(job) is None
    host.wait_for(lambda: not host.journal())
    host.lane.round()
    assert host.outcome(job).succeeded


def test_a_changed_host_key_stops_everything_and_shows_both(nginx):
    host = nginx
    pinned, job, before = host.register.known_hosts.read_bytes(), host.install_job(), host.files()
    host.sshd.start("second")
    host.lane.round()
    assert host.outcome(job).code == "server_host_key_changed"
    told = host.report
    assert told["state"] == "host_key_changed"
    assert (told["host_key"], told["host_key_seen"]) == (host.sshd.fingerprint(), host.sshd.fingerprint("second"))
    assert host.sshd.fingerprint() in told["detail"]
    assert host.sshd.fingerprint("second") in told["detail"]
    assert "remove the server here and add it again" in told["detail"]
    assert host.register.known_hosts.read_bytes() == pinned  # nothing was accepted
    assert "Accepted" not in (host.sshd.folder / "log").read_text().rpartition("Server listening")[2]
    assert host.files() == before
    host.sshd.start("first")
    assert host.work("report_sites").succeeded
    assert (host.report["state"], host.report["host_key_seen"]) == ("connected", "")


def test_a_server_that_does_not_know_the_key_says_so_and_one_that_is_away_may_come_back(nginx):
    host = nginx
    authorized = host.user.home / ".ssh" / "authorized_keys"
    content = authorized.read_text()
    authorized.write_text("")
    assert host.work("report_sites").code == "server_keys_missing"
    assert host.report["state"] == "keys_missing"
    authorized.write_text(content)
    host.sshd.stop()
    job = host.give("report_sites")
    host.lane.round()
    assert (host.outcome(job), host.report["state"]) == (None, "not_connected")
    host.sshd.start()
    host.lane.round()
    assert host.outcome(job).succeeded


def test_what_is_amiss_with_a_site_of_the_server_is_told_by_its_agent(nginx):
    host = nginx
    job = host.install_job()
    host.lane.round()
    assert host.outcome(job).succeeded
    assert host.work("report_sites").succeeded
    assert [site["findings"] for site in host.lane.sites] == [[]]
    host.site.write_text(host.before)  # an old configuration comes back, with the key that lay there
    (host.folder / "old.key").chmod(0o644)
    assert host.work("report_sites").succeeded
    assert host.report["state"] == "connected", host.said
    [site] = host.lane.sites
    assert {one["kind"]: one["by"] for one in site["findings"]} == {"replaced": "unknown", "key_readable": ""}
