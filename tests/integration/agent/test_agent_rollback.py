# SPDX-License-Identifier: Apache-2.0
"""Undoing an installation on a real nginx and a real Apache: byte for byte, and seen on the wire."""

import json

import pytest
from certwright_agent import cli
from certwright_agent.errors import Refused
from certwright_agent.outcome import Steps
from certwright_agent.webservers.site import Verdict

from tests.support.agent_driver import killed_while

NAME = "www.example.test"


def undo(bench):
    return bench.worker().installer.roll_back(bench.kind, NAME, Steps())


def test_the_first_installation_is_undone(bench):
    bench.start(tls=True)
    before = bench.files()
    assert bench.work(bench.install_job()).succeeded
    assert bench.files() != before
    assert undo(bench).succeeded
    assert bench.files() == before
    assert bench.served_serial() == bench.old_serial
    assert bench.journal() == []


def test_a_site_without_tls_is_without_it_again(bench):
    bench.start()
    before = bench.files()
    assert bench.work(bench.install_job()).succeeded
    assert bench.served_serial() is not None
    assert undo(bench).succeeded
    assert (bench.files(), bench.served_serial()) == (before, None)


def test_installations_are_undone_one_after_the_other(bench):
    bench.start(tls=True)
    before = bench.files()
    jobs = [bench.install_job() for _ in range(2)]
    for job in jobs:
        assert bench.work(job).succeeded
    assert undo(bench).succeeded
    assert bench.served_serial() == jobs[0]["arguments"]["serial"]
    assert undo(bench).succeeded
    assert (bench.files(), bench.served_serial()) == (before, bench.old_serial)
    with pytest.raises(Refused, match="nothing was installed"):
        undo(bench)


def test_what_somebody_changed_since_is_theirs(bench):
    bench.start(tls=True)
    assert bench.work(bench.install_job()).succeeded
    with bench.site.open("a") as file:
        file.write("# mine\n")
    before, serial = bench.files(), bench.served_serial()
    with pytest.raises(Refused, match="changed by somebody else since"):
        undo(bench)
    assert (bench.files(), bench.served_serial()) == (before, serial)


def test_what_cannot_be_undone_stays_installed(bench, monkeypatch):
    """The old state does not come back: the reload fails once."""
    bench.start(tls=True)
    job = bench.install_job()
    assert bench.work(job).succeeded
    installed = bench.files()
    worker = bench.worker()
    [server] = worker.servers
    verdicts = [Verdict(False, "no such process")]
    reload = server.reload
    monkeypatch.setattr(server, "reload", lambda *names: verdicts.pop() if verdicts else reload(*names))
    outcome = worker.installer.roll_back(bench.kind, NAME, Steps())
    assert not outcome.succeeded
    assert outcome.rolled_back
    assert "no such process" in outcome.reason
    assert (bench.files(), bench.served_serial()) == (installed, job["arguments"]["serial"])
    assert undo(bench).succeeded  # and it can be tried again
    assert bench.served_serial() == bench.old_serial


@pytest.mark.parametrize("point", ["reopened/recorded", "restoring/done"])
def test_an_undoing_that_is_killed_is_ended_by_the_next_start(bench, point):
    bench.start(tls=True)
    before = bench.files()
    assert bench.work(bench.install_job()).succeeded
    assert killed_while(lambda: undo(bench), point)
    bench.worker().recover()
    assert (bench.files(), bench.served_serial()) == (before, bench.old_serial)
    assert bench.journal() == []


def test_by_the_command_line(bench, capsys):
    bench.start(tls=True)
    assert cli.main(["--config", str(bench.settings), "rollback"]) == 0
    assert "nothing" in capsys.readouterr().out
    job = bench.install_job()
    assert bench.work(job).succeeded
    assert cli.main(["--config", str(bench.settings), "rollback", "--json"]) == 0
    [listed] = json.loads(capsys.readouterr().out)
    assert listed["site"] == NAME
    assert listed["serial"] == job["arguments"]["serial"]
    assert cli.main(["--config", str(bench.settings), "rollback", "nobody.example.test"]) == 1
    assert "nothing was installed on nobody.example.test" in capsys.readouterr().err
    assert cli.main(["--config", str(bench.settings), "rollback", NAME]) == 0
    assert "as they were before" in capsys.readouterr().out
    assert bench.served_serial() == bench.old_serial
