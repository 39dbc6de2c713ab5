# SPDX-License-Identifier: Apache-2.0
"""One certificate on several sites: the canary first, the others when it is verified, and none when it fails."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.orders.model import ending, installing, trying_again
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import fold
from services.orders.model.status import status_of
from shared.clock import from_text
from shared.contracts import installer
from shared.contracts import orders as c
from shared.errors import ServiceError
from tests.support import order_builders as given

NOW = given.NOW
HASH = "ab" * 32


def ids():
    numbers = iter(range(1, 1000))
    return lambda: f"i{next(numbers)}"


def asked(story, sites, **more):
    return installing.request_installation(fold(story), "server-1", sites, new_id=ids(), now=NOW, **more)


def served(story, installation_id, serial=None):
    one = fold(story).installations[installation_id]
    said = installer.DeploymentSucceeded(
        order_id=given.ORDER, account_id=given.ACCOUNT, installation_id=installation_id, server_id=one.server_id,
        site_id=one.site_id, served_serial=serial or one.serial,
    )  # fmt: skip
    return installing.record_deployment(fold(story), said, NOW)


def failed(story, installation_id, code="reload_failed"):
    one = fold(story).installations[installation_id]
    said = installer.DeploymentFailed(
        order_id=given.ORDER, account_id=given.ACCOUNT, installation_id=installation_id, server_id=one.server_id,
        site_id=one.site_id, reason="It failed.", rolled_back=True, code=code,
    )  # fmt: skip
    return installing.record_failed_deployment(fold(story), said, NOW)


def types(events):
    return [type(event).__name__ for event in events]


def states(story):
    return {one.site_id: one.status for one in fold(story).installations.values()}


def test_one_site_is_no_rollout():
    [event] = asked(given.ISSUED, ["a"])
    assert (event.site_id, event.rollout_id, event.plan_sha256) == ("a", "", "")


def test_the_first_site_is_the_canary_and_the_others_wait():
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b", "c"])]
    assert types(story[-3:]) == ["InstallationRequested", "InstallationQueued", "InstallationQueued"]
    assert len({event.rollout_id for event in story[-3:]}) == 1
    assert states(story) == {"a": "requested", "b": "queued", "c": "queued"}
    assert {(one.reason, one.subject) for one in blocked_on(fold(story), NOW)} == {
        ("installation_pending", "a"), ("installation_queued", "b"), ("installation_queued", "c"),
    }  # fmt: skip


def test_another_canary_can_be_named():
    events = asked(given.ISSUED, ["a", "b", "c"], canary="b")
    assert [event.site_id for event in events] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"canary": "x"}, "/canary"),
        ({"plans": [c.ApprovedPlan(site_id="x", plan_id="p", plan_sha256=HASH)]}, "/plans"),
        ({"plans": [c.ApprovedPlan(site_id="a", plan_id="p", plan_sha256="AB" * 32)]}, "/plans"),
        ({"plans": [c.ApprovedPlan(site_id="a", plan_id="", plan_sha256=HASH)]}, "/plans"),
        ({"plans": [c.ApprovedPlan(site_id="a", plan_id="p", plan_sha256=HASH)] * 2}, "/plans"),
    ],
)
def test_what_names_no_site_or_no_plan_is_refused(more, pointer):
    with pytest.raises(ServiceError) as refused:
        asked(given.ISSUED, ["a", "b"], **more)
    assert (refused.value.code, refused.value.pointer) == ("invalid", pointer)


def test_an_approval_says_who_and_which_and_stays_with_each_site():
    plans = [c.ApprovedPlan(site_id="b", plan_id="plan-b", plan_sha256=HASH)]
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b"], plans=plans, actor="user:ada")]
    story += served(story, "i2")
    assert types(story[-2:]) == ["CertInstalled", "InstallationRequested"]
    released = story[-1]
    assert (released.installation_id, released.site_id) == ("i3", "b")
    assert (released.plan_id, released.plan_sha256, released.approved_by) == ("plan-b", HASH, "user:ada")
    assert released.certificate_pem == fold(story).certificate.certificate_pem
    one = fold(story).installations["i2"]
    assert (one.plan_sha256, one.approved_by) == ("", "")


def test_the_others_begin_once_the_canary_is_verified():
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b", "c"])]
    story += served(story, "i2")
    assert states(story) == {"a": "installed", "b": "requested", "c": "requested"}
    assert served(story, "i2") == []
    story += failed(story, "i3")
    assert states(story) == {"a": "installed", "b": "failed", "c": "requested"}


@pytest.mark.parametrize("how", ["failed", "another certificate served"])
def test_a_failing_canary_stops_the_rest_and_names_them(how):
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b", "c"])]
    story += failed(story, "i2") if how == "failed" else served(story, "i2", serial="FF")
    assert types(story[-3:]) == ["InstallationFailed", "InstallationNotBegun", "InstallationNotBegun"]
    assert {event.code for event in story[-2:]} == {"canary_failed"}
    assert story[-3].reason in story[-1].reason
    assert states(story) == {"a": "failed", "b": "not_begun", "c": "not_begun"}
    assert [(one.reason, one.action) for one in blocked_on(fold(story), NOW)] == [
        ("installation_failed", "auto_install"),
        ("installation_not_begun", "auto_install"),
        ("installation_not_begun", "auto_install"),
    ]
    # Tried again together, by whoever asks.
    retried = installing.install_failed_again(fold(story), new_id=lambda: "again")
    assert [event.site_id for event in retried] == ["a", "b", "c"]
    assert types(retried) == ["InstallationRequested", "InstallationQueued", "InstallationQueued"]


def test_a_reissue_brings_one_site_after_the_other_until_one_is_verified():
    story = [*given.ISSUED]
    story += asked(story, ["a", "b", "c"])
    story += served(story, "i2")
    for waiting in ("i3", "i4"):
        story += served(story, waiting)
    story = [*story, given.submitted(2, server_id="server-1"), given.issued(2)]
    fresh = (f"n{number}" for number in range(10))
    story += installing.install_again(fold(story), new_id=lambda: next(fresh))
    new = [one for one in fold(story).installations.values() if one.csr_version == 2]
    assert [(one.site_id, one.status, one.automatic) for one in new] == [
        ("a", "requested", True), ("b", "queued", True), ("c", "queued", True),
    ]  # fmt: skip
    # The first one is broken for good: the next is the canary. It waits for nobody.
    story += failed(story, new[0].installation_id, "site_gone")
    assert types(story[-2:]) == ["InstallationFailed", "InstallationRequested"]
    assert {one.site_id: one.status for one in fold(story).installations.values() if one.csr_version == 2} == {
        "a": "failed", "b": "requested", "c": "queued",
    }  # fmt: skip
    story += served(story, new[1].installation_id)
    assert story[-1].site_id == "c"
    assert types(story[-2:]) == ["CertInstalled", "InstallationRequested"]


def test_what_fails_later_is_tried_again_alone():
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b"])]
    story = [msgspec.structs.replace(each, automatic=True) if "rollout_id" in each.__struct_fields__ else each
             for each in story]  # fmt: skip
    story += failed(story, "i2")
    moment = from_text(story[-2].again_at)
    [again] = installing.install_once_more(fold(story), new_id=lambda: "once-more", now=moment)
    assert (again.site_id, again.rollout_id, again.automatic) == ("a", "", True)
    assert trying_again.due(fold(story), moment - timedelta(seconds=1), new_id=str) == []


@pytest.mark.parametrize("ending_", ["replaced", "revoked"])
def test_a_certificate_that_ended_meanwhile_goes_nowhere_else(ending_):
    story = [*given.ISSUED, *asked(given.ISSUED, ["a", "b"])]
    if ending_ == "replaced":
        story += [given.submitted(2), given.issued(2)]
    else:
        story += ending.revoke(fold(story), "superseded", NOW)
    story += served(story, "i2")
    assert (type(story[-1]).__name__, story[-1].code) == ("InstallationNotBegun", "certificate_superseded")
    assert fold(story).installations["i3"].status == "not_begun"


class Rollouts(RuleBasedStateMachine):
    """Any number of sites, whose ends are told in any order, late, twice or wrong."""

    @initialize(sites=st.integers(2, 6), automatic=st.booleans())
    def begin(self, sites, automatic):
        self.automatic = automatic
        self.story = [*given.ISSUED]
        events = asked(self.story, [f"s{number}" for number in range(sites)])
        self.story += [msgspec.structs.replace(event, automatic=automatic) for event in events]
        self.verified = False
        self.failed = False

    def of(self, status):
        return [one for one in fold(self.story).installations.values() if one.status == status]

    @rule(pick=st.integers(0, 5), serial=st.sampled_from([None, None, None, "FF"]))
    def serves(self, pick, serial):
        chosen = list(fold(self.story).installations.values())
        one = chosen[pick % len(chosen)]
        events = served(self.story, one.installation_id, serial)
        assert bool(events) == (one.status == "requested")
        self.verified |= types(events)[:1] == ["CertInstalled"]
        self.failed |= types(events)[:1] == ["InstallationFailed"] and not self.verified
        self.story += events

    @rule(pick=st.integers(0, 5), code=st.sampled_from(["reload_failed", "site_gone", "plan_changed"]))
    def fails(self, pick, code):
        chosen = list(fold(self.story).installations.values())
        one = chosen[pick % len(chosen)]
        events = failed(self.story, one.installation_id, code)
        assert bool(events) == (one.status == "requested")
        self.failed |= bool(events) and not self.verified
        self.story += events

    @invariant()
    def one_site_at_a_time_until_one_serves(self):
        if not self.verified:
            assert len(self.of("requested")) <= 1
        else:
            assert not self.of("queued")

    @invariant()
    def nobody_waits_for_ever(self):
        if self.of("queued"):
            assert self.of("requested")

    @invariant()
    def what_a_person_asked_for_stops_with_its_canary(self):
        if self.automatic:
            assert not self.of("not_begun")
        elif self.failed and not self.verified:
            assert not self.of("requested")
            assert not self.of("queued")

    @invariant()
    def what_is_asked_for_is_asked_for_once(self):
        requests = [event.installation_id for event in self.story if isinstance(event, c.InstallationRequested)]
        assert len(requests) == len(set(requests))
        assert status_of(fold(self.story)) == ("installed" if self.of("installed") else "issued")


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
