# SPDX-License-Identifier: Apache-2.0
"""When certificates are replaced inside their term: the window, the place in it, what is tried again, who is left."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from services.orders.model import replacing, requesting
from services.orders.model.order import fold
from services.orders.model.renewal import RENEW_BEFORE, moved_window, place_in_window, renewed_at, window
from shared.clock import from_text, to_text
from shared.contracts import orders
from tests.support import order_builders as given

BEGINS = datetime(2026, 11, 23, tzinfo=UTC)
ON_SERVER = [
    *given.PAID,
    given.csr_requested(),
    given.submitted(server_id="server-1", request_id="request-1"),
    given.authorized(),
    given.issuance_requested(),
    given.issued(),
]
ENDS = from_text(given.signed().not_after)
DUE = renewed_at(from_text(given.signed().not_before), ENDS, None, given.ORDER)


def types(events):
    return [type(one).__name__ for one in events]


def by_the_clock(events, now):
    return requesting.reissue_in_term(fold(events), request_id="request-2", now=now)


@pytest.mark.parametrize("days", [6, 47, 100, 199])
def test_the_window_is_the_first_third_of_what_is_left_after_two_thirds_of_the_lifetime(days):
    ends = BEGINS + timedelta(days=days)
    start, end = window(BEGINS, ends)
    assert start - BEGINS == 2 * (ends - start)
    assert 3 * (end - start) == ends - start


@pytest.mark.parametrize(("gap", "last"), [(0, True), (1, True), (3, False)])
def test_the_last_certificate_of_a_term_waits_until_the_next_term_can_be_bought(gap, last):
    ends = BEGINS + timedelta(days=199)
    start, end = window(BEGINS, ends, ends + timedelta(days=gap))
    assert (start == ends + timedelta(days=gap) - RENEW_BEFORE) is last
    assert start < end < ends


@generated(st.integers(0, 7_000), st.integers(3600, 400 * 86_400), st.text(min_size=1))
def test_the_moment_lies_in_the_window_and_is_always_the_same(day, seconds, order_id):
    begins = BEGINS + timedelta(days=day)
    ends = begins + timedelta(seconds=seconds)
    start, end = window(begins, ends)
    moment = renewed_at(begins, ends, None, order_id)
    assert start <= moment <= end < ends
    assert moment == renewed_at(begins, ends, None, order_id)
    assert (
        moved_window(begins, moment)[0] < moved_window(begins, moment)[1] <= max(moment, begins + timedelta(seconds=1))
    )


def test_ten_thousand_certificates_of_one_moment_are_spread_over_the_whole_window():
    ends = BEGINS + timedelta(days=199)
    start, end = window(BEGINS, ends)
    moments = [renewed_at(BEGINS, ends, None, f"order-{number}") for number in range(10_000)]
    minutes = Counter(int((one - start).total_seconds() // 60) for one in moments)
    assert max(minutes.values()) <= 8  # of 31,680 minutes
    tenths = Counter(int(10 * (one - start) / (end - start)) for one in moments)
    assert sorted(tenths) == list(range(10))
    assert max(tenths.values()) < 1.15 * min(tenths.values())
    assert all(0 <= place_in_window(str(number)) < 1 for number in range(100))


@pytest.mark.parametrize(("after", "said"), [(-1, []), (0, ["ReissueRequested", "CSRRequested"])])
def test_the_next_certificate_is_asked_for_at_its_moment_with_a_new_key_on_the_same_server(after, said):
    events = by_the_clock(ON_SERVER, DUE + timedelta(seconds=after))
    assert types(events) == said
    if events:
        assert events[0].automatic
        assert events[1].server_id == "server-1"


def test_a_pasted_key_is_its_owners_to_replace():
    assert by_the_clock(given.ISSUED, DUE) == []


def test_one_that_is_under_way_is_not_asked_for_twice_and_one_that_failed_is():
    under_way = [*ON_SERVER, *by_the_clock(ON_SERVER, DUE)]
    assert by_the_clock(under_way, DUE) == []
    failed = [*under_way, orders.CSRRejected(order_id=given.ORDER, request_id="request-2", reason="No agent.")]
    assert types(by_the_clock(failed, DUE)) == ["CSRRequested"]
    refused = [
        *under_way,
        given.submitted(2, server_id="server-1"),
        given.authorized(version=2),
        given.issuance_requested(2),
        orders.IssuanceFailed(order_id=given.ORDER, issuance_id=given.issuance_requested(2).issuance_id, reason="CAA."),
    ]
    assert types(by_the_clock(refused, DUE)) == ["CSRRequested"]
    assert by_the_clock([*refused[:-1]], DUE) == []


def test_one_that_the_ca_has_revoked_is_replaced_at_once_while_the_order_lives():
    two = [
        *ON_SERVER,
        *by_the_clock(ON_SERVER, DUE),
        given.submitted(2, server_id="server-1"),
        given.authorized(version=2),
        given.issuance_requested(2),
        given.issued(2, now=DUE),
    ]
    serial = given.signed(2, now=DUE).serial
    moment = to_text(DUE + timedelta(hours=1))
    revoked = orders.CertRevoked(order_id=given.ORDER, serial=serial, reason="keyCompromise", revoked_at=moment)
    events = by_the_clock([*two, revoked], DUE + timedelta(hours=2))
    assert types(events) == ["ReissueRequested", "CSRRequested"]
    found = fold([*two, revoked])
    assert replacing.window_of(found, found.certificates[-1])[1] == from_text(moment)


def test_what_is_being_revoked_is_to_be_replaced_at_once_for_who_asks():
    order = fold(
        [
            *given.ISSUED,
            orders.RevocationRequested(
                order_id=given.ORDER, account_id=given.ACCOUNT, serials=[given.signed().serial], reason="superseded"
            ),
        ]
    )
    start, end = replacing.window_of(order, order.certificates[0])
    assert start < end < from_text(given.signed().not_before) + timedelta(seconds=2)


def test_without_a_reason_the_window_is_the_usual_one():
    order = fold(given.ISSUED)
    begins, ends = from_text(given.signed().not_before), from_text(given.signed().not_after)
    assert replacing.window_of(order, order.certificates[0]) == window(begins, ends, from_text(order.term_ends_at))
