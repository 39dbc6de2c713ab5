# SPDX-License-Identifier: Apache-2.0
"""Requests, replies, context and events as bytes; who may send what."""

import json

import msgspec
import pytest

from shared.context import Context, system
from shared.contracts.base import Permission, Request, View
from shared.contracts.operations import LogEntry, ReadLog
from shared.errors import Code, ServiceError
from shared.eventsourcing.event import Event, event, upcaster
from shared.messaging import cloudevents, wire
from shared.messaging.context import from_headers, to_headers
from shared.messaging.permission import require_permission
from shared.messaging.rpc_client import hop_deadline


class Person(View):
    name: str
    born: int = 0


class Introduce(Request[Person]):
    METHOD = "introduce"
    REPLY = Person
    person: Person
    tags: dict[str, int] = {}
    names: list[str] = []


def call(**fields):
    return json.dumps({"args": [], "kwargs": fields})


def refusal(body):
    with pytest.raises(ServiceError) as raised:
        wire.decode_call(body, Introduce)
    assert raised.value.code is Code.INVALID
    return raised.value


def test_a_request_survives_the_wire_in_namekos_form():
    request = Introduce(person=Person(name="Ada", born=1815), names=["a"])
    body = wire.encode_call(request)
    assert set(json.loads(body)) == {"args", "kwargs"}
    assert wire.decode_call(body, Introduce) == request


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"person": {"name": 5}}, "/person/name"),
        ({"person": {}}, "/person"),
        ({}, ""),
        ({"person": {"name": "a", "born": "1815"}}, "/person/born"),
        ({"person": {"name": "a", "died": 1}}, None),
        ({"person": {"name": "a"}, "names": ["a", 1]}, "/names/1"),
        ({"person": {"name": "a"}, "tags": {"a": "b"}}, "/tags"),
        ({"person": {"name": "a"}, "account_id": "other"}, ""),
    ],
)
def test_what_is_wrong_is_pointed_at(fields, pointer):
    if pointer is None:  # a view may know less than a newer caller says
        assert wire.decode_call(call(**fields), Introduce).person.name == "a"
    else:
        error = refusal(call(**fields))
        assert error.pointer == pointer
        assert "kwargs" not in error.detail


@pytest.mark.parametrize("body", [b"", b"no", b"\xff", b"[]", b'{"args": [], "kwargs": {}, "more": 1}'])
def test_bytes_that_are_no_request_are_refused(body):
    refusal(body)


def test_a_result_survives_the_wire_typed():
    body = wire.encode_result(Person(name="Ada"))
    assert wire.decode_reply(body, Introduce) == Person(name="Ada")


def test_an_error_survives_the_wire_whole():
    body = wire.encode_error(ServiceError(Code.CONFLICT, "Again.", pointer="/a", extra={"b": "c"}))
    with pytest.raises(ServiceError) as raised:
        wire.decode_reply(body, Introduce)
    error = raised.value
    assert (error.code, error.detail, error.pointer, error.extra) == (Code.CONFLICT, "Again.", "/a", {"b": "c"})


def test_a_foreign_error_and_a_code_of_the_future_become_internal():
    foreign = {"result": None, "error": {"exc_type": "ValueError", "exc_path": "x", "exc_args": ["secret"]}}
    later = {"result": None, "error": {"code": "brand_new", "detail": "d"}}
    for reply in (foreign, later):
        with pytest.raises(ServiceError) as raised:
            wire.decode_reply(json.dumps(reply), Introduce)
        assert raised.value.code is Code.INTERNAL
        assert "secret" not in str(raised.value)


def test_the_context_survives_the_headers():
    context = Context(
        actor="user:1", account_id="a", permissions=frozenset({"view", "create_order"}), command_id="k",
        correlation_id="c", causation_id="d", trace_id="t",
    )  # fmt: skip
    assert from_headers(to_headers(context, 12.5)) == msgspec.structs.replace(context, deadline=12.5)


def test_nothing_but_the_list_travels():
    headers = to_headers(Context(), 1.0)
    assert set(headers) == {"cw-actor", "cw-deadline"}
    assert from_headers({"nameko.call_id_stack": ["x"], "x-death": []}) == Context()


PUBLIC = Context()
USER = Context(actor="user:1", account_id="a", permissions=frozenset({"view"}))
ORDERER = Context(actor="token:1", account_id="a", permissions=frozenset({"create_order"}))
OPERATOR = Context(actor="user:2", permissions=frozenset({"operator"}))
AGENT = Context(actor="agent:1", account_id="a", permissions=frozenset({"agent"}))
CLIENT = Context(actor="acme:1", account_id="a", permissions=frozenset({"acme"}))
SERVICE = system("orders")
EVERYBODY = {
    "public": PUBLIC, "user": USER, "orderer": ORDERER, "operator": OPERATOR, "agent": AGENT, "service": SERVICE,
    "client": CLIENT,
}  # fmt: skip
ALLOWED = {
    Permission.PUBLIC: set(EVERYBODY),
    Permission.SIGNED_IN: {"user", "orderer", "operator"},
    Permission.VIEW: {"user", "operator"},
    Permission.CREATE_ORDER: {"orderer"},
    Permission.REPLENISH_BALANCE: set(),
    Permission.ADMINISTER: set(),
    Permission.OPERATOR: {"operator"},
    Permission.AGENT: {"agent"},
    Permission.ACME: {"client"},
    Permission.INTERNAL: {"service"},
}


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("who", list(EVERYBODY))
def test_who_may_send_what(permission, who):
    class Asked(Request[Person]):
        PERMISSION = permission

    if who in ALLOWED[permission]:
        require_permission(Asked, EVERYBODY[who])
        return
    with pytest.raises(ServiceError) as raised:
        require_permission(Asked, EVERYBODY[who])
    assert raised.value.code is (Code.UNAUTHENTICATED if who == "public" else Code.FORBIDDEN)


def test_a_deadline_shrinks_with_each_hop_and_never_grows():
    assert hop_deadline(Context(), 10, now=100) == 110
    first = hop_deadline(Context(deadline=104), 10, now=100)
    second = hop_deadline(Context(deadline=first), 10, now=100)
    assert 103 < second < first < 104
    assert hop_deadline(Context(deadline=99), 10, now=100) < 100


@event("wiretest.Renamed", schema=2)
class Renamed(Event):
    name: str


@upcaster("wiretest.Renamed", 1)
def _one_to_two(fields):
    return {"name": fields["title"]}


def entry(**changes):
    fields = {
        "event_id": "e-1", "stream": "thing-1", "version": 3, "type": "wiretest.Renamed", "schema_version": 2,
        "occurred_at": "2026-11-23T11:00:00.000000Z", "recorded_at": "2026-11-23T11:00:01.000000Z",
        "data": {"name": "new"}, "metadata": {"actor": "user:1", "account_id": "a", "correlation_id": "c"},
        "hash": "00", "cursor": "7-9",
    }  # fmt: skip
    return LogEntry(**{**fields, **changes})


def test_an_event_is_a_cloudevent_outside_and_an_envelope_inside():
    body = cloudevents.entry_to_bytes(entry(), service="wiretest")
    outer = json.loads(body)
    assert outer["specversion"] == "1.0"
    assert outer["id"] == "e-1"
    assert outer["source"] == "/certwright/wiretest"
    assert outer["type"] == "certwright.wiretest.Renamed.v2"
    assert outer["subject"] == "thing-1"
    assert outer["time"] == "2026-11-23T11:00:00.000000Z"
    assert (outer["accountid"], outer["correlationid"], outer["streamversion"]) == ("a", "c", 3)
    assert all(name.isalnum() and name == name.lower() for name in outer)
    envelope = cloudevents.from_bytes(body)
    assert (envelope.event_id, envelope.stream, envelope.version) == ("e-1", "thing-1", 3)
    assert envelope.data == Renamed(name="new")
    assert envelope.metadata.account_id == "a"
    assert str(envelope.cursor) == "7-9"


def test_an_older_schema_is_lifted_and_says_so():
    old = entry(schema_version=1, data={"title": "old"})
    envelope = cloudevents.from_bytes(cloudevents.entry_to_bytes(old, service="wiretest"))
    assert envelope.data == Renamed(name="old")
    assert envelope.schema_version == 2  # so that what is kept of it is not lifted a second time


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"type": "wiretest.Unknown"}, "e-1"),
        ({"schema_version": 3}, "e-1"),
        ({"data": {"name": 5}}, "e-1"),
    ],
)
def test_an_event_of_the_future_is_named_but_not_read(change, known):
    with pytest.raises(cloudevents.UnreadableEventError) as raised:
        cloudevents.from_bytes(cloudevents.entry_to_bytes(entry(**change), service="wiretest"))
    assert raised.value.event_id == known


def test_the_requests_every_service_answers_keep_their_names():
    assert ReadLog.METHOD == "read_log"
