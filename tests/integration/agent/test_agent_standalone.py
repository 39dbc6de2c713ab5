# SPDX-License-Identifier: Apache-2.0
"""The agent as a tool of its own, on a real nginx and Apache: no gateway, no enrolment, the same safe installation."""

import io
import json
import subprocess
import sys
import zipfile

import pytest

from services.installer.adapters.bundle import SourceBundle
from services.installer.model.builds import UTILITY
from tests.support.agent_driver import killed_while

NAME = "www.example.test"


class Utility:
    """The download, unpacked beside settings that name the private web server."""

    def __init__(self, bench):
        self.bench, self.home = bench, bench.home
        zipfile.ZipFile(io.BytesIO(SourceBundle().build("", "", UTILITY))).extractall(self.home)
        settings = json.loads(bench.settings.read_text())
        del settings["gateway"], settings["uid"]
        bench.settings.write_text(json.dumps(settings))

    def __call__(self, *words):
        done = subprocess.run(
            [sys.executable, "-I", str(self.home / "certwright-agent.pyz"), "standalone", *words],
            capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def as_json(self, *words):
        code, out, err = self(*words, "--json")
        assert err == ""
        return code, json.loads(out)

    def signed(self, *names):
        """A CSR made here, signed by the CA: files of leaf and chain."""
        code, made = self.as_json("csr", *(names or (NAME,)))
        assert code == 0
        pem, serial = self.bench.ca.sign_csr(made["csr_pem"])
        leaf, chain = self.home / f"{serial}.pem", self.home / "chain.pem"
        leaf.write_text(pem)
        chain.write_text(self.bench.ca.chain_pem)
        return leaf, chain, serial


@pytest.fixture
def utility(bench):
    return Utility(bench.start(tls=True))


def test_from_the_key_to_the_wire_and_back(utility):
    bench = utility.bench
    before = bench.files()
    code, found = utility.as_json("sites")
    (site,) = [one for one in found["sites"] if one["name"] == NAME]
    assert (code, site["web_server"], site["writable"], found["problems"]) == (0, bench.kind, True, [])
    code, out, _ = utility("sites")
    assert (code, NAME in out, f"serial {bench.old_serial}" in out) == (0, True, True)

    leaf, chain, serial = utility.signed()
    assert utility("check", NAME)[0] == 0  # what the configuration names is served
    assert utility("check", NAME, "--certificate", str(leaf))[0] == 1
    code, out, err = utility("install", NAME, "--certificate", str(leaf), "--chain", str(chain))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"Installed on {NAME}: serial {serial} is served."
    assert bench.served_serial() == serial
    code, seen = utility.as_json("check", NAME, "--certificate", str(leaf))
    assert (code, seen["correct"], seen["bindings"][0]["served"]["serial"]) == (0, True, serial)
    assert utility("check", NAME)[0] == 0
    assert list((utility.home / "state" / "outcomes").iterdir()) == []

    code, listed = utility.as_json("rollback")
    assert (code, [one["serial"] for one in listed]) == (0, [serial])
    assert utility("rollback", NAME)[0] == 0
    assert bench.served_serial() == bench.old_serial
    assert bench.files() == before


def test_a_renewal_takes_a_file_that_holds_leaf_and_chain(utility):
    serials = []
    for _ in range(2):
        leaf, chain, serial = utility.signed()
        leaf.write_text(leaf.read_text() + chain.read_text())
        code, told = utility.as_json("install", NAME, "--certificate", str(leaf))
        assert (code, told["succeeded"], told["served_serial"]) == (0, True, serial)
        assert [step["name"] for step in told["steps"]][-1] == "verify"
        serials.append(serial)
    assert utility.bench.served_serial() == serials[1] != serials[0]


def test_what_cannot_be_installed_changes_nothing_and_says_why(utility, tmp_path):
    bench = utility.bench
    before = bench.files()
    leaf, chain, _ = utility.signed()
    other, _, _ = utility.signed("other.example.test")
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    foreign = tmp_path / "foreign.pem"
    foreign.write_text(bench.ca.key_pair(tmp_path, [NAME])[0].read_text())  # its key was not made here
    for given, code_word, reason in (
        (("install", "no.such.site", "--certificate", leaf, "--chain", chain), "site_gone", "no site"),
        (("install", NAME, "--certificate", leaf), "chain_misfit", "without its chain"),
        (("install", NAME, "--certificate", other, "--chain", chain), "certificate_misfit", "not for"),
        (("install", NAME, "--certificate", foreign), "key_missing", "not on this host"),
        (("install", NAME, "--certificate", nothing), "", "something else"),
        (("install", NAME, "--certificate", tmp_path / "none.pem"), "", "is not a file"),
        (("install", NAME, "--certificate", "/dev/zero"), "", "is not a file"),
        (("install", NAME, "--web-server", "tomcat", "--certificate", leaf), "site_gone", "no site"),
        (("csr", "not a name"), "", "not a domain name"),
        (("csr", NAME, NAME), "", "twice"),
    ):
        words = tuple(map(str, given))
        code, told = utility.as_json(*words)
        assert (code, told["succeeded"], told["code"]) == (1, False, code_word), told
        assert reason in told["reason"]
        code, out, err = utility(*words)
        assert (code, out) == (1, "")
        assert reason in err
    assert utility("install", NAME)[0] == 2  # wrong use
    assert bench.files() == before
    assert bench.served_serial() == bench.old_serial


def test_a_reload_that_does_not_bring_the_certificate_ends_in_the_old_state(utility):
    bench = utility.bench
    leaf, chain, _ = utility.signed()
    settings = json.loads(bench.settings.read_text())
    reloads = bench.folder / "no-reload"
    binary = settings["web_servers"][0]["binary"]
    word = "reload" if bench.kind == "nginx" else "graceful"
    reloads.write_text(f'#!/bin/sh\ncase "$*" in *{word}*) exit 0;; esac\nexec {binary} "$@"\n')
    reloads.chmod(0o755)
    settings["web_servers"][0]["binary"] = str(reloads)
    settings["verify_seconds"] = 1
    bench.settings.write_text(json.dumps(settings))
    before = bench.files()
    code, told = utility.as_json("install", NAME, "--certificate", str(leaf), "--chain", str(chain))
    assert (code, told["succeeded"], told["rolled_back"], told["code"]) == (1, False, True, "not_served")
    assert bench.files() == before
    assert bench.served_serial() == bench.old_serial


def test_what_was_cut_off_is_ended_by_the_next_call(utility):
    bench = utility.bench
    before = bench.files()
    leaf, chain, serial = utility.signed()

    def install():
        from certwright_agent.cli import main

        main(["--config", str(bench.settings), "standalone", "install", NAME,
              "--certificate", str(leaf), "--chain", str(chain)])  # fmt: skip

    assert killed_while(install, "written/done")
    assert [entry["phase"] for entry in bench.journal()] == ["linked"]
    code, _, _ = utility("install", NAME, "--certificate", str(leaf), "--chain", str(chain))
    assert code == 0
    assert bench.served_serial() == serial
    assert bench.journal() == []
    assert utility("rollback", NAME)[0] == 0
    assert bench.files() == before


def test_private_keys_stay_in_the_state_folder(utility):
    said = []
    leaf, chain, _ = utility.signed()
    for words in (("csr", NAME), ("install", NAME, "--certificate", str(leaf), "--chain", str(chain), "--json"),
                  ("sites", "--json"), ("check", NAME, "--json")):  # fmt: skip
        said += utility(*words)[1:]
    assert "PRIVATE KEY" not in "".join(said)
    keys = [p for p in utility.home.rglob("*") if p.is_file() and b"PRIVATE KEY-----" in p.read_bytes()]
    keys = [path for path in keys if path.suffix != ".pyz"]
    assert keys
    for path in keys:
        assert (utility.home / "state") in path.parents
        assert path.stat().st_mode & 0o077 == 0
