# SPDX-License-Identifier: Apache-2.0
"""A file that agents could not place is asked for again by itself: later each time, never twice at once, and not for
ever; never where a person asked for it, or has to mend something first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dcv.handlers import challenges
from services.dcv.model import authorization as model
from services.dcv.model import placing
from shared.clock import derived_id, from_text
from shared.contracts import dcv
from shared.contracts.installer import DCVFileFailed
from shared.contracts.orders import OrderCancelled
from tests.support.dcv_room import ACCOUNT

NAME = "www.shop-demo.com"
ID = derived_id("authorization", ACCOUNT, NAME)
ORDER = {"order_id": "order-1", "authorization_id": ID}
FILE = {"path": "/.well-known/pki-validation/X.txt", "content": "x"}


def requested(version=1, method="http_csr_hash"):
    fields = {"md5": "M", "sha256": "S", "unique_value": "u", "account_id": ACCOUNT, "fqdn": NAME}
    return dcv.AuthorizationRequested(**ORDER, csr_version=version, method=method, **fields)


def asked(placement_id, server_id=""):
    fields = {"account_id": ACCOUNT, "fqdn": NAME, **FILE}
    return dcv.DCVFileRequested(**ORDER, placement_id=placement_id, server_id=server_id, **fields)


def failed(placement_id):
    return dcv.PlacementFailed(**ORDER, placement_id=placement_id, reason="no")


others = st.sampled_from([
    failed("p0"), requested(2), dcv.MethodChosen(**ORDER, method="email"), dcv.ValidationEnded(**ORDER),
    dcv.MethodChosen(**ORDER, method="https_csr_hash"), asked("by hand", "server-1"), asked("another"),
    dcv.ValidationRequested(**ORDER, csr_version=1, attempt=1),
])  # fmt: skip


@given(st.lists(others, max_size=6))
def test_of_one_failure_comes_one_request_at_most_whatever_happens_meanwhile(meanwhile):
    history = [requested(), asked("p0"), *meanwhile]
    first = placing.again(model.authorization(history), "order-1", "p0", placement_id="p1", **FILE)
    assert len(first) <= 1
    second = placing.again(model.authorization([*history, *first]), "order-1", "p0", placement_id="p2", **FILE)
    assert not (first and second)
    need = model.authorization(history).needs["order-1"]
    if first:
        assert need.waits
        assert need.method in model.FILE_METHODS
        assert need.placement_id == "p0"


@given(st.lists(st.sampled_from(["agent_late", "", "file_not_served", "no_web_root"]), min_size=60, max_size=60))
def test_it_is_asked_for_later_each_time_and_not_for_ever(codes):
    history, waits = [requested(), asked("p0")], []
    for number, code in enumerate(codes):
        wait = placing.wait_after(model.authorization(history), "order-1", f"p{number}", code)
        if wait is None:
            break
        waits.append(wait.total_seconds())
        history += [failed(f"p{number}"), asked(f"p{number + 1}")]
    assert len(waits) < placing.MOST
    assert "no_web_root" not in codes[: len(waits)]
    for number, wait in enumerate(waits):
        delay = placing.DELAYS_S[min(number, len(placing.DELAYS_S) - 1)]
        assert abs(wait - delay) <= delay * placing.JITTER


# --- over a real room ------------------------------------------------------------------------------------------------


def begun(world):
    """A new CSR whose proof by file is too old."""
    world.csr(NAME)
    world.check(NAME)
    world.run_jobs()
    world.clock.at += timedelta(days=250)
    world.csr(NAME, version=2)


def fail(world, code="agent_late"):
    [*_, newest] = world.events(NAME, dcv.DCVFileRequested)
    event = DCVFileFailed(
        **ORDER, account_id=ACCOUNT, fqdn=NAME, placement_id=newest.placement_id, reason="It failed.", code=code
    )
    world.react(challenges.on_file_failed, event, "dcv.on_file_failed")


def files(world):
    return len(world.events(NAME, dcv.DCVFileRequested))


def at_next(world):
    world.clock.at = from_text(world.list()[0].next_placement_at)
    world.run_jobs()


def test_a_file_that_could_not_be_placed_is_asked_for_again_when_it_is_told(world):
    begun(world)
    assert world.list()[0].next_placement_at is None
    fail(world)
    world.run_jobs()
    assert files(world) == 1
    wait = from_text(world.list()[0].next_placement_at) - world.clock.at
    assert timedelta(seconds=270) <= wait <= timedelta(seconds=330)
    at_next(world)
    first, second = world.events(NAME, dcv.DCVFileRequested)
    assert (second.path, second.content, second.server_id) == (first.path, first.content, "")
    assert second.placement_id != first.placement_id
    assert world.list()[0].next_placement_at is None
    fail(world)
    assert from_text(world.list()[0].next_placement_at) - world.clock.at >= timedelta(minutes=27)


def test_hosts_that_fail_together_are_asked_once(world):
    begun(world)
    fail(world)
    fail(world, "file_not_served")
    at_next(world)
    world.run_jobs()
    assert files(world) == 2


@pytest.mark.parametrize("code", sorted(placing.FOR_PEOPLE))
def test_what_a_person_has_to_mend_is_not_tried_again(world, code):
    begun(world)
    fail(world, code)
    assert world.list()[0].next_placement_at is None
    world.clock.at += timedelta(days=2)
    world.run_jobs()
    assert files(world) == 1


def test_what_a_person_asked_for_is_that_persons(world):
    begun(world)
    fail(world)
    request = dcv.PlaceDCVFile(order_id="order-1", fqdn=NAME, server_id="server-1")
    world.execute(challenges.place_file, request, settings=world.app.own)
    fail(world)
    assert world.list()[0].next_placement_at is None
    world.clock.at += timedelta(days=2)
    world.run_jobs()
    assert files(world) == 2


@pytest.mark.parametrize("way", ["over", "otherwise", "proved", "replaced"])
def test_it_ends_with_the_need(world, way):
    begun(world)
    fail(world)
    if way == "over":
        gone = OrderCancelled(order_id="order-1", account_id=ACCOUNT, refund=0, currency="EUR")
        world.react(challenges.on_order_ended, gone, "dcv.on_order_ended")
    elif way == "otherwise":
        world.choose(NAME, "cname_csr_hash")
    elif way == "proved":
        world.check(NAME)
        world.run_jobs()
    else:
        world.csr(NAME, version=3)
    before = files(world)
    assert world.list()[0].next_placement_at is None
    world.clock.at += timedelta(days=2)
    world.run_jobs()
    assert files(world) == before
