# SPDX-License-Identifier: Apache-2.0
"""The quorum of remote perspectives: the table of BR 3.2.2.9, and the days on which it grows."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pki.quorum import Voice, judge_quorum
from shared.pki.rules import Rules

DAY = date(2026, 12, 20)
REGIONS = ("RIPE", "APNIC", "ARIN", "LACNIC", "AFRINIC")
voices = st.lists(
    st.builds(Voice, st.just("a place"), st.sampled_from((*REGIONS, "")), st.booleans()), max_size=12
)  # fmt: skip
days = st.dates(date(2020, 9, 1), date(2030, 1, 1))
profiles = st.sampled_from(["private", "public"])


def crowd(agreeing, others=0, regions=REGIONS):
    return [Voice(f"v{n}", regions[n % len(regions)], n < agreeing) for n in range(agreeing + others)]


@pytest.mark.parametrize(
    ("day", "remote", "regions", "blocking"),
    [
        (date(2025, 3, 14), 0, 0, False),
        (date(2025, 3, 15), 2, 0, False),
        (date(2025, 9, 14), 2, 0, False),
        (date(2025, 9, 15), 2, 0, True),
        (date(2026, 3, 14), 2, 0, True),
        (date(2026, 3, 15), 3, 2, True),
        (date(2026, 6, 14), 3, 2, True),
        (date(2026, 6, 15), 4, 2, True),
        (date(2026, 12, 14), 4, 2, True),
        (date(2026, 12, 15), 5, 2, True),
    ],
)
def test_perspectives_on_the_day_before_and_the_day(day, remote, regions, blocking):
    rule = Rules.at(day).perspectives
    assert (rule.remote, rule.regions, rule.blocking) == (remote, regions, blocking)
    enough = judge_quorum(Rules.at(day), "public", crowd(remote))
    assert enough.met
    if blocking:
        assert judge_quorum(Rules.at(day), "public", crowd(remote - 1)).lacks == "perspectives"
    else:
        assert judge_quorum(Rules.at(day), "public", []).met


def test_dnssec_is_required_from_its_day():
    assert not Rules.at(date(2026, 3, 14)).dnssec.required
    assert Rules.at(date(2026, 3, 15)).dnssec.required


@pytest.mark.parametrize(
    ("remote", "failures"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2), (7, 2), (40, 2)]
)
def test_so_many_may_differ(remote, failures):
    rules = Rules.at(DAY)
    assert rules.allowed_failures(remote) == failures
    if remote > failures:
        assert judge_quorum(rules, "private", crowd(remote - failures, failures)).met
        assert judge_quorum(rules, "private", crowd(remote - failures - 1, failures + 1)).lacks == "agreement"


def test_one_perspective_alone_is_enough_for_a_private_ca_and_never_for_a_public_one():
    private = judge_quorum(Rules.at(DAY), "private", [])
    assert (private.met, private.single, private.required_remote) == (True, True, 0)
    public = judge_quorum(Rules.at(DAY), "public", [])
    assert (public.met, public.lacks, public.required_remote) == (False, "perspectives", 5)


def test_those_that_agree_have_to_lie_in_two_regions():
    rules = Rules.at(DAY)
    assert judge_quorum(rules, "public", crowd(5, regions=("RIPE",))).lacks == "regions"
    assert judge_quorum(rules, "public", crowd(5, regions=("",))).lacks == "regions"
    # The one elsewhere is the one that differs.
    mixed = [*crowd(4, regions=("RIPE",)), Voice("far", "APNIC", False)]
    assert judge_quorum(rules, "public", mixed).lacks == "regions"
    assert judge_quorum(rules, "private", mixed).met


@given(voices, days, profiles)
def test_one_more_that_agrees_never_harms_and_one_that_changes_its_mind_never_helps(seen, day, profile):
    rules = Rules.at(day)
    met = judge_quorum(rules, profile, seen).met
    if met:
        assert judge_quorum(rules, profile, [*seen, Voice("more", "RIPE", True)]).met
    for at, voice in enumerate(seen):
        against = [*seen[:at], voice._replace(agrees=False), *seen[at + 1 :]]
        assert met or not judge_quorum(rules, profile, against).met


@given(voices, days)
def test_what_the_public_profile_takes_the_private_one_takes_too(seen, day):
    rules = Rules.at(day)
    if judge_quorum(rules, "public", seen).met:
        assert judge_quorum(rules, "private", seen).met


@given(voices, st.integers(0, 3000))
def test_a_later_rule_is_never_a_laxer_one(seen, later):
    day = date(2021, 1, 1)
    if judge_quorum(Rules.at(day + timedelta(days=later)), "public", seen).met:
        assert judge_quorum(Rules.at(day), "public", seen).met
