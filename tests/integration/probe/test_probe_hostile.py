# SPDX-License-Identifier: Apache-2.0
"""Hostile servers: garbage, half records, endless certificates, a byte now and then, wrong lengths. A survey and a
sweep end within their limits, in bounded memory, each with its reason."""

import tracemalloc

import pytest

from certwright.servers.process import free_port
from shared.probe.loop import Limits
from shared.probe.outcome import Failed, Failure
from shared.probe.surveying.surveyor import SurveyLimits, survey
from shared.probe.sweep import Sweep
from shared.probe.targets import Endpoint
from tests.support.odd_listeners import address, listening

# These say a whole ServerHello: a survey learns something, and has to end all the same.
HALF_SPOKEN = [34, 37, 38, 39, 40, 41, 53, 54, 56]
HOSTILE = [at for at in (*range(30, 43), *range(50, 57)) if at not in HALF_SPOKEN]
SHORT = SurveyLimits(connect_s=1, talk_s=0.5, basic_s=2, advanced_s=4)
REASONS = {failure.value for failure in Failure}
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with listening(tmp_path_factory.mktemp("hostile"), free_port()) as running:
        yield running


@pytest.fixture
def memory():
    """The most that was held since the test began, in bytes. The servers run in this process, too."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def look(lab, at, depth):
    return survey(
        address(at), lab.port, server_name="a.example.test", starttls=lab.starttls.get(address(at), ""), depth=depth,
        limits=SHORT,
    )  # fmt: skip


@pytest.mark.parametrize("at", HOSTILE)
def test_a_survey_of_a_hostile_server_ends_with_a_reason(lab, memory, at):
    found = look(lab, at, "advanced")
    assert found.failure in REASONS, found.failure
    assert found.failure_detail
    assert all(offer.offered is not True for offer in found.protocols.values())
    assert all(fact.reason for fact in (*found.features.values(), *found.holes.values()) if fact.value is None)
    assert found.connections <= 80
    assert memory() < 32 * MIB


@pytest.mark.parametrize("at", HALF_SPOKEN)
@pytest.mark.parametrize("depth", ["basic", "advanced"])
def test_a_survey_of_half_a_server_ends_and_makes_no_certificate_up(lab, memory, at, depth):
    found = look(lab, at, depth)
    assert found.failure in {*REASONS, ""}
    assert [chain for chain in found.chains if not chain.certificates] == []
    assert all(fact.reason for fact in (*found.features.values(), *found.holes.values()) if fact.value is None)
    assert memory() < 32 * MIB


def test_a_sweep_of_hostile_servers_only_takes_little_memory(lab, memory):
    endpoints = [
        Endpoint(address(at), lab.port, None, lab.starttls.get(address(at)))
        for _ in range(20)
        for at in (*HOSTILE, *HALF_SPOKEN)
    ]
    seen = list(Sweep(endpoints, total=len(endpoints), limits=Limits(in_flight=200, connect_s=2, talk_s=1)).run())
    assert len(seen) == len(endpoints)
    assert all(isinstance(one.outcome, Failed) and one.outcome.failure.value in REASONS for one in seen)
    assert all(one.outcome.detail for one in seen)
    assert memory() < 64 * MIB
