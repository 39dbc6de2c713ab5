# SPDX-License-Identifier: Apache-2.0
"""What needs no sshd: addresses, the register, jobs in hand, a lane with its failures, and the words of a stranger."""

import json
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from certwright_agent.errors import AgentError, Refused, StepFailed
from certwright_agent.outcome import Outcomes
from certwright_agent.remote import answers, program
from certwright_agent.remote.commands import from_guide
from certwright_agent.remote.conversation import Conversation
from certwright_agent.remote.destination import destination, display_name
from certwright_agent.remote.fleet import Fleet
from certwright_agent.remote.handed import Handed
from certwright_agent.remote.host_key import HostKey, check_fingerprint
from certwright_agent.remote.lane import Lane
from certwright_agent.remote.register import MOST_SERVERS, Register
from certwright_agent.remote.ssh import argv
from certwright_agent.remote.trouble import ServerTrouble
from certwright_agent.remote.visit import Seen
from hypothesis import given
from hypothesis import strategies as st

from tests.support import agent_driver

KEY = HostKey.read("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFZI/sF3rlu2mv8ZJlIzXjmRhrRY1IPxwTDRDvpYs3l")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("-----BEGIN PRIVATE KEY-----"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=20,
)
NAMES = (
    "name", "status", "at", "detail", "succeeded", "result", "reason", "code", "steps", "rolled_back", "version", "os",
    "hostname", "web_servers", "web_server", "names", "bindings", "document_root", "config_path", "writable",
    "findings",
)  # fmt: skip
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON))


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("Web-1.Example.Test", "web-1.example.test")],
)
def test_addresses_are_kept_in_one_form(given_address, kept):
    assert destination(given_address, "auto", "22").address == kept


@given(st.text())
def test_what_passes_as_an_address_or_a_user_is_plain(text):
    for field in (0, 1):
        try:
            to = destination(*[("a", text), (text, "a")][field])
        except Refused:
            continue
        for part in (to.address, to.user):
            assert part.isascii()
            assert part[0] not in "-."
            assert all(char.isalnum() or char in "._-:" for char in part)


@pytest.mark.parametrize("port", ["0", "65536", "22 ", "-1", "", "２２", "1e3", None])
def test_a_port_is_a_number(port):
    with pytest.raises(Refused):
        destination("a", "b", port)


def test_names_and_fingerprints():
    assert display_name("  Shop   front ", "x") == "Shop front"
    assert display_name("", "192.0.2.1") == "192.0.2.1"
    for wrong in ("x" * 101, "a\x1b[2J", "\u202eabc"):
        with pytest.raises(Refused):
            display_name(wrong, "x")
    assert check_fingerprint(KEY.fingerprint) == KEY.fingerprint
    for wrong in ("MD5:aa", KEY.fingerprint + "=", KEY.fingerprint[:-1]):
        with pytest.raises(Refused):
            check_fingerprint(wrong)
    for wrong in ("ssh-dss AAAA", "ssh-ed25519 x;y", "ssh-ed25519", KEY.text + " comment"):
        with pytest.raises(ValueError, match="not a host key"):
            HostKey.read(wrong)


def test_the_register_keeps_servers_and_writes_known_hosts(tmp_path):
    register = Register(tmp_path)
    assert (register.used, register.servers()) == (False, [])
    first = register.add(destination("192.0.2.1", "auto"), "one", KEY, sudo=True)
    assert Register(tmp_path).servers() == [first]
    assert register.known_hosts.read_text() == f"certwright-{first.ref} {KEY.text}\n"
    assert register.known_hosts.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="already"):
        register.add(destination("192.0.2.1", "auto"), "two", KEY)
    for number in range(2, MOST_SERVERS + 1):
        register.add(destination(f"192.0.2.{number}", "auto"), "", KEY)
    with pytest.raises(Refused, match="another agent"):
        register.add(destination("192.0.3.1", "auto"), "", KEY)
    assert register.remove(first.ref)
    assert not register.remove(first.ref)
    assert first.ref not in register.known_hosts.read_text()
    (tmp_path / "servers.json").write_text('[{"ref": "../x"}]')
    with pytest.raises(AgentError, match="damaged"):
        register.servers()


def test_ssh_gets_nobodys_configuration_and_the_destination_behind_two_hyphens(tmp_path):
    to = destination("192.0.2.1", "auto", 2222)
    line = argv(
        to, program.COMMAND, known_hosts=tmp_path / "k", alias="certwright-x", host_key=KEY, key=tmp_path / "id"
    )  # fmt: skip
    assert line[:3] == ["ssh", "-F", "none"]
    assert line[-3:] == ["--", "192.0.2.1", program.COMMAND]
    options = {line[place + 1] for place, part in enumerate(line) if part == "-o"}
    assert {
        "BatchMode=yes", "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes",
        "IdentityAgent=none", "ForwardAgent=no", "ClearAllForwardings=yes", "ProxyCommand=none",
        f"UserKnownHostsFile={tmp_path / 'k'}", "HostKeyAlias=certwright-x", "HostKeyAlgorithms=ssh-ed25519",
        f"IdentityFile={tmp_path / 'id'}", "ConnectTimeout=10", "PreferredAuthentications=publickey",
    } <= options  # fmt: skip
    assert not any(option.lower().startswith(("sendenv", "setenv", "localcommand")) for option in options)


def test_the_commands_are_constants_that_a_login_shell_leaves_alone():
    assert program.COMMAND.count("'") == 2
    assert "\\" not in program.COMMAND
    assert f"sudo -n -- {program.COMMAND}" == program.COMMAND_AS_ROOT


def test_the_guides_spelling_is_the_commands():
    assert from_guide(["-m", "add", "-ip", "1.2.3.4", "-u", "x"]) == (["add", "-ip", "1.2.3.4", "-u", "x"], True)
    assert from_guide(["add", "-ip", "1.2.3.4"]) == (["add", "-ip", "1.2.3.4"], False)
    assert from_guide(["-m", "run"]) == (["-m", "run"], False)
    assert from_guide(["-m"]) == (["-m"], False)


def talk(code):
    return Conversation([sys.executable, "-I", "-c", code])


def test_a_conversation_sends_much_and_hears_much_at_once():
    size = 3_000_000
    code = f"""
import json, sys
print(json.dumps({{"much": "x" * {size}}}), flush=True)
print(json.dumps({{"heard": len(sys.stdin.buffer.read({size}))}}), flush=True)
"""
    with talk(code) as heard:
        heard.send(b"y" * size)
        assert len(heard.line(30)["much"]) == size
        assert heard.line(30) == {"heard": size}
        assert heard.line(30) is None
        assert heard.ended()[0] == 0


def test_a_conversation_that_says_nothing_or_ends_is_told_apart():
    with talk("import time;time.sleep(60)") as heard, pytest.raises(StepFailed, match="said nothing"):
        heard.line(0.3)
    with talk("import sys;sys.stderr.write('why');sys.exit(7)") as heard:
        assert heard.line(10) is None
        assert heard.ended() == (7, "why")
    with pytest.raises(StepFailed, match="could not be started"):
        Conversation(["/nonexistent/ssh"])


@given(FIELDS | JSON)
def test_whatever_a_server_says_becomes_something_small_and_known_or_nothing(said):
    def clean(function):
        try:
            return function()
        except Refused:
            return None

    step = clean(lambda: answers.step(said))
    assert step is None or set(step) == {"name", "status", "at", "detail"}
    for kind in ("make_csr", "install_certificate", "check_installation", "save_certificate", "report_sites", "x"):
        outcome = answers.outcome(said, kind)
        assert "PRIVATE KEY" not in str(outcome)
    facts = clean(lambda: answers.facts(said))
    assert facts is None or set(facts) == {"version", "os", "hostname", "web_servers"}
    for each in answers.sites([said]):
        assert "PRIVATE KEY" not in str(each)


class Visits:
    """A visitor that plays what it was told: an exception, or outcomes by job."""

    def __init__(self):
        self.next, self.sent = [], []

    def visit(self, server, *, look, job=None, begin=None, tell=None, keep=None):
        doing = self.next.pop(0) if self.next else Seen()
        if isinstance(doing, ServerTrouble):
            raise doing
        if job is not None:
            begin()
            self.sent.append(job["job_id"])
        if isinstance(doing, Exception):
            raise doing
        if job is not None and not doing.busy:
            keep(job["job_id"], {"succeeded": True, "result": {"path": "/x"}})
        return doing


@pytest.fixture
def lane(tmp_path):
    server = Register(tmp_path).add(destination("192.0.2.1", "auto"), "shop", KEY)
    visits, handed, outcomes = Visits(), Handed(tmp_path), Outcomes(tmp_path / "outcomes")
    made = Lane(
        server, visits, handed, outcomes, tell=lambda *_: None, news=threading.Event(), say=lambda _: None
    )  # fmt: skip
    made.visits, made.handed, made.outcomes = visits, handed, outcomes
    return made


def give(lane, **changes):
    job = {**agent_driver.job("save_certificate"), **changes}
    lane.handed.take(lane.server.ref, job)
    return job["job_id"]


def soon(**delta):
    return (datetime.now(UTC) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_job_in_doubt_is_asked_for_until_the_server_says_what_became_of_it(lane):
    job = give(lane)
    lane.visits.next = [StepFailed("the connection ended in the middle"), ServerTrouble("not_connected", "away"),
        ServerTrouble("keys_missing", "no"), Seen(busy=True)]  # fmt: skip
    for _ in range(4):
        lane.round()
        assert lane.outcomes.waiting() == {}
        assert lane.handed.ids() == [job]
    lane.round()
    assert lane.outcomes.waiting()[job].succeeded
    assert lane.handed.ids() == []
    assert lane.report()["state"] == "connected"


@pytest.mark.parametrize("state", ["keys_missing", "outdated", "host_key_changed"])
def test_a_job_that_was_never_sent_ends_with_what_a_person_must_do(lane, state):
    job = give(lane)
    lane.visits.next = [ServerTrouble(state, "why", "SHA256:" + "x" * 43)]
    lane.round()
    ended = lane.outcomes.waiting()[job]
    assert (ended.succeeded, ended.code) == (False, f"server_{state}")
    assert "why" in ended.reason
    assert lane.report()["host_key_seen"] == "SHA256:" + "x" * 43


def test_a_job_for_a_server_that_is_only_silent_waits_until_its_time_is_over(lane):
    job = give(lane)
    lane.visits.next = [ServerTrouble("not_connected", "away")] * 2
    lane.round()
    assert lane.outcomes.waiting() == {}
    late = give(lane, expires_at=soon(seconds=-1))
    lane.handed.settle(job)
    lane.round()
    assert lane.outcomes.waiting()[late].code == "server_not_connected"
    assert lane.visits.sent == []


def test_an_outcome_of_another_servers_job_is_nobodys(lane):
    other = agent_driver.job("save_certificate")
    lane.handed.take("f" * 32, other)
    lane.handed.sending(other["job_id"])
    assert not lane._keep(other["job_id"], {"succeeded": True})  # so that the server keeps it for whoever asked
    unsent = give(lane)
    assert not lane._keep(unsent, {"succeeded": True})
    assert not lane._keep("../../x", {"succeeded": True})
    assert lane.outcomes.waiting() == {}
    assert sorted(lane.handed.ids()) == sorted([unsent, other["job_id"]])


class Told:
    """A gateway that keeps what it is told."""

    def __init__(self, forget=()):
        self.sent, self.forget = [], list(forget)

    def send(self, method, path, body, *, timeout=None):
        self.sent.append((method, path, json.loads(json.dumps(body))))
        return {"forget": self.forget}


def test_an_agent_without_servers_says_nothing_of_them(tmp_path):
    gateway = Told()
    fleet = Fleet(tmp_path, gateway, Outcomes(tmp_path / "outcomes"), lambda _: None)
    fleet.refresh()
    fleet.tell()
    assert (gateway.sent, fleet.held()) == ([], [])
    with pytest.raises(Refused):
        fleet.take("f" * 32, {"job_id": "../../../tmp/x"})


def test_a_damaged_register_or_another_way_of_starting_stops_only_the_servers(tmp_path, monkeypatch):
    said, gateway = [], Told()
    fleet = Fleet(tmp_path, gateway, Outcomes(tmp_path / "outcomes"), said.append)
    register = Register(tmp_path)
    register.add(destination("192.0.2.1", "auto"), "shop", KEY)
    for _ in range(2):  # this is pytest, not the agent's one file
        fleet.refresh()
        fleet.tell()
    (tmp_path / "servers.json").write_text("{")
    for _ in range(2):
        fleet.refresh()
        fleet.tell()
    assert ["one file" in said[0], "damaged" in said[1]] == [True, True]
    assert (len(said), gateway.sent) == (2, [])


def test_a_server_that_was_removed_in_the_console_is_forgotten_with_its_jobs(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "own", lambda: b"program")
    monkeypatch.setattr("certwright_agent.remote.fleet.Visitor", lambda *_: Visits())
    register = Register(tmp_path)
    server = register.add(destination("192.0.2.1", "auto"), "shop", KEY)
    gateway, outcomes = Told(), Outcomes(tmp_path / "outcomes")
    fleet = Fleet(tmp_path, gateway, outcomes, lambda _: None)
    fleet.refresh()
    job = agent_driver.job("save_certificate")
    fleet.take(server.ref, job)
    fleet.take(server.ref, job)
    assert fleet.held() == [job["job_id"]]
    fleet.tell()
    assert gateway.sent[0][1] == "/servers"
    assert gateway.sent[0][2]["servers"][0]["ref"] == server.ref
    fleet.tell()
    assert len(gateway.sent) == 1  # nothing is new
    gateway.forget = [server.ref, "f" * 32, 7]
    fleet.settle()
    monkeypatch.setattr("certwright_agent.remote.fleet._TELL_EVERY", -1.0)
    fleet.tell()
    fleet.refresh()
    assert (register.servers(), fleet.held()) == ([], [])
    gone = agent_driver.job("save_certificate")
    fleet.take(server.ref, gone)
    assert outcomes.waiting()[gone["job_id"]].code == "server_gone"
