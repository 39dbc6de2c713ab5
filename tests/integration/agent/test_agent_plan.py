# SPDX-License-Identifier: Apache-2.0
"""The plan of an installation on a real nginx and a real Apache: told before anything is touched, the same each time,
and binding for the installation that was approved by it.
"""

import json

import pytest
from certwright_agent.webservers.placement import Verdict

from tests.support import agent_driver
from tests.support.patches import patched

NAME = "www.example.test"


def plan_job(job):
    return agent_driver.job("plan_installation", **job["arguments"])


def approved(job, plan):
    arguments = {**job["arguments"], "plan_sha256": plan["plan_sha256"], "plan_parts": plan["parts"]}
    return agent_driver.job("install_certificate", **arguments)


def planned(bench, job):
    outcome = bench.work(plan_job(job))
    assert outcome.succeeded, outcome.reason
    assert [step["name"] for step in outcome.steps] == ["check", "plan"]
    return outcome.result["plan"]


def state_of(bench):
    """What an installation would write, without the agent's notes of how jobs ended."""
    home = bench.home / "state"
    kept = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "outcomes" not in path.parts}
    return bench.files(), kept


def test_a_plan_tells_what_changes_and_changes_nothing(bench):
    bench.start()
    job = bench.install_job()
    before = state_of(bench)
    plan = planned(bench, job)
    assert state_of(bench) == before
    configuration = [one for one in plan["files"] if one["what"] == "configuration"]
    assert [one["path"] for one in configuration] == [str(bench.site)]
    [shown] = configuration
    assert (shown["hidden"], shown["cut"], shown["removed"]) == (0, False, 0)
    assert shown["added"] == sum(line.startswith("+") for line in shown["diff"].splitlines()[2:]) > 0
    mine = {one["path"].rsplit("/", 1)[1]: one for one in plan["files"] if one["what"] == "content"}
    assert set(mine) == {"fullchain.pem", "privkey.pem"}
    assert mine["fullchain.pem"]["old_certificate_sha256"] == ""
    assert mine["fullchain.pem"]["new_certificate_sha256"] == plan["fingerprint_sha256"]
    assert mine["privkey.pem"]["secret"]
    assert not [name for name in mine["privkey.pem"] if "sha256" in name]
    assert all(one["new"] for one in mine.values())
    assert plan["bindings"] == [{"address": "127.0.0.1", "port": bench.tls_port, "name": NAME}]
    assert bench.server.binary in plan["test"]
    assert {"nginx": "-s", "apache": "graceful"}[bench.kind] in plan["reload"].split()
    assert "PRIVATE KEY" not in json.dumps(plan)

    outcome = bench.work(approved(job, plan))
    assert outcome.succeeded, outcome.reason
    assert outcome.result["plan"] == plan
    assert bench.site.read_bytes() == patched(before[0][bench.site][0], shown)
    assert bench.served_serial() == job["arguments"]["serial"]


def test_the_same_host_has_the_same_plan_whatever_the_job(bench):
    bench.start(tls=True)
    first = bench.install_job()
    plan = planned(bench, first)
    assert planned(bench, first) == plan
    assert planned(bench, {"arguments": {**first["arguments"], "names": ["other.example.test"]}}) == plan
    second = planned(bench, bench.install_job())
    assert second["plan_sha256"] != plan["plan_sha256"]
    assert {name for name in plan["parts"] if plan["parts"][name] != second["parts"][name]} == {"certificate"}
    assert bench.work(first).succeeded
    after = planned(bench, first)
    assert [one["what"] for one in after["files"]] == ["content", "content"]
    assert after["files"][0]["old_certificate_sha256"] == plan["fingerprint_sha256"]


@pytest.mark.parametrize("change", ["text", "mode"])
def test_a_host_that_changed_is_not_touched(bench, change):
    bench.start(tls=True)
    job = bench.install_job()
    plan = planned(bench, job)
    if change == "text":
        bench.site.write_text(f"# somebody was here\n{bench.site.read_text()}")
    else:
        bench.site.chmod(0o640)
    before = state_of(bench)
    outcome = bench.work(approved(job, plan))
    assert (outcome.succeeded, outcome.code, outcome.rolled_back) == (False, "plan_changed", False)
    assert f"What differs: file {bench.site}." in outcome.reason
    assert state_of(bench) == before
    assert bench.served_serial() == bench.old_serial
    assert bench.journal() == []
    # Looked at and approved anew, it is installed.
    assert bench.work(approved(job, planned(bench, job))).succeeded


def test_another_certificate_than_the_approved_one_is_refused(bench):
    bench.start(tls=True)
    plan = planned(bench, bench.install_job())
    outcome = bench.work(approved(bench.install_job(), plan))
    assert (outcome.code, bench.served_serial()) == ("plan_changed", bench.old_serial)
    assert "What differs: certificate." in outcome.reason


@pytest.mark.parametrize("parts", [{"certificate": "0" * 64}, {}, None, "x", {"made up": {"deep": 1}}])
def test_parts_that_are_not_those_of_the_approved_hash_name_nothing(bench, parts):
    bench.start(tls=True)
    job = bench.install_job()
    arguments = {**job["arguments"], "plan_sha256": "0" * 64, "plan_parts": parts}
    outcome = bench.work(agent_driver.job("install_certificate", **arguments))
    assert (outcome.code, bench.served_serial()) == ("plan_changed", bench.old_serial)
    assert "made up" not in outcome.reason
    assert "What differs: what, is not known." in outcome.reason


def test_a_hash_that_is_none_is_refused(bench):
    bench.start(tls=True)
    job = bench.install_job(plan_sha256="not a hash")
    outcome = bench.work(job)
    assert (outcome.succeeded, bench.served_serial()) == (False, bench.old_serial)
    assert "plan_sha256" in outcome.reason


def test_what_cannot_be_installed_has_no_plan(bench):
    bench.start(tls=True)
    job = bench.install_job()
    bench.site.write_text(bench.site.read_text() + "\nnonsense on;\n")
    outcome = bench.work(plan_job(job))
    assert (outcome.succeeded, outcome.code) == (False, "config_broken")


def test_a_failed_installation_tells_what_it_tried(bench):
    bench.start(tls=True)
    job = bench.install_job()
    plan = planned(bench, job)
    worker = bench.worker()
    reload = worker.servers[0].reload
    said = iter([Verdict(ok=False, detail="no")])
    worker.servers[0].reload = lambda *hosts: next(said, None) or reload(*hosts)
    outcome = worker.work(approved(job, plan), lambda step: None)[1]
    assert (outcome.succeeded, outcome.rolled_back) == (False, True)
    assert outcome.result["plan"] == plan


def test_lines_that_may_hold_a_secret_are_not_told(bench):
    bench.start()
    key = "0f8fad5bd9cb469fa16570867728950e"
    secret = {
        "nginx": f'\n    proxy_set_header X-Token\n        "correct horse";\n    set $key {key};\n',
        "apache": f'\n    Define DB_PASSWORD "correct horse"\n    Define KEY {key}\n',
    }[bench.kind]
    text = bench.site.read_text()
    place = text.index("\n") if bench.kind == "nginx" else text.index("\n", text.index("<VirtualHost"))
    bench.site.write_text(text[:place] + secret + text[place + 1 :])
    plan = planned(bench, bench.install_job())
    told = json.dumps(plan)
    assert "correct horse" not in told
    assert "0f8fad5bd9cb" not in told
    assert plan["files"][0]["hidden"] > 0


def test_a_diff_that_is_too_long_is_left_out_and_bound_all_the_same(bench):
    bench.start()
    if bench.kind == "apache":  # its copy of the virtual host repeats all of its lines
        text = bench.site.read_text()
        many = "".join(f"    ServerAlias a{number}.example.test\n" for number in range(4000))
        bench.site.write_text(text.replace("</VirtualHost>", f"{many}</VirtualHost>"))
    job = bench.install_job()
    plan = planned(bench, job)
    [shown] = [one for one in plan["files"] if one["what"] == "configuration"]
    if bench.kind == "apache":
        assert (shown["cut"], shown["diff"]) == (True, "")
        assert shown["added"] > 4000
    assert len(json.dumps(plan)) < 256 * 1024
    assert bench.work(approved(job, plan)).succeeded
