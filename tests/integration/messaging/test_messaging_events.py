# SPDX-License-Identifier: Apache-2.0
"""Events: the effect happens once, whatever the broker, the handler or the order of arrival does."""

import random

import msgspec
import pytest

from shared.context import Context, system
from shared.contracts.operations import DiscardDeadLetter, GetDeadLetter, ListDeadLetters, ReadLog, ReplayDeadLetter
from shared.errors import ServiceError
from shared.eventsourcing.envelope import Cursor
from shared.messaging import cloudevents, topology
from shared.messaging.publisher import EventPublisher, Outgoing
from shared.messaging.relay import Relay
from tests.support.two_rooms import heard, record

OPERATOR = Context(actor="user:1", permissions=frozenset({"operator"}))
TEXTS = [f"fact {number}" for number in range(40)]


def texts(room) -> list[str]:
    return sorted(fact.text for fact in heard(room))


def letters(client):
    return client.send(ListDeadLetters(), OPERATOR, service="pong").items


def test_what_is_recorded_is_heard(stack, until):
    ping, pong = stack.start("ping", "pong")
    record(ping.app.room, TEXTS)
    until(lambda: len(heard(pong.app.room)) == len(TEXTS))
    assert texts(pong.app.room) == sorted(TEXTS)


def test_the_cause_and_the_parties_travel_with_the_event(stack, until):
    ping, pong = stack.start("ping", "pong")
    record(ping.app.room, ["a"])
    until(lambda: heard(pong.app.room))
    (cause,) = ping.app.room.log.read().entries
    (effect,) = pong.app.room.events("heard")
    assert effect.metadata.causation_id == cause.event_id
    assert effect.metadata.correlation_id == "c-1"


def test_duplicates_and_shuffling_change_nothing(stack, until):
    (pong,) = stack.start("pong")
    ping = stack.room("ping")
    record(ping, TEXTS)
    entries = ping.log.read().entries
    batch = [
        Outgoing(entry.event_id, entry.type, cloudevents.entry_to_bytes(entry, service="ping"))
        for entry in entries
        for _ in range(3)
    ]
    random.Random(7).shuffle(batch)
    publisher = EventPublisher(stack.settings.amqp_uri, name="shuffler")
    for start in range(0, len(batch), 10):
        publisher.publish(batch[start : start + 10])
    publisher.close()
    until(lambda: len(heard(pong.app.room)) >= len(TEXTS))
    stack.stop(pong)
    again = stack.room("pong")
    assert texts(again) == sorted(TEXTS)


def test_two_replicas_share_the_work(stack, until):
    first, second = stack.start("pong", "pong")
    (ping,) = stack.start("ping")
    record(ping.app.room, TEXTS)
    until(lambda: len(heard(first.app.room)) >= len(TEXTS))
    assert texts(second.app.room) == sorted(TEXTS)


def test_a_relay_that_dies_before_its_mark_publishes_again_and_it_is_heard_once(stack, until):
    (pong,) = stack.start("pong")
    ping = stack.room("ping")
    record(ping, TEXTS[:5])
    for _ in range(3):
        relay = Relay(ping, stack.settings.amqp_uri)
        ping.checkpoints.save("relay", Cursor())  # as if the one before had died without marking
        assert relay.step() == 5
        relay.close()
    until(lambda: len(heard(pong.app.room)) >= 5)
    stack.stop(pong)
    assert texts(stack.room("pong")) == sorted(TEXTS[:5])


def test_only_one_replica_relays(stack):
    ping = stack.room("ping")
    record(ping, TEXTS)
    first, second = (Relay(ping, stack.settings.amqp_uri) for _ in range(2))
    assert first.step() == len(TEXTS)
    record(ping, ["later"])
    assert second.step() == 0
    first.close()
    assert second.step() == 0  # the first one published the rest as it left
    record(ping, ["last"])
    assert second.step() == 1
    second.close()


def test_a_handler_that_fails_for_a_while_succeeds_later(stack, until, failing):
    ping, pong = stack.start("ping", "pong")
    failing.write_text("not yet")
    record(ping.app.room, ["a"])
    until(lambda: pong.app.room.inbox.known([ping.app.room.log.read().entries[0].event_id], "pong.on_pinged"))
    assert heard(pong.app.room) == []
    failing.unlink()
    until(lambda: texts(pong.app.room) == ["a"])


@pytest.mark.parametrize("fault", ["refused", "bug", "timeout"])
def test_a_handler_that_never_succeeds_is_parked_shown_and_replayed(stack, until, failing, fault):
    ping, pong = stack.start("ping", "pong")
    client = stack.client()
    failing.write_text(fault)
    record(ping.app.room, ["a", "b"])

    def parked():
        stack.advance(hours=1)
        return len(letters(client)) == 2

    until(parked, "the events to be parked")
    letter = client.send(GetDeadLetter(id=letters(client)[0].id), OPERATOR, service="pong")
    assert letter.name == "pong.on_pinged"
    assert letter.source == "event"
    assert letter.attempts >= 3
    assert {"refused": "It makes no sense.", "bug": "broken", "timeout": "Timeout"}[fault] in letter.error
    assert letter.payload["data"]["text"] in {"a", "b"}
    failing.unlink()
    first, second = letters(client)
    client.send(ReplayDeadLetter(id=first.id), OPERATOR, service="pong")
    until(lambda: len(heard(pong.app.room)) == 1)
    client.send(DiscardDeadLetter(id=second.id), OPERATOR, service="pong")
    assert letters(client) == []
    with pytest.raises(ServiceError):
        client.send(GetDeadLetter(id=second.id), OPERATOR, service="pong")
    assert len(heard(pong.app.room)) == 1


def test_a_consumer_outlives_more_failures_than_it_has_slots(stack, until, failing):
    ping, pong = stack.start("ping", "pong")
    failing.write_text("timeout")
    record(ping.app.room, TEXTS)
    ids = [entry.event_id for entry in ping.app.room.log.read().entries]
    until(lambda: len(pong.app.room.inbox.known(ids, "pong.on_pinged")) == len(TEXTS))
    failing.unlink()
    record(ping.app.room, ["after"])
    until(lambda: "after" in texts(pong.app.room))


def unreadable(reason):
    return {
        "no JSON": b"\xff\xfe nothing",
        "no CloudEvent": b'{"hello": "world"}',
        "a type of the future": msgspec.json.encode(
            {
                "specversion": "1.0", "id": "e-1", "source": "/certwright/ping", "type": "certwright.ping.Unheard.v1",
                "subject": "s", "time": "2026-11-23T00:00:00.000000Z", "data": {}, "streamversion": 1,
            }
        ),
    }[reason]  # fmt: skip


@pytest.mark.parametrize("reason", ["no JSON", "no CloudEvent", "a type of the future"])
def test_a_message_that_cannot_be_read_is_kept_for_an_operator(stack, until, reason):
    _ping, pong = stack.start("ping", "pong")
    client = stack.client()
    publisher = EventPublisher(stack.settings.amqp_uri, name="stranger")
    body = unreadable(reason)
    publisher.publish([Outgoing("e-1", "ping.Pinged", body)] * 2)
    publisher.close()
    until(lambda: letters(client))
    (letter,) = letters(client)
    assert letter.payload["unreadable"] == body.decode(errors="replace")
    client.send(ReplayDeadLetter(id=letter.id), OPERATOR, service="pong")
    until(lambda: letters(client), "it to be parked again, since it still cannot be read")
    client.send(DiscardDeadLetter(id=letter.id), OPERATOR, service="pong")
    assert heard(pong.app.room) == []


def test_what_is_published_while_nobody_listens_waits(stack, until):
    ping, pong = stack.start("ping", "pong")
    record(ping.app.room, ["before"])
    until(lambda: heard(pong.app.room))
    stack.stop(pong)
    record(ping.app.room, TEXTS)
    until(lambda: ping.relay.measure()[0] == 0)
    (pong,) = stack.start("pong")
    until(lambda: len(heard(pong.app.room)) == len(TEXTS) + 1)


def test_a_broker_that_loses_everything_loses_nothing(stack, until):
    ping, pong = stack.start("ping", "pong")
    record(ping.app.room, ["first"])
    until(lambda: heard(pong.app.room))
    stack.stop(pong)
    record(ping.app.room, TEXTS[:10])  # published, confirmed, waiting in the queue …
    until(lambda: ping.relay.measure()[0] == 0)
    stack.break_broker()  # … and gone
    record(ping.app.room, TEXTS[10:20])  # recorded while there is no broker
    stack.mend_broker()
    (pong,) = stack.start("pong")
    record(ping.app.room, TEXTS[20:])
    until(lambda: len(heard(pong.app.room)) >= len(TEXTS) + 1)
    assert texts(pong.app.room) == sorted(["first", *TEXTS])


def test_a_broker_that_dies_under_running_services_loses_nothing(stack, until):
    ping, pong = stack.start("ping", "pong")
    for number, text in enumerate(TEXTS):
        record(ping.app.room, [text])
        if number == 15:
            stack.break_broker()
        if number == 25:
            stack.mend_broker()
    until(lambda: len(heard(pong.app.room)) >= len(TEXTS))
    assert texts(pong.app.room) == sorted(TEXTS)


def test_the_log_can_be_read_page_by_page(stack):
    ping, _pong = stack.start("ping", "pong")
    record(ping.app.room, TEXTS)
    client = stack.client()
    cursor, found = "0-0", []
    while True:
        page = client.send(ReadLog(cursor=cursor, limit=7), system("pong"), service="ping")
        if not page.entries:
            break
        found += [entry.data["text"] for entry in page.entries]
        cursor = page.cursor
    assert found == TEXTS
    none = client.send(ReadLog(types=["ping.Other"]), system("pong"), service="ping")
    assert none.entries == []
    with pytest.raises(ServiceError) as raised:
        client.send(ReadLog(cursor="x"), system("pong"), service="ping")
    assert raised.value.pointer == "/cursor"


def test_others_can_bind_a_queue_of_their_own_and_read_cloudevents(stack, until):
    (ping,) = stack.start("ping")
    from kombu import Connection, Queue

    with Connection(stack.settings.amqp_uri) as connection:
        channel = connection.channel()
        queue = Queue("", exchange=topology.events_exchange(), routing_key="ping.#", exclusive=True)(channel)
        queue.declare()
        record(ping.app.room, ["a"])
        got = []
        until(lambda: got.append(queue.get(no_ack=True)) or got[-1] is not None)
        message = got[-1]
    event = msgspec.json.decode(message.body)
    assert message.content_type == "application/cloudevents+json"
    assert (event["specversion"], event["type"], event["source"]) == (
        "1.0",
        "certwright.ping.Pinged.v1",
        "/certwright/ping",
    )
    assert event["data"] == {"text": "a", "number": 0}
    assert event["streamversion"] == 1
