# SPDX-License-Identifier: Apache-2.0
"""Installing where the host's own settings name the files, a test, a reload, and the bindings to look at."""

import sys

from tests.support import agent_driver
from tests.support.in_place import InPlaceQuickly
from tests.support.placed_bench import NAME, OTHER


class TestNamedFiles(InPlaceQuickly):
    kind = "files"

    def test_a_reload_that_does_nothing_is_found_out_and_one_that_fails_too(self, bench):
        before, serial = bench.state_of_files(), bench.served_serial()
        for argv, reason, code in (
            ([sys.executable, "-c", ""], "is not served", "restore_ok"),
            ([sys.executable, "-c", "import sys; sys.exit('not today')"], "not today", "restore_failed"),
        ):
            entries = bench.entries()
            entries[0]["reload"] = argv
            bench.settings = bench.write_settings(entries, verify_seconds=1)
            outcome = bench.work(bench.install_job())
            assert not outcome.succeeded
            assert reason in outcome.reason
            assert outcome.rolled_back == (code == "restore_ok")
            assert bench.state_of_files() == before
            assert bench.served_serial() == serial
        # The reload that failed left its record; with one that works the agent ends what it began.
        bench.settings = bench.write_settings()
        assert len(bench.journal()) == 1
        bench.worker().recover()
        assert bench.journal() == []

    def test_a_test_that_fails_refuses(self, bench):
        entries = bench.entries()
        entries[0]["test"] = [sys.executable, "-c", "import sys; sys.exit('broken since yesterday')"]
        bench.settings = bench.write_settings(entries)
        before = bench.state_of_files()
        outcome = bench.work(bench.install_job())
        assert outcome.code == "config_broken"
        assert "broken since yesterday" in outcome.reason
        assert bench.state_of_files() == before

    def test_a_file_that_is_not_there_yet_is_made_and_goes_again(self, bench):
        chain = bench.folder / "files" / "tls" / "chain.pem"
        reload = bench.entries()[0]["reload"]
        entries = bench.entries()
        entries[0] |= {"chain": str(chain), "reload": [sys.executable, "-c", ""]}
        bench.settings = bench.write_settings(entries, verify_seconds=1)
        before = bench.state_of_files()
        outcome = bench.work(bench.install_job())
        assert outcome.rolled_back
        assert bench.state_of_files() == before
        entries[0]["reload"] = reload
        bench.settings = bench.write_settings(entries)
        outcome = bench.work(bench.install_job())
        assert outcome.succeeded, outcome.reason
        assert chain.read_text() == bench.ca.chain_pem
        assert chain.stat().st_mode & 0o777 == 0o644
        chain.unlink()

    def test_the_gateway_sets_nothing_of_an_entry(self, bench, tmp_path):
        mark = tmp_path / "ran"
        hostile = {
            "reload": [sys.executable, "-c", f"open({str(mark)!r}, 'w')"],
            "test": ["/bin/touch", str(mark)],
            "fullchain": str(tmp_path / "x"),
            "paths": {"key": str(tmp_path / "x")},
            "probes": [],
        }
        job = bench.install_job(OTHER, **hostile)
        assert bench.work(job).succeeded
        assert list(tmp_path.iterdir()) == []
        for name in (f"{NAME}; touch {mark}", "../shop", "shop/../shop", "unknown"):
            outcome = bench.work(bench.install_job(OTHER, site_name=name))
            assert not outcome.succeeded
        assert list(tmp_path.iterdir()) == []

    def test_a_server_that_is_down_is_told(self, bench):
        bench.server.stop()
        try:
            assert bench.work(bench.install_job()).code == "not_running"
            site = {"web_server": "files", "site_name": bench.site_name(NAME)}
            looked = bench.work(agent_driver.job("check_installation", **site, expected_serial="ABC"))
            assert looked.result["bindings"][0]["failure"] == "refused"
        finally:
            bench.server.start()
