# SPDX-License-Identifier: Apache-2.0
"""The agent as a program: enrolment over TLS with a pinned CA, work, outcomes that survive a gateway that is away."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from certwright_agent.enrolment import Credential, Talk, code_hash, enroll
from certwright_agent.errors import AgentError, GatewayError
from certwright_agent.gateway import Gateway

from services.installer.adapters.bundle import SourceBundle
from tests.support import agent_gateway
from tests.support.agent_driver import job
from tests.support.small_ca import SmallCA

FACTS = {"version": "0", "os": "x", "hostname": "h", "web_servers": []}
UID = "0" * 32


@pytest.fixture
def gateway():
    with agent_gateway.running() as made:
        yield made


@pytest.fixture
def installed(tmp_path, gateway):
    """The downloaded zip, unpacked and pointed to the gateway."""
    import io
    import zipfile

    zipfile.ZipFile(io.BytesIO(SourceBundle().build(UID, gateway.url))).extractall(tmp_path)
    settings = json.loads((tmp_path / "agent.json").read_text())
    settings |= {"web_servers": [], "save_directory": str(tmp_path / "saved"), "poll_seconds": 0.1}
    (tmp_path / "agent.json").write_text(json.dumps(settings))
    return tmp_path


def start(folder, *arguments, python=sys.executable):
    return subprocess.Popen(
        [python, "-I", str(folder / "certwright-agent.pyz"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def confirm(gateway, process):
    """Types the code, as the customer would."""
    line = process.stdout.readline()
    gateway.verified.add(code_hash(line.rpartition(": ")[2].strip()))
    return line


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pythons():
    """This Python, and a 3.9 where there is one: the oldest that the agent promises to run on."""
    candidates = [shutil.which("python3.9"), *Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9")]
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return [sys.executable, str(candidate)]
    return [sys.executable]


@pytest.mark.parametrize("python", pythons())
def test_the_shipped_file_enrols_works_and_stops_in_order(installed, gateway, python):
    process = start(installed, "run", "--yes", python=python)
    confirm(gateway, process)
    work = job("make_csr", names=["a.test"], common_name="a.test")
    gateway.jobs.append(work)
    wait_for(lambda: work["job_id"] in gateway.outcomes)
    process.terminate()
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 0, said
    outcome = gateway.outcomes[work["job_id"]]
    assert outcome["succeeded"]
    token = installed / "state" / "token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text() not in said
    sent = json.dumps([body for _, _, _, body in gateway.requests])
    assert "PRIVATE KEY" not in sent
    assert all(bearer == "T" * 40 for _, path, bearer, _ in gateway.requests if "/jobs" in path or "/sites" in path)


def test_an_outcome_waits_until_the_gateway_takes_it(installed, gateway):
    (installed / "state").mkdir(mode=0o700)
    Credential(installed / "state").keep("T" * 40)
    work = job("make_csr", names=["a.test"], common_name="a.test")
    gateway.jobs.append(work)
    taken = gateway.answer
    gateway.answer = lambda m, path, t, b: (503, {"detail": "away"}) if "/finish" in path else taken(m, path, t, b)
    process = start(installed, "once")
    assert "away" in process.communicate(timeout=60)[0]
    assert process.returncode == 1
    gateway.answer = taken
    process = start(installed, "once")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert gateway.outcomes[work["job_id"]]["succeeded"]
    assert list((installed / "state" / "outcomes").iterdir()) == []


def test_two_agents_on_one_folder_are_one_too_many(installed, gateway):
    (installed / "state").mkdir(mode=0o700)
    Credential(installed / "state").keep("T" * 40)
    first = start(installed, "run")
    wait_for(lambda: gateway.requests)
    second = start(installed, "once")
    assert "another agent is running" in second.communicate(timeout=20)[0]
    first.terminate()
    first.communicate(timeout=20)


def test_an_agent_that_was_removed_says_so_and_ends(installed, gateway):
    (installed / "state").mkdir(mode=0o700)
    Credential(installed / "state").keep("no longer good")
    process = start(installed, "run")
    assert "was removed" in process.communicate(timeout=20)[0]
    assert process.returncode == 1


def test_a_token_that_others_can_read_is_not_used(tmp_path):
    credential = Credential(tmp_path)
    credential.keep("x")
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(AgentError, match="others"):
        credential.read()


@pytest.mark.parametrize(
    "raw",
    [
        (200, b"<html>"), (200, b"[]"), (200, b"\xff"), (500, b"{"), (302, b"{}"), (200, b"5" * 5_000_000),
        (200, b"[" * 100_000),
    ],
    ids=["html", "list", "binary", "broken", "redirect", "huge", "deep"],
)  # fmt: skip
def test_nonsense_from_the_gateway_is_an_error_and_nothing_else(gateway, raw):
    gateway.raw = raw
    with pytest.raises(GatewayError):
        Gateway(gateway.url, None).send("POST", "/jobs/claim", {})


@pytest.mark.parametrize("work", [None, {}, {"jobs": 5}, {"jobs": [5, None, {"job_id": "../x"}, {}]}])
def test_nonsense_instead_of_jobs_is_passed_over(installed, gateway, work):
    (installed / "state").mkdir(mode=0o700)
    Credential(installed / "state").keep("T" * 40)
    answers = [work, {"jobs": []}, {"jobs": []}]
    taken = gateway.answer
    gateway.answer = lambda m, path, t, b: (200, answers.pop(0) or {}) if "claim" in path else taken(m, path, t, b)
    process = start(installed, "once")
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 0, said


def test_only_the_pinned_ca_vouches_for_the_gateway(tmp_path):
    ca, other = SmallCA("Ours"), SmallCA("Other")
    chain, key, _ = ca.key_pair(tmp_path, ["localhost"])
    (tmp_path / "ours.pem").write_text(ca.root_pem)
    (tmp_path / "other.pem").write_text(other.root_pem)
    with agent_gateway.running((chain, key)) as gateway:
        good = Gateway(gateway.url, tmp_path / "ours.pem")
        assert good.send("POST", "/introduce", {"code_sha256": "x"})["state"] == "waiting"
        with pytest.raises(GatewayError, match="pinned CA"):
            Gateway(gateway.url, tmp_path / "other.pem").send("POST", "/introduce", {})
        with pytest.raises(GatewayError, match="pinned CA"):
            Gateway(gateway.url.replace("localhost", "127.0.0.1"), tmp_path / "ours.pem").send("POST", "/x", {})


def test_the_code_leaves_the_host_only_as_its_hash_and_the_person_has_the_last_word(gateway):
    said = []
    talk = Talk(say=said.append, ask=lambda _: "n", sleep=lambda _: None)

    def type_it(text):
        said.append(text)
        gateway.verified.add(code_hash(text.partition(": ")[2].partition("\n")[0]))

    talk.say = type_it
    with pytest.raises(AgentError, match="not finished"):
        enroll(Gateway(gateway.url, None), UID, FACTS, talk, poll_seconds=0, yes=False)
    code = said[0].partition(": ")[2].partition("\n")[0]
    assert code.replace("-", "") not in json.dumps(gateway.requests).replace("-", "")
    assert not any(path.endswith("/finish") for _, path, _, _ in gateway.requests)
