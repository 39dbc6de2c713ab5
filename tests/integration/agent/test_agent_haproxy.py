# SPDX-License-Identifier: Apache-2.0
"""Installing on a real HAProxy with a master process."""

import os
import signal
import subprocess

import pytest
from certwright_agent.errors import Refused
from certwright_agent.webservers.site import Material

from tests.support.haproxy import HAProxy
from tests.support.in_place import InPlaceQuickly
from tests.support.placed_bench import NAME, Bench


class TestHAProxy(InPlaceQuickly):
    kind = "haproxy"
    web_root = False

    def test_every_bind_that_has_the_certificate_is_looked_at(self, bench):
        (site,) = (site for name, site in bench.sites().items() if name == NAME)
        assert {listener.port for listener in site.listeners} == {bench.tls_port, bench.second_port}
        plain = next(site for site in bench.sites().values() if not site.tls_blocks)
        assert "has no TLS here" in plain.reason

    def test_a_master_that_starts_no_new_worker_is_a_failed_reload(self, bench, monkeypatch):
        job = bench.install_job()
        before, serial = bench.state_of_files(), bench.served_serial()
        worker = bench.worker()
        (server,) = worker.servers
        reload, calls = server.reload, []

        def stuck(*hosts):
            calls.append(hosts)
            if len(calls) > 1:
                return reload()
            os.kill(bench.server.process.pid, signal.SIGSTOP)
            monkeypatch.setattr(server.master, "wait", 0.5)
            try:
                return reload()
            finally:
                monkeypatch.setattr(server.master, "wait", 20)
                os.kill(bench.server.process.pid, signal.SIGCONT)

        monkeypatch.setattr(server, "reload", stuck)
        outcome = bench.work(job, worker)
        assert (outcome.rolled_back, outcome.code) == (True, "reload_failed")
        assert "no new worker" in outcome.reason
        assert bench.state_of_files() == before
        assert bench.served_serial() == serial

    def test_a_configuration_that_does_not_pass_its_test_is_left_alone(self, bench):
        job = bench.install_job()
        config = bench.server.config
        good = config.read_bytes()
        config.write_bytes(good + b"    nonsense here\n")
        before = bench.state_of_files()
        outcome = bench.work(job)
        config.write_bytes(good)
        assert outcome.code == "config_broken"
        assert "nonsense" in outcome.reason
        assert {p: v for p, v in bench.state_of_files().items() if p != config} == {
            p: v for p, v in before.items() if p != config
        }

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b'    bind "${ADDRESS}:1"\n', "whose value only HAProxy knows"),
            (b"    bind 127.0.0.1:1 ssl crt www.pem surprise\n", "surprise is not known"),
            (b".if defined(X)\n.endif\n", "what .if decides"),
            (b"    bind 127.0.0.1:1-5\n", "no single port"),
            (b"    bind 127.0.0.1:1 ssl crt @store/x\n", "not a path"),
        ],
    )
    def test_what_is_not_understood_is_refused_with_its_line(self, bench, line, reason):
        config = bench.server.config
        good = config.read_bytes()
        try:
            config.write_bytes(good + line)
            with pytest.raises(Refused, match=reason) as caught:
                bench.worker().servers[0].sites()
            assert str(config) in str(caught.value)
        finally:
            config.write_bytes(good)

    def test_a_process_that_reads_other_files_is_not_reloaded(self, bench):
        worker = bench.worker()
        (server,) = worker.servers
        more = bench.folder / "haproxy" / "more.cfg"
        more.write_text("\n")
        site = bench.sites()[NAME]
        entry = {**bench.server.agent_entry(), "more_configs": [str(more)]}
        bench.settings = bench.write_settings([entry])
        outcome = bench.work(bench.install_job())
        assert (outcome.code, outcome.rolled_back) == ("config_unclear", False)
        assert "the running HAProxy reads" in outcome.reason
        more.unlink()
        assert server.plan(site, Material(bench.folder)).changes == ()

    def test_a_process_that_is_none_of_haproxys_gets_no_signal(self, bench, tmp_path):
        pid_file = tmp_path / "pid"
        pid_file.write_text(f"{os.getpid()}\n")
        bench.settings = bench.write_settings([{**bench.server.agent_entry(), "pid_file": str(pid_file)}])
        assert bench.work(bench.install_job()).code == "not_running"

    def test_files_that_belong_to_the_present_certificate_alone_are_named(self, bench):
        staple = bench.server.certificates / "www.pem.ocsp"
        staple.write_bytes(b"")
        try:
            assert "www.pem.ocsp" in bench.sites()[NAME].reason
        finally:
            staple.unlink()


@pytest.fixture
def folder_of_certificates():
    """A HAProxy whose bind reads a folder: one certificate with its key beside and DH parameters inside."""
    bench = FolderBench()
    yield bench
    bench.close()


class FolderBench(Bench):
    kind = "haproxy"

    def build(self):
        self.server = HAProxy(self.folder / "haproxy")
        certificates = self.folder / "haproxy" / "certs"
        self.server.prepare(f"127.0.0.1:{self.tls_port} ssl crt {certificates}")
        fullchain, key, _ = self.old_files(NAME)
        group = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]
        self.parameters = subprocess.run(group, capture_output=True, check=True).stdout
        assert b"DH PARAMETERS" in self.parameters
        (certificates / "www.pem").write_bytes(fullchain.read_bytes() + self.parameters)
        (certificates / "www.pem.key").write_bytes(key.read_bytes())
        self.server.start()


def test_a_key_beside_its_certificate_stays_beside_it(folder_of_certificates):
    bench = folder_of_certificates
    job = bench.install_job()
    outcome = bench.work(job)
    assert outcome.succeeded, outcome.reason
    assert bench.served_serial() == job["arguments"]["serial"]
    certificates = bench.server.certificates
    assert b"PRIVATE KEY" not in (certificates / "www.pem").read_bytes()
    assert (certificates / "www.pem").read_bytes().endswith(bench.parameters)
    assert b"PRIVATE KEY" in (certificates / "www.pem.key").read_bytes()
    assert sorted(path.name for path in certificates.iterdir()) == ["www.pem", "www.pem.key"]


def test_two_certificates_for_one_name_are_not_guessed(folder_of_certificates):
    bench = folder_of_certificates
    second = bench.server.certificates / "www2.pem"
    second.write_bytes((bench.server.certificates / "www.pem").read_bytes())
    assert "answer for the same name" in bench.sites()[NAME].reason
    outcome = bench.work(bench.install_job())
    assert (outcome.code, outcome.rolled_back) == ("site_not_writable", False)
