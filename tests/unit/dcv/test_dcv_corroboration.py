# SPDX-License-Identifier: Apache-2.0
"""Several perspectives judged together: the primary one decides, the others have to bear it out."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dcv.model.corroboration import Seen, corroborate
from services.dcv.model.judging import Outcome, Reason, refused
from shared.pki.rules import Rules

RULES = Rules.at(date(2026, 12, 20))
YES = Outcome(passed=True, evidence={"dnssec": "secure", "asked": "here"})
UNKNOWN = Outcome(passed=True, evidence={"dnssec": "indeterminate"})
NO = refused(Reason.NO_SUCH_NAME, {"asked": "here"})
BOGUS = refused(Reason.BOGUS, {"dnssec": "bogus"})
PLACES = (("Berlin", "RIPE"), ("Tokyo", "APNIC"), ("Lima", "LACNIC"), ("Boston", "ARIN"), ("Accra", "AFRINIC"),
          ("Oslo", "RIPE"), ("Sydney", "APNIC"))  # fmt: skip


def judged(*outcomes, profile="private"):
    seen = [
        Seen(name=name, region=region, server=f"192.0.2.{at}", outcome=outcome)
        for at, ((name, region), outcome) in enumerate(zip(PLACES, outcomes, strict=False))
    ]
    return corroborate(seen, RULES, profile)


def test_one_perspective_alone_says_so_in_its_evidence():
    outcome = judged(YES)
    assert outcome.passed
    assert outcome.evidence["asked"] == "here"
    assert outcome.evidence["quorum"]["remote"] == 0
    assert [each["name"] for each in outcome.evidence["perspectives"]] == ["Berlin"]
    refusal = judged(YES, profile="public")
    assert (refusal.passed, refusal.reason) == (False, Reason.TOO_FEW_PERSPECTIVES)


def test_what_each_was_told_is_kept():
    outcome = judged(YES, NO, YES)
    assert outcome.passed  # of two others one may differ
    shown = outcome.evidence["perspectives"]
    assert [(each["name"], each["primary"], each["passed"]) for each in shown] == [
        ("Berlin", True, True), ("Tokyo", False, False), ("Lima", False, True),
    ]  # fmt: skip
    assert shown[1]["evidence"] == {"asked": "here"}
    assert (shown[1]["server"], shown[1]["region"], shown[1]["reason"]) == ("192.0.2.1", "APNIC", "dns_no_record")


@pytest.mark.parametrize(
    ("outcomes", "reason", "words"),
    [
        ((YES, NO), Reason.OTHERS_DIFFER, "Tokyo does not"),
        ((YES, NO, NO), Reason.OTHERS_DIFFER, "Tokyo and Lima do not"),
        ((NO, YES), Reason.PRIMARY_DIFFERS, "Tokyo sees it, the primary perspective does not"),
        ((NO, YES, YES), Reason.PRIMARY_DIFFERS, "Tokyo and Lima see it"),
        ((NO, NO), Reason.NO_SUCH_NAME, "Add it as shown"),
        ((BOGUS, YES), Reason.BOGUS, "DNSSEC"),
    ],
)
def test_differences_are_told(outcomes, reason, words):
    outcome = judged(*outcomes)
    assert (outcome.passed, outcome.reason) == (False, reason)
    assert words in outcome.advice


def test_the_public_profile_wants_answers_that_were_validated():
    assert judged(YES, YES, YES, YES, YES, YES, profile="public").passed
    outcome = judged(UNKNOWN, YES, YES, YES, YES, YES, profile="public")
    assert (outcome.passed, outcome.reason) == (False, Reason.UNVALIDATED)
    assert judged(UNKNOWN, YES, YES, YES, YES, YES).passed
    assert judged(YES, UNKNOWN, YES, YES, YES, YES, profile="public").passed  # asked of the primary one only


@given(
    st.lists(st.sampled_from([YES, NO, BOGUS, UNKNOWN]), min_size=1, max_size=7), st.sampled_from(["private", "public"])
)
def test_nothing_passes_that_the_primary_one_does_not_see(outcomes, profile):
    outcome = judged(*outcomes, profile=profile)
    if outcome.passed:
        assert outcomes[0].passed
        assert sum(not each.passed for each in outcomes) <= 2
    assert bool(outcome.reason) is not outcome.passed
    assert bool(outcome.advice) is not outcome.passed
