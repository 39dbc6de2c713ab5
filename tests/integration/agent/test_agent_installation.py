# SPDX-License-Identifier: Apache-2.0
"""Installing on a real nginx and a real Apache: served on the wire, or everything as it was."""

import pytest
from certwright_agent import journal
from certwright_agent.webservers.site import Verdict

from tests.support import agent_driver

NAME = "www.example.test"


def test_a_plain_site_gets_tls_and_keeps_its_plain_port(bench):
    bench.start()
    job = bench.install_job()
    outcome = bench.work(job)
    assert outcome.succeeded, outcome.reason
    assert outcome.result["served_serial"] == job["arguments"]["serial"] == bench.served_serial()
    assert [step["name"] for step in outcome.steps] == ["check", "stage", "swap", "test", "reload", "verify"]
    (site,) = bench.worker().servers[0].sites()
    assert {(listener.port, listener.tls) for listener in site.listeners} == {
        (bench.port, False),
        (bench.tls_port, True),
    }
    assert bench.journal() == []


def test_a_renewal_replaces_the_certificate_of_an_older_installation(bench):
    bench.start(tls=True)
    assert bench.served_serial() == bench.old_serial
    job = bench.install_job()
    assert bench.work(job).succeeded
    assert bench.served_serial() == job["arguments"]["serial"]


def test_the_next_renewal_changes_no_configuration_file(bench):
    bench.start(tls=True)
    assert bench.work(bench.install_job()).succeeded
    before = bench.files()
    job = bench.install_job()
    assert bench.work(job).succeeded
    assert bench.files() == before
    assert bench.served_serial() == job["arguments"]["serial"]


def test_the_key_never_leaves_its_folder_readable(bench):
    bench.start()
    job = bench.install_job()
    outcome = bench.work(job)
    assert outcome.succeeded
    keys = [path for path in (bench.home / "state").rglob("*.pem") if b"PRIVATE KEY" in path.read_bytes()]
    assert keys
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    told = str(outcome) + "".join(path.read_text() for path in (bench.home / "state" / "journal").rglob("*.json"))
    assert "PRIVATE KEY" not in told


def _another_chain(bench, job):
    job["arguments"]["chain_pem"] = type(bench.ca)("Other").chain_pem


def _forged_chain(bench, job):
    job["arguments"]["chain_pem"] = type(bench.ca)().chain_pem  # the same names, other keys


def _no_chain(bench, job):
    job["arguments"]["chain_pem"] = ""


def _key_of_another_host(bench, job):
    (bench.home / "state" / "keys" / f"{job['arguments']['spki_sha256']}.pem").unlink()


def _key_swapped(bench, job):
    other = bench.csr()["spki_sha256"]
    keys = bench.home / "state" / "keys"
    (keys / f"{job['arguments']['spki_sha256']}.pem").write_bytes((keys / f"{other}.pem").read_bytes())


def _other_serial(bench, job):
    job["arguments"]["serial"] = "ABCDEF"


def _other_name(bench, job):
    job["arguments"].update(bench.install_job(names=("other.example.test",))["arguments"])


def _broken_configuration(bench, job):
    with bench.site.open("a") as stream:
        stream.write("nonsense here;\n")


def _port_taken_by_somebody_else(bench, job):
    import socket

    bench.holder = socket.create_server(("127.0.0.1", bench.tls_port))


def _read_only(bench, job):
    from tests.support.agent_driver import write_settings

    entry = bench.server.agent_entry(bench.tls_port)
    write_settings(bench.home, [entry], [bench.folder / "elsewhere"])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_another_chain, "the chain is not in order"),
        (_forged_chain, "the chain does not fit the certificate"),
        (_no_chain, "without its chain"),
        (_key_of_another_host, "the private key of this certificate is not on this host"),
        (_key_swapped, "does not belong to this certificate"),
        (_other_serial, "another serial number"),
        (_other_name, "not for www.example.test"),
        (_broken_configuration, "nothing was changed"),
        (_port_taken_by_somebody_else, "cannot be used"),
        (_read_only, "outside the folders"),
    ],
)
def test_what_does_not_fit_is_refused_with_nothing_touched(bench, spoil, reason):
    bench.start()
    job = bench.install_job()
    spoil(bench, job)
    before = bench.files()
    outcome = bench.work(job)
    if hasattr(bench, "holder"):
        bench.holder.close()
    assert not outcome.succeeded
    assert reason in outcome.reason
    assert not outcome.rolled_back
    assert bench.files() == before
    assert bench.server.process.poll() is None


@pytest.mark.parametrize("tls", [False, True])
def test_a_failing_reload_brings_the_old_state_back_byte_for_byte(bench, tls, monkeypatch):
    bench.start(tls=tls)
    job = bench.install_job()
    before = bench.files()
    worker = bench.worker()
    reload, calls = worker.servers[0].reload, []

    def failing():
        calls.append(1)
        return Verdict(ok=False, detail="no reload today") if len(calls) == 1 else reload()

    monkeypatch.setattr(worker.servers[0], "reload", failing)
    _, outcome = worker.work(job, lambda step: None)
    assert not outcome.succeeded
    assert outcome.rolled_back
    assert "no reload today" in outcome.reason
    assert outcome.steps[-1]["name"] == "restore"
    assert bench.files() == before
    assert bench.served_serial() == bench.old_serial
    assert bench.journal() == []


def test_a_reload_that_takes_no_effect_brings_the_old_state_back(bench, monkeypatch):
    bench.start(tls=True)
    job = bench.install_job()
    before = bench.files()
    worker = bench.worker()
    monkeypatch.setattr(worker.servers[0], "reload", lambda: Verdict(ok=True, detail=""))
    _, outcome = worker.work(job, lambda step: None)
    assert (outcome.succeeded, outcome.rolled_back) == (False, True)
    assert "is not served" in outcome.reason
    assert bench.files() == before
    assert bench.served_serial() == bench.old_serial


POINTS = [f"{phase}/recorded" for phase in journal.PHASES] + [f"{phase}/done" for phase in journal.PHASES[1:]]


@pytest.mark.parametrize("point", [*POINTS, "writing/done"])
def test_killed_at_any_step_the_site_serves_the_old_or_the_new_certificate_and_ends_with_the_new(bench, point):
    bench.start(tls=True)
    job = bench.install_job()
    before = bench.files()
    new = job["arguments"]["serial"]
    assert agent_driver.run(bench.settings, job, crash_at=point) is None
    assert bench.served_serial() in {bench.old_serial, new}
    assert bench.worker().servers[0].test().ok  # whoever restarts the server now finds it whole

    # The agent starts again: back to the old state, unless the new certificate was already seen on the wire.
    again = bench.worker()
    again.recover()
    if point == "verified/recorded":
        assert bench.served_serial() == new
    else:
        assert bench.served_serial() == bench.old_serial
        assert bench.files() == before
    assert bench.journal() == []

    # The gateway hands the job out once more.
    outcome = again.work(job, lambda step: None)[1]
    assert outcome.succeeded, outcome.reason
    assert bench.served_serial() == new == outcome.result["served_serial"]


@pytest.mark.parametrize("point", ["linked/recorded", "written/recorded", "reloaded/done"])
def test_killed_while_tls_was_added_the_site_goes_back_to_plain(bench, point):
    bench.start()
    job = bench.install_job()
    before = bench.files()
    assert agent_driver.run(bench.settings, job, crash_at=point) is None
    assert bench.worker().servers[0].test().ok
    bench.worker().recover()
    assert bench.files() == before
    assert bench.worker().work(job, lambda step: None)[1].succeeded


def test_a_validation_file_is_served_from_the_web_root_and_taken_away_again(bench):
    import urllib.error
    import urllib.request

    bench.start()
    name = "3B410C326180BFEAC5ECE2BBF07B3C05.txt"
    path = f".well-known/pki-validation/{name}"
    placed = bench.work(agent_driver.job("place_dcv_file", fqdn=NAME, path=path, content="abc\nexample\n"))
    assert placed.succeeded, placed.reason
    assert placed.result["path"].endswith(path)
    request = urllib.request.Request(f"http://127.0.0.1:{bench.port}/{path}", headers={"Host": NAME})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"abc\nexample\n"
    assert bench.work(agent_driver.job("remove_dcv_file", fqdn=NAME, path=path)).succeeded
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
    other = bench.work(agent_driver.job("place_dcv_file", fqdn="other.test", path=path, content="abc"))
    assert "no site with a web root serves other.test" in other.reason


def test_a_web_root_that_leads_elsewhere_gets_no_file(bench):
    bench.start()
    outside = bench.folder / "outside"
    outside.mkdir()
    (bench.server.document_root(NAME) / ".well-known").symlink_to(outside)
    path = f".well-known/pki-validation/{'A' * 32}.txt"
    outcome = bench.work(agent_driver.job("place_dcv_file", fqdn=NAME, path=path, content="abc"))
    assert "outside" in outcome.reason
    assert list(outside.iterdir()) == []


def test_the_check_tells_what_is_served_beside_what_is_expected(bench):
    bench.start(tls=True)
    site = {"web_server": bench.kind, "site_name": NAME}
    right = bench.work(agent_driver.job("check_installation", **site, expected_serial=bench.old_serial)).result
    assert right["correct"]
    assert right["bindings"][0]["served"]["names"] == [NAME]
    wrong = bench.work(agent_driver.job("check_installation", **site, expected_serial="ABC")).result
    assert not wrong["correct"]
    bench.server.stop()
    dead = bench.work(agent_driver.job("check_installation", **site, expected_serial="ABC")).result
    assert dead["bindings"][0]["failure"] == "refused"


def test_a_file_that_somebody_changed_meanwhile_stays_theirs(bench):
    bench.start(tls=True)
    job = bench.install_job()
    assert agent_driver.run(bench.settings, job, crash_at="written/recorded") is None
    with bench.site.open("a") as stream:
        stream.write("# by hand\n")
    theirs = bench.files()
    bench.worker().recover()
    assert bench.files() == theirs
    assert bench.journal() == []
    assert bench.worker().servers[0].test().ok


def test_after_a_power_cut_the_old_files_are_back_before_the_server_starts(bench):
    bench.start(tls=True)
    job = bench.install_job()
    before = bench.files()
    assert agent_driver.run(bench.settings, job, crash_at="written/recorded") is None
    bench.server.stop()
    bench.worker().recover()
    assert bench.files() == before
    bench.server.start()
    assert bench.served_serial() == bench.old_serial
