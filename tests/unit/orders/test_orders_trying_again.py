# SPDX-License-Identifier: Apache-2.0
"""An automatic installation that failed is tried again: later each time, one at a time, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from services.orders.model import installing, trying_again
from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import fold
from shared.clock import from_text, to_text
from shared.contracts import installer
from shared.contracts import orders as c
from tests.support import order_builders as given

NOW = given.NOW
OLD_ENDS = from_text(given.signed(1).not_after)
REISSUED = [*given.INSTALLED, given.issued(2)]


def asked(installation_id="try-1", *, automatic=True, version=2):
    return msgspec.structs.replace(given.installation(installation_id, version), automatic=automatic)


def fail(events, code="reload_failed", now=NOW, installation_id=""):
    newest = installation_id or list(fold(events).installations)[-1]
    said = installer.DeploymentFailed(
        order_id=given.ORDER, account_id=given.ACCOUNT, installation_id=newest, server_id="server-1", site_id="site-1",
        reason="It failed.", rolled_back=True, code=code,
    )  # fmt: skip
    return installing.record_failed_deployment(fold(events), said, now)


def again(events, now, new_id=lambda: "try-next"):
    return installing.install_once_more(fold(events), new_id=new_id, now=now)


def test_it_is_tried_again_at_the_moment_that_is_told():
    story = [*REISSUED, asked()]
    [failed] = fail(story)
    story.append(failed)
    moment = from_text(failed.again_at)
    assert timedelta(seconds=270) <= moment - NOW <= timedelta(seconds=330)
    [waits] = blocked_on(fold(story), NOW)
    assert (waits.reason, waits.actor, waits.facts["again_at"]) == ("installation_again", "certwright", failed.again_at)
    assert failed.again_at[:16] in waits.text
    assert again(story, moment - timedelta(seconds=1)) == []
    [request] = again(story, moment)
    assert (request.site_id, request.csr_version, request.automatic) == ("site-1", 2, True)
    story.append(request)
    assert again(story, moment) == []
    [second] = fail(story, now=moment)
    assert from_text(second.again_at) - moment >= timedelta(minutes=27)


def test_a_site_that_serves_another_certificate_is_tried_again_too():
    said = installer.DeploymentSucceeded(
        order_id=given.ORDER, account_id=given.ACCOUNT, installation_id="try-1", server_id="server-1", site_id="site-1",
        served_serial="FF",
    )  # fmt: skip
    [failed] = installing.record_deployment(fold([*REISSUED, asked()]), said, NOW)
    assert (failed.code, bool(failed.again_at)) == ("not_served", True)


@pytest.mark.parametrize("code", sorted(trying_again.FOR_PEOPLE))
def test_what_a_person_has_to_mend_is_not_tried_again(code):
    story = [*REISSUED, asked()]
    [failed] = fail(story, code)
    assert failed.again_at == ""
    assert blocked_on(fold([*story, failed]), NOW)[0].reason == "installation_failed"
    assert again([*story, failed], NOW + timedelta(days=2)) == []


def test_what_a_person_asked_for_is_that_persons():
    assert fail([*REISSUED, asked(automatic=False)])[0].again_at == ""
    story = [*REISSUED, asked()]
    story += fail(story)
    story.append(asked("by hand", automatic=False))
    assert again(story, NOW + timedelta(days=2)) == []
    story += fail(story, "not_served")
    assert again(story, NOW + timedelta(days=2)) == []
    late = [*REISSUED, asked(), asked("by hand", automatic=False)]
    assert fail(late, installation_id="try-1")[0].again_at == ""


def test_it_ends_with_the_certificate_before():
    story = [*REISSUED, asked()]
    assert fail(story, now=OLD_ENDS - timedelta(minutes=6))[0].again_at
    assert fail(story, now=OLD_ENDS - timedelta(minutes=4))[0].again_at == ""
    story += fail(story)
    assert again(story, OLD_ENDS) == []
    assert again(story, OLD_ENDS - timedelta(seconds=1))


@pytest.mark.parametrize("after", [
    given.issued(3), c.OrderExpired(order_id=given.ORDER),
    c.CertRevoked(order_id=given.ORDER, serial=given.issued(2).serial, reason="superseded", revoked_at=to_text(NOW)),
], ids=["replaced", "over", "revoked"])  # fmt: skip
def test_nothing_is_tried_for_what_is_over(after):
    story = [*REISSUED, asked()]
    story += [*fail(story), after]
    assert again(story, NOW + timedelta(days=1)) == []


@drawn(st.lists(st.sampled_from(["fail", "clock", "by hand"]), max_size=150), st.integers(0, 86_400))
def test_there_is_never_more_than_one_at_once_and_each_follows_a_failure(steps, second):
    story, now, made = [*REISSUED, asked()], NOW, 1
    for step in [*steps, "clock"]:
        open_ = [one for one in fold(story).installations.values() if one.status == "requested"]
        if step == "fail" and open_:
            story += fail(story, now=now, installation_id=open_[-1].installation_id)
        elif step == "by hand" and not open_:
            made += 1
            story.append(asked(f"try-{made}", automatic=False))
        elif step == "clock":
            now += timedelta(seconds=second)
            made += 1
            asking = again(story, now, new_id=lambda number=made: f"try-{number}")
            assert len(asking) <= (0 if open_ else 1)
            story += asking
    assert sum(isinstance(each, c.InstallationRequested) for each in story) <= len(steps) + 4


def test_a_fault_that_stays_is_given_up():
    story, now = [*REISSUED, asked("try-0")], NOW
    for number in range(1, 2 * trying_again.MOST):
        story += fail(story, now=now)
        if not story[-1].again_at:
            break
        now = from_text(story[-1].again_at)
        story += again(story, now, new_id=lambda at=number: f"try-{at}")
    tries = len(fold(story).installations) - 1
    assert tries <= trying_again.MOST
    assert story[-1].again_at == ""
    assert to_text(now) < to_text(OLD_ENDS)
