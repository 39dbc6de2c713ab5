# SPDX-License-Identifier: Apache-2.0
"""Requests: typed, permitted, with a deadline, answered or refused, on both brokers."""

import time

import eventlet
import pytest

from shared import metrics
from shared.context import Context
from shared.contracts.operations import GetHealth, ListDeadLetters, ReadLog
from shared.errors import Code, ServiceError
from shared.messaging import context as headers
from shared.messaging import topology, wire
from tests.support.two_rooms import Look, LookThrough, Nap, SayAlone, SayPing, Twice, Unanswered

PUBLIC = Context()
CUSTOMER = Context(
    actor="user:7", account_id="a-1", permissions=frozenset({"view"}), trace_id="t-1", command_id="cmd-1"
)
OPERATOR = Context(actor="user:1", permissions=frozenset({"operator"}))


def refusal(client, request, context=PUBLIC, **options) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        client.send(request, context, **options)
    return raised.value


def test_a_request_over_two_hops_is_answered_typed(stack):
    stack.start("ping", "pong")
    assert stack.client().send(SayPing(text="a"), PUBLIC).id == "aa"


def test_the_context_travels_and_the_deadline_shrinks_with_each_hop(stack):
    stack.start("ping", "pong")
    client = stack.client()
    direct = client.send(Look(), CUSTOMER, timeout=20)
    hop = client.send(LookThrough(), CUSTOMER, timeout=20)
    assert (hop.actor, hop.account_id, hop.trace_id, hop.command_id) == ("user:7", "a-1", "t-1", "cmd-1")
    limit = time.time() + 60
    given = client.send(LookThrough(), Context(deadline=limit), timeout=600)
    assert direct.deadline > 0
    assert given.deadline < limit


def test_a_slow_answer_ends_at_the_deadline_of_the_first_caller(stack):
    stack.start("pong")
    assert refusal(stack.client(), Nap(seconds=2), timeout=0.3).code is Code.DEADLINE_EXCEEDED


def test_a_request_after_its_deadline_is_not_even_sent(stack):
    stack.start("pong")
    late = Context(deadline=time.time() - 1)
    assert refusal(stack.client(), Twice(text="a"), late).code is Code.DEADLINE_EXCEEDED


def test_a_request_that_comes_after_its_deadline_is_dropped(stack, until):
    stack.start("pong")
    client = stack.client()
    client.send(Twice(text="warm"), PUBLIC)
    dropped = metrics.RPC_EXPIRED.labels("pong")
    before = dropped._value.get()
    client.link.publish(
        wire.encode_call(Twice(text="late")),
        exchange=topology.RPC_EXCHANGE,
        routing_key="pong.twice",
        headers=headers.to_headers(PUBLIC, time.time() - 5),
        properties={"reply_to": "nobody", "correlation_id": "1", "delivery_mode": 1},
    )
    until(lambda: dropped._value.get() == before + 1, "the late request to be dropped")


def test_a_refusal_arrives_whole(stack):
    stack.start("ping", "pong")
    error = refusal(stack.client(), SayPing(text="refused"))
    assert (error.code, error.detail, error.pointer, error.extra) == (
        Code.INSUFFICIENT_FUNDS,
        "Too little.",
        "/text",
        {"missing": "5"},
    )


@pytest.mark.parametrize("word", ["bug", "timeout"])
def test_a_fault_of_ours_reaches_the_caller_without_detail(stack, word):
    stack.start("pong")
    client = stack.client()
    for _ in range(40):  # more often than there are slots: none is lost
        error = refusal(client, Twice(text=word))
        assert error.code is Code.INTERNAL
        assert "hunter2" not in str(error)
    assert client.send(Twice(text="a"), PUBLIC).id == "aa"


def test_while_the_database_is_away_a_service_says_so(stack):
    stack.start("pong")
    client = stack.client()
    error = refusal(client, Twice(text="outage"))
    assert error.code is Code.UNAVAILABLE
    assert "hunter2" not in str(error)


def test_nobody_runs_the_service(stack):
    assert refusal(stack.client(), Twice(text="a"), timeout=600).code is Code.UNAVAILABLE


def test_a_stopped_service_is_unavailable_at_once(stack):
    (pong,) = stack.start("pong")
    client = stack.client()
    client.send(Twice(text="a"), PUBLIC)
    stack.stop(pong)
    assert refusal(client, Twice(text="a"), timeout=600).code is Code.UNAVAILABLE


def test_an_unknown_request_is_refused(stack):
    stack.start("pong")
    assert refusal(stack.client(), Unanswered()).code is Code.INVALID


def test_what_is_wrong_with_a_request_is_pointed_at(stack):
    stack.start("ping", "pong")
    client = stack.client()
    bad = SayPing(text="a", numbers=[1, "two"])
    error = refusal(client, bad)
    assert (error.code, error.pointer) == (Code.INVALID, "/numbers/1")


def test_who_may_not_is_refused_by_the_service_itself(stack):
    stack.start("ping")
    client = stack.client()
    assert refusal(client, SayAlone(text="a"), PUBLIC).code is Code.UNAUTHENTICATED
    assert refusal(client, SayAlone(text="a"), Context(actor="user:1", account_id="a")).code is Code.FORBIDDEN
    assert client.send(SayAlone(text="a"), CUSTOMER).id == "a"
    assert client.send(SayAlone(text="b"), OPERATOR).id == "b"
    assert refusal(client, ReadLog(), OPERATOR, service="ping").code is Code.FORBIDDEN
    assert refusal(client, ListDeadLetters(), CUSTOMER, service="ping").code is Code.FORBIDDEN


def test_ten_callers_with_nested_calls_all_get_their_answer(stack):
    stack.start("ping", "pong")
    client = stack.client()
    answers = []

    def call(number):
        answers.extend(client.send(SayPing(text=f"{number}.{turn} "), PUBLIC, timeout=50).id for turn in range(10))

    pool = eventlet.GreenPool(10)
    for number in range(10):
        pool.spawn(call, number)
    pool.waitall()
    assert sorted(answers) == sorted(f"{n}.{t} " * 2 for n in range(10) for t in range(10))


def test_a_repeated_command_gets_the_stored_answer(stack):
    ping, _pong = stack.start("ping", "pong")
    client = stack.client()
    context = Context(command_id="once")
    assert [client.send(SayPing(text="a"), context).id for _ in range(3)] == ["aa"] * 3
    assert len(ping.app.room.log.read().entries) == 1


def test_during_an_outage_calls_fail_and_afterwards_they_work(stack, until):
    stack.start("pong")
    client = stack.client()
    client.send(Twice(text="a"), PUBLIC)
    stack.break_broker()
    assert refusal(client, Twice(text="a"), timeout=600).code is Code.UNAVAILABLE
    stack.mend_broker()

    def works():
        try:
            return client.send(Twice(text="a"), PUBLIC, timeout=5).id == "aa"
        except ServiceError as error:
            if error.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}:
                return False
            raise

    until(works, "an answer after the outage")


def test_who_waits_when_the_broker_dies_is_told(stack):
    stack.start("pong")
    client = stack.client()
    client.send(Twice(text="a"), PUBLIC)
    waiting = eventlet.spawn(refusal, client, Nap(seconds=2), timeout=600)
    eventlet.sleep(0.3)
    stack.break_broker()
    assert waiting.wait().code is Code.UNAVAILABLE
    stack.mend_broker()


def test_a_request_that_runs_is_answered_before_the_service_stops(stack):
    (pong,) = stack.start("pong")
    client = stack.client()
    client.send(Twice(text="a"), PUBLIC)
    running = eventlet.spawn(client.send, Nap(seconds=1), PUBLIC)
    eventlet.sleep(0.3)
    stack.stop(pong)
    assert running.wait().id == "slept"


def test_every_service_tells_its_health(stack):
    stack.start("ping", "pong")
    health = stack.client().send(GetHealth(), OPERATOR, service="pong")
    assert health.ready
    assert health.parts == {"database": "ok", "broker": "ok", "relay": "ok"}
    assert {lag.name for lag in health.lags} >= {"relay"}
