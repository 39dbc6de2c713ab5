# SPDX-License-Identifier: Apache-2.0
"""What holds for every kind of server whose files get new content in place. Subclasses set `kind`.

One server for all tests of a class: each installation leaves the sites whole, whatever was served before.
"""

import os
import resource
import subprocess
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
from certwright_agent import journal
from certwright_agent.outcome import Steps
from certwright_agent.webservers.site import Verdict

from tests.support import agent_driver
from tests.support.placed_bench import BENCHES, NAME, OTHER
from tests.support.small_ca import SmallCA

POINTS = [f"{phase}/recorded" for phase in journal.PHASES] + ["placing/drafted", "placing/done", "reloaded/done"]


class InPlace:
    kind = ""
    web_root = True

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls):
        bench = BENCHES[cls.kind]()
        yield bench
        bench.close()

    @pytest.fixture
    def bench(self, shared):
        yield shared
        shared.settings = shared.write_settings()

    def test_both_sites_get_new_certificates_and_again(self, bench):
        for name in (NAME, OTHER, NAME):
            other = OTHER if name == NAME else NAME
            before, files = bench.served_serial(other), bench.state_of_files()
            job = bench.install_job(name)
            outcome = bench.work(job)
            assert outcome.succeeded, outcome.reason
            assert bench.served_serial(name) == job["arguments"]["serial"] == outcome.result["served_serial"]
            assert bench.served_serial(other) == before
            assert [step["name"] for step in outcome.steps] == ["check", "stage", "swap", "test", "reload", "verify"]
            after = bench.state_of_files()
            changed = {path for path in files if after.get(path) != files[path]}
            assert sorted(files) == sorted(after)
            assert ", ".join(map(str, changed)) != ""
            assert {str(path) for path in changed} <= set(outcome.steps[2]["detail"].split(", "))
            assert all(after[path][1:] == files[path][1:] for path in changed), "mode and owner are kept"
            assert bench.journal() == []

    def test_no_key_and_no_password_is_told_or_journalled(self, bench):
        job = bench.install_job()
        told = []
        _, outcome = bench.worker().work(job, told.append)
        assert outcome.succeeded, outcome.reason
        state = bench.home / "state"
        records = "".join(path.read_text() for path in (state / "journal").rglob("*.json"))
        said = str(outcome) + str(told) + records + "".join(p.read_text() for p in (state / "outcomes").glob("*.json"))
        keys = [path for path in state.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
        assert keys
        for secret in ["PRIVATE KEY", *(line for key in keys for line in key.read_text("latin-1").split("\n")[1:2])]:
            assert secret not in said
        for secret in (getattr(bench, "password", None), getattr(bench.server, "password", None)):
            assert secret is None or secret not in said
        placed = [path for path in (state / "archive").rglob("placed/*") if path.is_file()]
        assert {path.stat().st_mode & 0o777 for path in [*placed, *keys]} == {0o600}

    def test_a_plan_names_the_files_and_binds_an_approval(self, bench):
        """A keystore is encrypted anew each time it is made, and the plan is the same all the same."""
        for name in (NAME, OTHER):
            job = bench.install_job(name)
            before, serial = bench.state_of_files(), bench.served_serial(name)
            ask = agent_driver.job("plan_installation", **job["arguments"])
            plan = bench.work(ask).result["plan"]
            again = agent_driver.job("plan_installation", **job["arguments"])
            assert bench.work(again).result == {"plan": plan}
            assert bench.state_of_files() == before
            assert {file["what"] for file in plan["files"]} == {"content"}
            held = {file["old_certificate_sha256"] for file in plan["files"]} - {""}
            assert held
            assert plan["fingerprint_sha256"] not in held
            assert plan["fingerprint_sha256"] in {file["new_certificate_sha256"] for file in plan["files"]}
            assert plan["reload"]

            approval = {"plan_sha256": plan["plan_sha256"], "plan_parts": plan["parts"]}
            approved = agent_driver.job("install_certificate", **job["arguments"], **approval)
            touched = Path(plan["files"][0]["path"])
            mode = touched.stat().st_mode & 0o777
            touched.chmod(0o600 if mode != 0o600 else 0o640)
            changed = bench.state_of_files()
            outcome = bench.work(approved)
            assert (outcome.code, outcome.rolled_back) == ("plan_changed", False)
            assert f"What differs: content of {touched}." in outcome.reason
            assert (bench.state_of_files(), bench.served_serial(name)) == (changed, serial)
            touched.chmod(mode)
            outcome = bench.work(agent_driver.job("install_certificate", **job["arguments"], **approval))
            assert outcome.succeeded, outcome.reason
            written = {str(path) for path, seen in bench.state_of_files().items() if seen != before.get(path)}
            named = {file["path"]: file for file in plan["files"]}
            assert written <= set(named)
            same = [named[path] for path in set(named) - written]  # the chain, of the same CA
            assert all(file["old_certificate_sha256"] == file["new_certificate_sha256"] != "" for file in same)

    @pytest.mark.parametrize("spoil", ["another chain", "forged chain", "no key here", "another key", "other name"])
    def test_what_does_not_fit_is_refused_with_nothing_touched(self, bench, spoil):
        job = bench.install_job()
        arguments = job["arguments"]
        keys = bench.home / "state" / "keys"
        key = keys / f"{arguments['spki_sha256']}.pem"
        if spoil == "another chain":
            arguments["chain_pem"], reason = SmallCA("Other").chain_pem, "not in order"
        elif spoil == "forged chain":
            arguments["chain_pem"], reason = SmallCA().chain_pem, "does not fit"
        elif spoil == "no key here":
            key.unlink()
            reason = "is not on this host"
        elif spoil == "another key":
            other = bench.csr(NAME)["spki_sha256"]
            key.write_bytes((keys / f"{other}.pem").read_bytes())
            reason = "does not belong"
        else:
            arguments.update(bench.install_job(OTHER)["arguments"], site_name=bench.site_name(NAME))
            reason = f"not for {NAME}"
        before, serial = bench.state_of_files(), bench.served_serial()
        outcome = bench.work(job)
        assert reason in outcome.reason
        assert (outcome.succeeded, outcome.rolled_back) == (False, False)
        assert bench.state_of_files() == before
        assert bench.served_serial() == serial

    def test_a_reload_that_fails_brings_the_old_state_back(self, bench, monkeypatch):
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        worker = bench.worker()
        server = bench.server_of(worker)
        reload, calls = server.reload, []

        def failing(*hosts):
            calls.append(hosts)
            return Verdict(ok=False, detail="no reload today") if len(calls) == 1 else reload(*hosts)

        monkeypatch.setattr(server, "reload", failing)
        outcome = bench.work(job, worker)
        assert (outcome.succeeded, outcome.rolled_back, outcome.code) == (False, True, "reload_failed")
        assert "no reload today" in outcome.reason
        assert bench.state_of_files() == before
        assert bench.served_serial() == serial
        assert bench.journal() == []

    def test_an_installation_is_undone(self, bench):
        before, serial = bench.state_of_files(), bench.served_serial()
        job = bench.install_job()
        assert bench.work(job).succeeded
        assert bench.served_serial() == job["arguments"]["serial"]
        arguments = job["arguments"]
        outcome = bench.worker().installer.roll_back(arguments["web_server"], arguments["site_name"], Steps())
        assert outcome.succeeded, outcome.reason
        assert (bench.state_of_files(), bench.served_serial()) == (before, serial)

    def test_a_server_that_keeps_the_old_certificate_is_found_out(self, bench, monkeypatch):
        bench.settings = bench.write_settings(verify_seconds=1)
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        worker = bench.worker()
        monkeypatch.setattr(bench.server_of(worker), "reload", lambda *_: Verdict(ok=True, detail=""))
        outcome = bench.work(job, worker)
        assert (outcome.rolled_back, outcome.code) == (True, "not_served")
        assert bench.state_of_files() == before
        assert bench.served_serial() == serial

    @pytest.mark.parametrize("point", POINTS)
    def test_killed_at_any_step_the_old_or_the_new_certificate_is_served(self, bench, point):
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        new = job["arguments"]["serial"]
        assert agent_driver.killed(bench.settings, job, point)
        assert bench.served_serial() in {serial, new}
        again = bench.worker()
        again.recover()
        assert bench.journal() == []
        if point == "verified/recorded":
            assert bench.served_serial() == new
        else:
            assert bench.served_serial() == serial
            assert bench.state_of_files() == before
        if point == "placing/done":  # the gateway hands the job out once more
            assert bench.work(job, again).succeeded
            assert bench.served_serial() == new

    def test_what_somebody_changed_after_the_agent_died_stays_theirs(self, bench):
        job = bench.install_job()
        before = bench.state_of_files()
        assert agent_driver.killed(bench.settings, job, "written/recorded")
        written = bench.state_of_files()
        (ours, *_) = [path for path in before if before[path] != written[path]]
        ours.write_bytes(b"by hand")
        theirs = bench.state_of_files()
        bench.worker().recover()
        assert bench.state_of_files() == theirs
        assert bench.journal() == []
        for path, (content, *_) in before.items():
            path.write_bytes(content)
        server = bench.server_of(bench.worker())
        assert server.reload(*([NAME] if self.kind == "tomcat" else [])).ok

    def test_a_full_disk_changes_nothing(self, bench):
        small = next(p for p in self.secret_files(bench)).parent
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        with full_disk(small) as said:
            outcome = bench.work(job)
        assert not outcome.succeeded
        assert said in outcome.reason
        assert bench.state_of_files() == before
        assert bench.served_serial() == serial

    def secret_files(self, bench):
        return [path for path in bench.state_of_files() if path.suffix in (".key", ".pem", ".p12")]

    def test_the_check_tells_what_is_served_beside_what_is_expected(self, bench):
        site = {"web_server": bench.kind, "site_name": bench.site_name(NAME)}
        serial = bench.served_serial()
        right = bench.work(agent_driver.job("check_installation", **site, expected_serial=serial)).result
        assert right["correct"], right
        assert right["bindings"][0]["served"]["names"] == [NAME]
        wrong = bench.work(agent_driver.job("check_installation", **site, expected_serial="ABC")).result
        assert not wrong["correct"]

    def test_the_report_names_the_certificate_of_each_site(self, bench):
        from certwright_agent import report

        sites, problems = report.sites(bench.worker().servers)
        assert problems == []
        shown = {site["name"]: site for site in sites}
        for name in (NAME, OTHER):
            site = shown[bench.site_name(name)]
            assert (site["writable"], site["reason"]) == (True, "")
            stored = next(binding["certificate"] for binding in site["bindings"] if binding["tls"])
            assert stored["serial"] == bench.served_serial(name)

    def test_a_certificate_is_saved_without_its_key(self, bench):
        job = bench.install_job()["arguments"]
        pems = {name: job[name] for name in ("certificate_pem", "chain_pem")}
        saved = bench.work(agent_driver.job("save_certificate", common_name=NAME, number="7", **pems))
        assert saved.succeeded, saved.reason
        with zipfile.ZipFile(saved.result["path"]) as archive:
            assert "PRIVATE" not in "".join(archive.read(name).decode() for name in archive.namelist())

    def test_a_validation_file_is_served_or_there_is_no_web_root(self, bench):
        path = f".well-known/pki-validation/{'A1' * 16}.txt"
        placed = bench.work(agent_driver.job("place_dcv_file", fqdn=NAME, path=path, content="abc\nexample\n"))
        if not self.web_root:
            assert placed.code == "no_web_root"
            return
        assert placed.succeeded, placed.reason
        request = urllib.request.Request(f"http://127.0.0.1:{bench.port}/{path}", headers={"Host": NAME})
        with urllib.request.urlopen(request) as answer:
            assert answer.read() == b"abc\nexample\n"
        assert bench.work(agent_driver.job("remove_dcv_file", fqdn=NAME, path=path)).succeeded
        assert not Path(placed.result["path"]).exists()

    def test_links_and_files_elsewhere_are_refused(self, bench):
        kept = self.secret_files(bench)
        originals = {path: path.read_bytes() for path in kept}
        beside = bench.folder / "theirs"
        beside.mkdir(exist_ok=True)
        try:
            for path in kept:
                (beside / path.name).write_bytes(originals[path])
                path.unlink()
                path.symlink_to(beside / path.name)
            outcome = bench.work(bench.install_job())
            assert outcome.code == "site_not_writable"
            assert "is a link to" in outcome.reason
        finally:
            for path in kept:
                path.unlink()
                path.write_bytes(originals[path])


class InPlaceQuickly(InPlace):
    """For servers that start at once."""

    def test_after_a_power_cut_the_old_files_are_back_before_the_server_starts(self, bench):
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        assert agent_driver.killed(bench.settings, job, "written/recorded")
        bench.server.stop()
        bench.worker().recover()
        assert bench.state_of_files() == before
        bench.server.start()
        assert bench.served_serial() == serial


class full_disk:  # noqa: N801  reads as a sentence
    """While it holds, nothing more fits below `folder`: a small file system with what was there, already full. Where
    mounting is not allowed, no file of this process can grow beyond a kilobyte instead. The value is what is said then.
    """

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.mounted = os.geteuid() == 0 and self._mount()
        if self.mounted:
            return "No space left"
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, self.limit[1]))
        return "File too large"

    def _mount(self):
        contents = {path: (path.read_bytes(), path.stat()) for path in self.folder.rglob("*") if path.is_file()}
        argv = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", str(self.folder)]
        if subprocess.run(argv, capture_output=True, check=False).returncode:
            return False
        for path, (content, seen) in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(seen.st_mode)
            os.chown(path, seen.st_uid, seen.st_gid)
        try:
            with (self.folder / ".filler").open("wb", buffering=0) as stream:
                while stream.write(b"x" * 4096):
                    pass
        except OSError:
            pass
        return True

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limit)
