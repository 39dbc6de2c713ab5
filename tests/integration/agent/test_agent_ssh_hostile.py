# SPDX-License-Identifier: Apache-2.0
"""Hostile words towards sshd, hostile jobs on a server, hostile servers, and a password's way (quality-bar S11)."""

import argparse
import base64
import itertools
import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
from certwright_agent.config import load_on_behalf
from certwright_agent.errors import AgentError
from certwright_agent.jobs import Worker
from certwright_agent.remote import commands, conversation, visit
from certwright_agent.remote.destination import destination
from certwright_agent.remote.host_key import HostKey
from certwright_agent.remote.keys import Keys
from certwright_agent.remote.register import Register

from services.installer.adapters.bundle import SourceBundle
from tests.support import agent_driver
from tests.support.remote_host import NAME, RemoteHost, program
from tests.support.sshd import PASSWORD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user, and lets sshd become it")
KEY = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def host():
    made = RemoteHost("nginx")
    try:
        yield made.start()
    finally:
        made.close()


def hostile_words(canary):
    """500 and more texts, each of which would touch the canary if a shell, an option parser or a format saw it."""
    touch = f"touch {canary}"
    seeds = [
        f"; {touch} ;", f"$({touch})", f"`{touch}`", f"| {touch}", f"&& {touch}", f"|| {touch}", f"& {touch} &",
        f"\n{touch}\n", f"\r\n{touch}\r\n", f"';{touch};'", f'";{touch};"', f"\\';{touch};\\'", f"<({touch})",
        f">{canary}", f">>{canary}", f"2>{canary}", f"-oProxyCommand={touch}",
        f"-oPermitLocalCommand=yes -oLocalCommand={touch}", f"-I{canary}", f"-w{touch}", f"-J;{touch}", f"-R{canary}:1",
        f"-E{canary}", f"-F{canary}", f"-D{canary}", f"-S{canary}", f"-W{canary}", "-oBatchMode=no", "--x=y",
        "-v -v", "*", "+", "^", "=",
        "?", "[a-z]*", "~", "~root", "../../../../etc/passwd", "/etc/passwd", f"../..{canary}",
        f"%s%n%x{canary}", "{a,b}",
        "a b", "a\tb", "a\x00b", "\x1b]0;x\x07", "\u202e" + canary, "\u0430dmin", "\uff1b" + touch, "\u2028" + touch,
        "e\u0301", "\U0001f9e8", "a" * 300, " ", "\x7f", "\u200b", f"user@{canary}", "x:y", "#", "!!", f"eval {touch}",
        f"__import__('os').system('{touch}')",
    ]  # fmt: skip
    dressed = (
        "{}",
        "a{}",
        "{}a",
        "www.example.test{}",
        "auto{}",
        "127.0.0.1{}",
        "{}.example.test",
        "a.{}.test",
        "/srv/{}",
    )
    words = dict.fromkeys(form.replace("{}", seed) for seed, form in itertools.product(seeds, dressed))
    return [word for word in words if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9.-]{0,31}", word)]


def add(host, said, **fields):
    arguments = argparse.Namespace(
        command="add", address="127.0.0.1", user=host.user.name, port=str(host.sshd.port), name="", sudo=False,
        yes=True, trust_first_contact=False,
    )  # fmt: skip
    vars(arguments).update(fields)
    settings = argparse.Namespace(state=host.state)
    commands.run(arguments, settings, say=said.append, ask=lambda _: pytest.fail("asked"))


def test_hostile_addresses_users_ports_and_fingerprints_start_nothing(host, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    words = hostile_words(str(canary))
    assert len(words) >= 500
    assert "canary" in str(words)
    (host.state / "token").write_text("T" * 40)
    (host.state / "token").chmod(0o600)
    fingerprint = host.sshd.fingerprint()
    started, before = [], (host.state / "servers.json").read_bytes()
    monkeypatch.setattr("subprocess.Popen", lambda argv, **_: started.append(argv) or pytest.fail(str(argv)))
    for word in words:
        for field in ("address", "user", "port", "fingerprint"):
            if field == "fingerprint" and not word:
                continue
            try:
                add(host, [], **{"fingerprint": fingerprint, field: word})
            except AgentError:
                continue
            pytest.fail(f"{field} {word!r} was taken")
    assert started == []
    assert (host.state / "servers.json").read_bytes() == before
    assert not canary.exists()


def test_hostile_names_of_servers_are_text_and_nothing_else(host, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    canary = tmp_path / "canary"
    key = host.entry.host_key
    taken = 0
    for number, word in enumerate(hostile_words(str(canary))):
        register = Register(tmp_path / "registers" / str(number // 40))
        (tmp_path / "registers" / str(number // 40)).mkdir(parents=True, exist_ok=True)
        try:
            register.add(destination(f"192.0.2.{number % 40 + 1}", "auto"), word, key)
            taken += 1
        except AgentError:
            continue
        (entry,) = [one for one in register.servers() if one.to.address == f"192.0.2.{number % 40 + 1}"]
        assert entry.name.isprintable()
        lines = register.known_hosts.read_text().splitlines()
        assert all(line.split(" ")[0].removeprefix("certwright-").isalnum() for line in lines)
        assert {tuple(line.split(" ")[1:]) for line in lines} == {(key.kind, key.blob)}
    assert taken
    assert not canary.exists()


def hostile_jobs(word):
    """One word in every field that a job has."""
    return [
        ("make_csr", {"names": [word], "common_name": word, "key_algorithm": word, "organization": {"name": word}}),
        ("make_csr", {"names": [NAME], "organization": dict.fromkeys(("country", "state", "locality", "name"), word)}),
        ("place_dcv_file", {"fqdn": NAME, "path": word, "content": "x"}),
        ("place_dcv_file", {"fqdn": word, "path": f".well-known/pki-validation/{word}.txt", "content": word}),
        ("remove_dcv_file", {"fqdn": NAME, "path": f".well-known/pki-validation/{'A' * 32}.txt{word}"}),
        ("place_acme_file", {"fqdn": NAME, "token": word, "content": word}),
        ("remove_acme_file", {"fqdn": word, "token": word}),
        ("install_certificate", {"web_server": word, "site_name": word, "serial": word, "spki_sha256": word,
            "certificate_pem": word, "chain_pem": word, "names": [word]}),
        ("save_certificate", {"common_name": word, "number": word, "certificate_pem": word, "chain_pem": word}),
        ("check_installation", {"web_server": "nginx", "site_name": word, "expected_serial": word}),
        (word, {"names": word}),
    ]  # fmt: skip


def outside(host):
    """Every file of the host's user outside the program's own state, with its content."""
    own = host.home / "state"
    places = [host.user.home, host.server.folder / "sites", host.server.folder / "www"]
    found = [path for place in places for path in place.rglob("*") if own not in path.parents]
    return {path: path.read_bytes() for path in found if path.is_file()}


def test_hostile_job_fields_travel_over_sshd_as_data(host, tmp_path, monkeypatch):
    canary = host.user.folder / "canary"
    host.work("report_sites")  # the program is there
    before, lines = outside(host), []
    real = conversation.Conversation
    monkeypatch.setattr(visit, "Conversation", lambda argv: lines.append(tuple(argv)) or real(argv))
    word = f"';touch {canary};$(touch {canary})`touch {canary}`\n-oProxyCommand=touch {canary}\u202e*"
    for kind, arguments in hostile_jobs(word)[1::2]:
        job = host.give(kind, **arguments)
        host.lane.round()
        outcome = host.outcome(job)
        if outcome.succeeded:  # an organization may be called what it likes: it is one field of the CSR
            assert kind == "make_csr"
            pytest.fail(f"{arguments} was done")
        assert outcome.reason
    assert len(set(lines)) == 1  # the job is in no argument
    assert "canary" not in str(lines)
    assert outside(host) == before
    assert not canary.exists()


def test_500_hostile_words_in_every_job_field_write_nothing_outside(host, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # thousands of outcomes that nobody needs after a power cut
    canary = host.user.folder / "canary"
    worker = Worker(load_on_behalf(_own_settings(host, tmp_path)))
    before = outside(host)
    for word in hostile_words(str(canary)):
        for kind, arguments in hostile_jobs(word):
            if kind == "make_csr" and arguments["names"] == [NAME]:
                continue  # makes a key each time that the words are fit for a subject
            job_id, outcome = worker.work(agent_driver.job(kind, **arguments), lambda _step: None)
            worker.outcomes.delivered(job_id)
            assert not outcome.succeeded, (kind, word)
    assert outside(host) == before
    assert not canary.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"agent.json", "state"}


def _own_settings(host, folder):
    settings = json.loads((host.home / "agent.json").read_text())
    settings["save_directory"] = str(folder / "saved")
    (folder / "agent.json").write_text(json.dumps(settings))
    return folder


# --- a server that somebody else took over: sshd runs their program, whatever we ask for


def say(*lines):
    """A program that says these lines and then listens."""
    encoded = base64.b64encode("\n".join([*lines, ""]).encode()).decode()
    return (
        "import base64, sys\nsys.stdin.buffer.readline()\n"
        f"sys.stdout.buffer.write(base64.b64decode('{encoded}'))\nsys.stdout.flush()\nsys.stdin.buffer.read()\n"
    )


READY = json.dumps({"program": "ready", "python": "3.11"})
END = json.dumps({"end": True})
# What the server says, and what is told of it.
HOSTILE_SERVERS = {
    "a line without an end": (
        "import sys\nfor _ in range(400): sys.stdout.write('x' * 65536)", "sends more than it may"
    ),
    "lines without an end": (
        f"import sys\nsys.stdin.readline()\nprint({READY!r})\nwhile True: print('{{}}' + ' ' * 60000)",
        "sends more than it may",
    ),
    "nonsense": (say("\x00\xff\x1b]0;owned\x07"), "not understood"),
    "deep": (say(READY, "[" * 100_000), "not understood"),
    "no object": (say(READY, "[]"), "not understood"),
    "an early end": (f"import sys\nsys.stdin.readline()\nprint({READY!r})", "ended in the middle"),
    "another program": (say('{"program": "\\u001b[2Jowned"}'), "not understood"),
    "a word for our terminal": (say(READY, '{"trouble": "$(reboot)\\u001b[2J"}'), "$(reboot) [2J"),
    "words of an error": ("import sys\nsys.stderr.write('\\x1b[2J---BEGIN PRIVATE KEY---')\nsys.exit(3)", "BEGIN …"),
}  # fmt: skip


def take_over(host, code):
    script = host.user.folder / f"theirs-{abs(hash(code))}.py"
    script.write_text(code)
    host.sshd.settings = f"ForceCommand python3 -I {script}\n"
    host.sshd.start()


@pytest.fixture
def free_again(host):
    host.said.clear()
    yield
    for job_id in host.handed.ids():
        host.handed.settle(job_id)
    host.sshd.settings = ""
    host.sshd.start()
    host.lane = host.new_lane()


@pytest.mark.parametrize("how", HOSTILE_SERVERS)
def test_a_hostile_server_is_only_not_connected(host, how, free_again, monkeypatch):
    monkeypatch.setattr(conversation, "TOTAL_LIMIT", 2**20)
    monkeypatch.setattr(conversation, "LINE_LIMIT", 2**19)
    code, told = HOSTILE_SERVERS[how]
    take_over(host, code)
    host.lane = host.new_lane()
    began = time.monotonic()
    job = host.give("report_sites")
    host.lane.round()
    assert host.report["state"] == "not_connected"
    assert told in host.report["detail"]
    assert host.report["detail"].isprintable()
    assert all(line.isprintable() for line in host.said)
    assert host.outcome(job) is None
    assert time.monotonic() - began < 60


def test_a_hostile_server_speaks_for_no_other_and_passes_no_key_on(host, free_again):
    theirs = host.give("make_csr", names=[NAME])
    others = agent_driver.job("install_certificate")
    host.handed.take("f" * 32, others)
    host.handed.sending(others["job_id"])
    done = {"succeeded": True, "result": {"served_serial": "AB", "site": "x"}, "evil": "x"}
    lie = {"succeeded": True, "result": {"csr_pem": KEY, "spki_sha256": "0" * 64, "more": KEY}}
    site = {
        "web_server": "nginx", "name": "x\u001b[2J", "names": ["x"], "document_root": "/", "config_path": "/",
        "writable": True, "reason": "", "secret": KEY,
        "bindings": [{"address": "*", "port": 443, "tls": True, "names": [], "certificate": None, "more": KEY}],
    }  # fmt: skip
    bad = {**site, "name": KEY}
    told = {"facts": {"version": "9\n", "os": KEY, "evil": 1}, "sites": [site, bad, 7, None], "problems": [KEY, 7]}
    words = [
        {"job_id": others["job_id"], "outcome": done},
        {"job_id": "../../../../tmp/x", "outcome": done},
        {"step": {"name": "a\u001b", "status": "done", "at": "never", "detail": KEY, "more": 1}},
        {"step": {"name": "b", "status": "done", "at": "never", "detail": "x" * 5000, "more": 1}},
        {"step": "x"},
        {"job_id": theirs["job_id"], "outcome": lie},
    ]
    take_over(host, say(READY, *(json.dumps(each) for each in words), END))
    host.steps.clear()
    host.lane = host.new_lane()
    host.lane.round()
    outcome = host.outcome(theirs)
    assert outcome is not None, host.said
    assert (outcome.succeeded, outcome.result, outcome.code) == (False, {}, "program_failed")
    assert host.outcomes.waiting() == {}  # nothing of the other server's job
    host.handed.settle(others["job_id"])
    ((_, step),) = host.steps
    assert set(step) == {"name", "status", "at", "detail"}
    assert (len(step["detail"]), step["at"][:2]) == (1000, "20")
    take_over(host, say(READY, json.dumps(told), END))
    host.lane = host.new_lane()
    host.lane.round()
    assert host.report["state"] == "connected"
    (kept,) = host.lane.sites
    assert kept["name"] == "x [2J"
    assert "secret" not in kept
    assert "PRIVATE KEY" not in f"{host.report} {host.lane.sites} {host.said}"


# --- the key pair and the password


class Watch:
    """Looks, while the block runs, for a text in every argument and environment of the machine and in small files."""

    def __init__(self, text, *places):
        self.text, self.places = text.encode(), places
        self.seen, self.rounds, self._over = [], 0, threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.is_set():
            proc = Path("/proc")
            found = [*proc.glob("[0-9]*/cmdline"), *proc.glob("[0-9]*/environ")]
            for place in self.places:
                found += [path for path in place.rglob("*") if path.is_file() and path.stat().st_size < 10_000]
            self.seen += [str(path) for path in found if self.text in self._content(path)]
            self.rounds += 1

    def _content(self, path):
        try:
            return path.read_bytes()
        except OSError:
            return b""


class KeyDesk:
    """`keys` on the command line of a fresh agent."""

    def __init__(self, host, state):
        self.host, self.state, self.asked, self.said = host, state, [], []
        state.mkdir()
        (state / "token").write_text("T" * 40)
        (state / "token").chmod(0o600)

    def do(self, password="", **fields):
        arguments = argparse.Namespace(
            command="keys", way="copy", address="127.0.0.1", user=self.host.user.name, port=str(self.host.sshd.port),
            fingerprint=self.host.sshd.fingerprint(), yes=False, trust_first_contact=False,
        )  # fmt: skip
        vars(arguments).update(fields)
        commands.run(
            arguments,
            argparse.Namespace(state=self.state),
            say=self.said.append,
            ask=lambda _: "no",
            ask_password=lambda prompt: self.asked.append(prompt) or password,
        )


def test_a_password_is_used_once_and_seen_nowhere(host, tmp_path):
    desk = KeyDesk(host, tmp_path / "fresh")
    with pytest.raises(AgentError, match="no key pair"):
        desk.do(PASSWORD)
    desk.do(way="make")
    public = desk.said[-1].split("\n")[1]
    authorized = host.user.home / ".ssh" / "authorized_keys"
    kept = authorized.read_text()
    with Watch(PASSWORD, desk.state, host.user.home) as watch:
        desk.do(PASSWORD)
        desk.do(PASSWORD)  # again: the line stands there once
    assert watch.rounds > 1
    assert watch.seen == []
    assert authorized.read_text() == f"{kept}{public}\n"
    assert PASSWORD not in "".join(desk.said + desk.asked)
    assert {path.name for path in (desk.state / "ssh").iterdir()} == {"id_agent", "id_agent.pub"}
    assert (desk.state / "ssh" / "id_agent").stat().st_mode & 0o777 == 0o600
    with pytest.raises(AgentError, match="was not copied") as refused:
        desk.do("not the password")
    assert "not the password" not in str(refused.value)
    authorized.write_text(kept)


def test_a_password_is_not_even_asked_for_on_a_host_that_is_not_known(host, tmp_path):
    desk = KeyDesk(host, tmp_path / "fresh")
    desk.do(way="make")
    with pytest.raises(AgentError, match="there is a key pair already"):
        desk.do(way="make")
    for reason, fields in (
        ("shows another host key", {"fingerprint": host.sshd.fingerprint("second")}),
        ("not accepted", {"fingerprint": None}),
        ("--yes needs", {"fingerprint": None, "yes": True}),
    ):
        with pytest.raises(AgentError, match=reason):
            desk.do(PASSWORD, **fields)
    assert desk.asked == []


def test_an_existing_pair_is_brought_if_it_has_no_passphrase(host, tmp_path):

    for name, passphrase in (("open", ""), ("locked", "secret words")):
        command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", passphrase, "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    keys = Keys(tmp_path / "state")
    for wrong in ("locked", "open.pub"):
        with pytest.raises(AgentError):
            keys.bring(tmp_path / wrong)
    assert keys.public() is None
    public = keys.bring(tmp_path / "open")
    assert public.split()[:2] == (tmp_path / "open.pub").read_text().split()[:2]
    with pytest.raises(AgentError, match="already"):
        keys.bring(tmp_path / "open")


def test_the_pinned_key_is_what_ssh_keygen_says(host):
    key = HostKey.read(" ".join((host.sshd.folder / "first.pub").read_text().split()[:2]))
    assert key.fingerprint == host.sshd.fingerprint() == host.entry.host_key.fingerprint
    assert SourceBundle().program == program()
