# SPDX-License-Identifier: Apache-2.0
"""Installing on a real Tomcat: PEM files and keystores get new content, `sslReload` takes them up, nothing restarts."""

import pytest
from certwright_agent.webservers import tomcat_keystore
from certwright_agent.webservers.tomcat_manager import Manager

from tests.support.in_place import InPlace
from tests.support.placed_bench import NAME, OTHER


class TestTomcat(InPlace):
    kind = "tomcat"

    def test_server_xml_is_never_touched_and_tomcat_never_restarted(self, bench):
        before, pid = bench.server.config.read_bytes(), bench.server.process.pid
        assert bench.work(bench.install_job(OTHER)).succeeded
        assert bench.server.config.read_bytes() == before
        assert (bench.server.process.pid, bench.server.process.poll()) == (pid, None)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"manager_user": None, "manager_password_file": None}, "has no user of Tomcat's manager"),
            ({"manager_user": "somebody"}, "says 401: it does not know the user"),
            ({"manager_url": "http://127.0.0.1:1/manager/text"}, "does not answer"),
            ({"manager_url": "/nothing/text"}, "says 404: the manager application is not there"),
        ],
    )
    def test_without_the_manager_nothing_is_changed(self, bench, change, reason):
        entry = {**bench.server.agent_entry(), **change}
        entry = {name: value for name, value in entry.items() if value is not None}
        if entry["manager_url"].startswith("/"):
            entry["manager_url"] = f"http://127.0.0.1:{bench.port}{entry['manager_url']}"
        bench.settings = bench.write_settings([entry])
        before = bench.state_of_files()
        outcome = bench.work(bench.install_job())
        assert reason in outcome.reason
        assert not outcome.rolled_back
        assert outcome.code in ("no_manager", "site_not_writable")
        assert bench.state_of_files() == before

    def test_a_password_file_that_others_can_read_is_refused(self, bench):
        bench.server.password_file.chmod(0o644)
        try:
            assert "chmod 600" in bench.sites()[NAME].reason
        finally:
            bench.server.password_file.chmod(0o600)

    def test_the_manager_refuses_what_it_does_not_know(self, bench):
        entry = bench.server.agent_entry()
        manager = Manager(entry["manager_url"], entry["manager_user"], bench.server.password_file)
        with pytest.raises(Exception, match="FAIL"):
            manager.ask("sslReload", tlsHostName="nowhere.example.test")

    def test_a_keystore_keeps_its_alias_and_its_password(self, bench):
        keystore = bench.server.certificates / "shop.p12"
        job = bench.install_job(OTHER)
        assert bench.work(job).succeeded
        held = tomcat_keystore.inspect(keystore, bench.password)
        assert held.alias == "shop"
        assert held.leaf_pem.strip() == job["arguments"]["certificate_pem"].strip()

    def test_the_host_for_any_other_name_is_asked_without_one(self, bench):
        name = f"_ 127.0.0.1:{bench.tls_port}"
        assert name in bench.sites()
        others = [bench.served_serial(other) for other in (NAME, OTHER)]
        job = bench.install_job("rest.example.test", site_name=name)
        outcome = bench.work(job)
        assert outcome.succeeded, outcome.reason
        for asked in ("unknown.example.test", None):
            assert bench.served_serial(asked) == job["arguments"]["serial"]
        assert [bench.served_serial(other) for other in (NAME, OTHER)] == others

    def test_a_host_without_tls_is_told_what_it_takes(self, bench):
        site = bench.sites()["localhost"]
        assert "restart Tomcat" in site.reason
        outcome = bench.work(bench.install_job(site_name="localhost"))
        assert outcome.code in ("site_not_writable", "certificate_misfit")

    def test_a_broken_server_xml_is_left_alone(self, bench):
        good = bench.server.config.read_bytes()
        job = bench.install_job()
        bench.server.config.write_bytes(good.replace(b"</Service>", b""))
        try:
            outcome = bench.work(job)
            assert outcome.code == "config_broken"
            assert "not well-formed" in outcome.reason
        finally:
            bench.server.config.write_bytes(good)
