# SPDX-License-Identifier: Apache-2.0
"""The CA's process killed at each step of an issuance, on both issuers: one certificate, one order at the other CA."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict

import pytest

from tests.support.challenge_web import answering
from tests.support.dns import ProgrammableDNS
from tests.support.pebble import pebble

REACTION = ["ca/on_issuance_requested/before-commit", "ca/on_issuance_requested/after-commit"]
JOB = ["ca/job-sign/start", "ca/advance/Signed", "ca/record_signed/before-commit", "ca/record_signed/after-commit"]
UPSTREAM = [
    "ca/advance/OrderIntended",
    "ca/record_step/before-commit",
    "ca/record_step/after-commit",
    "ca/advance/OrderOpened",
    "ca/advance/ChallengesMade",
    "ca/advance/Wait",
]


def start(folder, name, server, **environment):
    command = [sys.executable, "-m", "tests.support.ca_worker", str(folder), json.dumps([name]), json.dumps(server)]
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(processes):
    """What each of them said, and how it ended: (status, its words, its errors)."""
    try:
        return [(process.communicate(timeout=120), process.returncode) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def killed_and_begun_again(tmp_path, places, server):
    """All places at once, each with a CA of its own. What the second life of each says, by place."""
    names = [f"h{number}.example.com" for number in range(len(places))]
    folders = [tmp_path / str(number) for number in range(len(places))]
    first = [
        start(folder, name, server, CERTWRIGHT_CRASH_AT=place, CERTWRIGHT_CRASH_MARK=f"{folder}.mark")
        for folder, name, place in zip(folders, names, places, strict=True)
    ]
    for place, ((_, errors), status) in zip(places, ended(first), strict=True):
        assert status == 137, (place, errors.decode()[-2000:])
    again = [start(*each, server, CA_WORKER_AHEAD_S="300") for each in zip(folders, names, strict=True)]
    said = {}
    for place, ((out, errors), status) in zip(places, ended(again), strict=True):
        assert status == 0, (place, errors.decode()[-2000:])
        said[place] = json.loads(out)
    return said


def test_the_built_in_ca(tmp_path):
    said = killed_and_begun_again(tmp_path, REACTION + JOB, None)
    for place, end in said.items():
        assert end["facts"] == ["IssuanceAccepted", "CertificateSigned"], place
    assert len({end["serial"] for end in said.values()}) == len(said)


@pytest.fixture
def dns():
    with ProgrammableDNS() as server:
        for number in range(20):
            server.set(f"h{number}.example.com", "A", ["127.0.0.1"])
        yield server


def test_another_ca(tmp_path, dns):
    """Every challenge is answered from the logs of all of them, as the gateway would."""
    folder = tmp_path / "pebble"
    places = JOB[1:] + UPSTREAM  # the reaction is the same on both
    with pebble(folder, nameserver=dns.nameserver, nonce_reject=5, sleep=False, authz_reuse=0) as server:
        described = asdict(server) | {"trust": str(server.trust), "nameserver": dns.nameserver}

        def content(token):
            return find_answer(tmp_path, len(places), token)

        with answering(server.http_port, content):
            for place, end in killed_and_begun_again(tmp_path, places, described).items():
                kinds = [kind for kind in end["facts"] if kind != "IssuanceDelayed"]
                assert kinds == [
                    "IssuanceAccepted", "UpstreamOrderIntended", "UpstreamOrderOpened", "ChallengesOpened",
                    "CertificateSigned",
                ], place  # fmt: skip
        assert server.orders() == len(places)
        assert server.certificates() == len(places)


def find_answer(tmp_path, rooms, token):
    for number in range(rooms):
        path = tmp_path / str(number) / "ca.sqlite3"
        if not path.exists():
            continue
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            found = connection.execute("SELECT content FROM challenge_answers WHERE token = ?", (token,)).fetchone()
        if found:
            return found[0]
    return None
