# SPDX-License-Identifier: Apache-2.0
"""A sweep by SYNs of its own sees what a sweep by connections sees; without the right to send them, it connects."""

import json

import pytest

from tests.support.private_network import run_alone
from tests.support.syn_lab import EXCLUDED, NET, SILENT


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return json.loads(run_alone("tests.support.syn_lab", str(tmp_path_factory.mktemp("syn"))))


def test_it_sees_what_connections_see(told):
    assert (told["by syn"], told["by connect"]) == (True, False)
    expected = {f"{NET}{octet}": "refused" for octet in range(16) if octet not in (1, 2, 9, 12)}
    expected |= {**told["certificates"], SILENT: "timeout", "::1": told["connect"]["::1"]}
    assert told["syn"] == told["connect"] == expected
    assert told["syn positions"] == told["connect positions"] == list(range(16))
    assert told["syn done"] == 16


def test_what_is_excluded_gets_no_packet(told):
    assert EXCLUDED not in told["dialled"]
    assert f"{NET}0" in told["dialled"]
    assert SILENT in told["dialled"]


def test_one_place_may_be_asked_for_by_several_names(told):
    assert told["two names at one place"] == {f"{NET}1": told["certificates"][f"{NET}1"]}


def test_it_stops_amid_the_silent(told):
    assert told["stopped"] == {"seen": 0, "done": 0}


def test_the_rate_holds_for_syns(told):
    assert told["rated"]["outcomes"] == ["refused"]
    assert told["rated"]["sent"] == 80
    assert told["rated"]["took"] >= (80 - 10) / 200  # a burst holds what a tick allows


def test_without_the_right_it_connects(tmp_path):
    told = json.loads(run_alone("tests.support.syn_lab", str(tmp_path), without_raw=True))
    assert told["by syn"] is False
    assert told["dialled"] is None
    assert told["syn"] == told["connect"]
    assert told["syn"][SILENT] == "timeout"
