# SPDX-License-Identifier: Apache-2.0
"""What another issuer suggests for its certificate (RFC 9773): recorded once, followed within reason, passed on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from services.orders.model import replacing, requesting, suggesting
from services.orders.model.order import fold
from services.orders.model.status import reissue_at, reissue_due
from shared.clock import from_text, to_text
from shared.contracts import ca, orders
from shared.errors import ServiceError
from tests.support import order_builders as given

SIGNED = given.signed()
BEGINS, ENDS = from_text(SIGNED.not_before), from_text(SIGNED.not_after)
ISSUING = [
    *given.PAID,
    given.csr_requested(),
    given.submitted(server_id="server-1", request_id="request-1"),
    given.authorized(),
    given.issuance_requested(),
]
ISSUED = [*ISSUING, given.issued()]
HOUR = timedelta(hours=1)


def suggestion(start, end, *, serial=SIGNED.serial, url=""):
    return ca.RenewalSuggested(
        issuance_id=SIGNED.issuance_id,
        order_id=given.ORDER,
        account_id=given.ACCOUNT,
        serial=serial,
        start=to_text(start),
        end=to_text(end),
        explanation_url=url,
    )


def suggested(events, start, end, *, version=5, **more):
    return suggesting.record_suggestion(fold(events), suggestion(start, end, **more), version)


def after(events, start, end, **more):
    return [*events, *suggested(events, start, end, **more)]


@pytest.mark.parametrize("days", [(10, 12), (120, 122), (140, 141)])
def test_the_moment_lies_in_the_window_of_the_ca_and_nothing_happens_before_it(days):
    start, end = (BEGINS + timedelta(days=each) for each in days)
    order = fold(after(ISSUED, start, end))
    moment = reissue_at(order)
    assert start <= moment <= end
    assert not reissue_due(order, moment - timedelta(seconds=1))
    assert reissue_due(order, moment)
    assert requesting.reissue_in_term(order, request_id="request-2", now=moment - HOUR) == []
    asked = requesting.reissue_in_term(order, request_id="request-2", now=moment)
    assert [type(one).__name__ for one in asked] == ["ReissueRequested", "CSRRequested"]
    assert asked[0].reason == requesting.SUGGESTED_REASON
    assert replacing.window_of(order, order.certificates[0]) == (start, end)


def test_a_window_in_the_past_is_now():
    order = fold(after(ISSUED, BEGINS - HOUR, BEGINS))
    assert reissue_due(order, BEGINS + HOUR)


@generated(st.integers(-1000, 4000), st.integers(1, 10**9))
def test_however_late_the_ca_wants_it_a_ninth_of_the_life_is_left(day, seconds):
    start = BEGINS + timedelta(days=day)
    order = fold(after(ISSUED, start, min(start + timedelta(seconds=seconds), datetime(9999, 1, 1, tzinfo=UTC))))
    assert reissue_at(order) <= ENDS - (ENDS - BEGINS) / 9


def test_the_same_window_once_more_and_an_older_one_that_comes_late_change_nothing():
    early, late = (BEGINS + timedelta(days=each) for each in (10, 100))
    events = after(ISSUED, late, late + HOUR, version=7)
    assert suggested(events, late, late + HOUR, version=7) == []
    assert suggested(events, early, early + HOUR, version=6) == []
    assert from_text(fold(after(events, early, early + HOUR, version=8)).suggested.start) == early


def test_it_waits_for_its_certificate_and_is_nothing_to_another_or_to_an_order_that_is_over():
    with pytest.raises(ServiceError, match="not recorded yet"):
        suggested(ISSUING, BEGINS, ENDS)
    assert suggested(ISSUED, BEGINS, ENDS, serial="77") == []
    assert suggested([*ISSUED, orders.OrderExpired(order_id=given.ORDER)], BEGINS, ENDS) == []
    assert suggested(given.PAID, BEGINS, ENDS) == []


def test_the_next_certificate_begins_without_a_suggestion():
    at = BEGINS + timedelta(days=30)
    events = after(ISSUED, at, at + HOUR)
    events += requesting.reissue_in_term(fold(events), request_id="request-2", now=at + HOUR)
    events += [
        given.submitted(2, server_id="server-1", request_id="request-2"),
        given.authorized(version=2),
        given.issuance_requested(2),
        given.issued(2, now=at + HOUR),
    ]
    order = fold(events)
    assert order.suggested is None
    assert reissue_at(order) > at + timedelta(days=100)


def test_while_the_next_one_is_under_way_the_window_is_told_and_nothing_begun():
    under_way = [*ISSUED, orders.ReissueRequested(order_id=given.ORDER, reason="asked for")]
    [event] = suggested(under_way, BEGINS, BEGINS + HOUR)
    assert event.renew_at == ""


def test_the_last_certificate_of_a_term_is_replaced_only_when_that_is_wanted_before_its_time():
    at = ENDS - timedelta(days=30)  # 365 days of term, 199 of each certificate: the second one is the last
    last = [
        *ISSUED,
        orders.ReissueRequested(order_id=given.ORDER, reason="asked for"),
        given.submitted(2, server_id="server-1", request_id="request-2"),
        given.authorized(version=2),
        given.issuance_requested(2),
        given.issued(2, now=at),
    ]
    order = fold(last)
    newest = order.certificate
    begins, ends, term = (from_text(each) for each in (newest.not_before, newest.not_after, order.term_ends_at))
    assert term - ends < timedelta(days=2)
    assert reissue_at(order) is None

    def moment_of(start):
        said = suggestion(start, start + HOUR, serial=newest.serial)
        said = msgspec.structs.replace(said, issuance_id=given.issuance_requested(2).issuance_id)
        return suggesting.record_suggestion(order, said, 5)[0].renew_at

    assert moment_of(begins + HOUR) != ""
    assert moment_of(term - timedelta(days=29)) == ""
