# SPDX-License-Identifier: Apache-2.0
"""The embedded transport behaves as RabbitMQ does where we rely on it. Unpatched: plain threads, as in scripts."""

import threading
import time
import uuid

import pytest
from amqp.exceptions import ChannelError, NotFound, PreconditionFailed, RecoverableConnectionError, ResourceLocked
from kombu import Connection, Consumer, Exchange, Producer, Queue

from shared.messaging import broker as embedded_broker
from shared.messaging import embedded

embedded.register()


@pytest.fixture
def uri():
    return f"embedded://b{uuid.uuid4().hex[:8]}"


@pytest.fixture
def connection(uri):
    with Connection(uri) as made:
        made.connect()
        yield made


def hub_of(uri):
    return embedded_broker.broker(uri.removeprefix("embedded://"))


def publish(connection, body, *, exchange="", key="q", **options):
    Producer(connection.channel()).publish(body, exchange=exchange, routing_key=key, serializer="json", **options)


def declare(connection, queue):
    bound = queue(connection.channel())
    bound.declare()
    return bound


class Taker:
    """Collects what a consumer gets."""

    def __init__(self, connection, queue, *, prefetch=0, no_ack=False):
        self.connection = connection
        self.channel = connection.channel()
        self.channel.basic_qos(0, prefetch, False)
        self.got = []
        self.consumer = Consumer(self.channel, [queue], on_message=self.got.append, no_ack=no_ack)
        self.consumer.consume()

    def drain(self):
        while True:
            try:
                self.connection.drain_events(timeout=0.01)
            except TimeoutError:
                return [message.payload for message in self.got]


def test_what_is_published_is_consumed_in_order(connection):
    declare(connection, Queue("q"))
    for number in range(5):
        publish(connection, number)
    assert Taker(connection, Queue("q")).drain() == [0, 1, 2, 3, 4]


def test_a_waiting_consumer_is_woken_at_once(connection, uri):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"))
    other = Connection(uri)
    threading.Timer(0.05, publish, (other, "hello")).start()
    connection.drain_events(timeout=60)
    assert [message.payload for message in taker.got] == ["hello"]
    other.release()


def test_a_message_carries_what_nameko_reads(connection):
    declare(connection, Queue("q"))
    publish(connection, {"a": 1}, headers={"x": "y"}, correlation_id="c", reply_to="r")
    taker = Taker(connection, Queue("q"))
    taker.drain()
    (message,) = taker.got
    assert message.properties["content_type"] == "application/json"
    assert (message.properties["correlation_id"], message.properties["reply_to"]) == ("c", "r")
    assert message.headers == {"x": "y"}
    assert message.delivery_info["routing_key"] == "q"
    assert message.delivery_info["redelivered"] is False


def test_prefetch_is_counted_per_consumer_not_per_channel(connection):
    for name in ("requests", "replies"):
        declare(connection, Queue(name))
    channel = connection.channel()
    got = {"requests": [], "replies": []}
    for name in ("requests", "replies"):
        channel.basic_qos(0, 2, False)
        consumer = Consumer(channel, [Queue(name)], on_message=got[name].append)
        consumer.consume()
    for number in range(5):
        publish(connection, number, key="requests")
    publish(connection, "answer", key="replies")
    for _ in range(3):
        connection.drain_events(timeout=1)
    assert len(got["requests"]) == 2
    assert [message.payload for message in got["replies"]] == ["answer"]


def test_an_ack_lets_the_next_message_through(connection):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"), prefetch=1)
    publish(connection, 1)
    publish(connection, 2)
    assert taker.drain() == [1]
    taker.got[0].ack()
    assert taker.drain() == [1, 2]


def test_an_ack_from_another_thread_wakes_the_consumer(connection):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"), prefetch=1)
    publish(connection, 1)
    publish(connection, 2)
    taker.drain()
    threading.Timer(0.05, taker.got[0].ack).start()
    connection.drain_events(timeout=60)
    assert [message.payload for message in taker.got] == [1, 2]


def test_a_rejected_message_comes_back_marked(connection):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"), prefetch=1)
    publish(connection, 1)
    taker.drain()
    taker.got[0].reject(requeue=True)
    taker.drain()
    assert taker.got[1].delivery_info["redelivered"] is True
    taker.got[1].reject()
    assert taker.drain() == [1, 1]


def test_what_a_lost_consumer_held_goes_to_the_next_in_order(connection, uri):
    declare(connection, Queue("q"))
    lost = Connection(uri)
    lost.connect()
    taker = Taker(lost, Queue("q"), prefetch=10)
    for number in range(4):
        publish(connection, number)
    lost.drain_events(timeout=1)
    lost.drain_events(timeout=1)  # two in its hands, two on their way
    assert len(taker.got) == 2
    lost.release()
    heir = Taker(connection, Queue("q"))
    assert heir.drain() == [0, 1, 2, 3]
    assert all(message.delivery_info["redelivered"] for message in heir.got)


def test_a_cancelled_consumer_may_still_acknowledge(connection):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"), prefetch=1)
    publish(connection, 1)
    publish(connection, 2)
    taker.drain()
    taker.consumer.cancel()
    taker.got[0].ack()
    assert Taker(connection, Queue("q")).drain() == [2]


def test_consumers_of_one_queue_take_turns(connection):
    declare(connection, Queue("q"))
    first, second = Taker(connection, Queue("q")), Taker(connection, Queue("q"))
    for number in range(6):
        publish(connection, number)
    assert len(first.drain()) == len(second.drain()) == 3


def test_a_message_without_acknowledgement_is_gone_when_delivered(connection, uri):
    declare(connection, Queue("q"))
    other = Connection(uri)
    other.connect()
    taker = Taker(other, Queue("q"), prefetch=1, no_ack=True)
    publish(connection, 1)
    publish(connection, 2)
    assert taker.drain() == [1, 2]
    other.release()
    assert Taker(connection, Queue("q")).drain() == []


@pytest.mark.parametrize(
    ("bound", "key", "matches"),
    [
        ("orders.*", "orders.OrderPlaced", True),
        ("orders.*", "orders.a.b", False),
        ("orders.*", "ordersX.a", False),
        ("#", "anything.at.all", True),
        ("orders.#", "orders", True),
        ("orders.#", "orders.a.b", True),
        ("#.paid", "paid", True),
        ("#.paid", "orders.x.paid", True),
        ("a.#.z", "a.z", True),
        ("a.#.z", "a.b.c.z", True),
        ("a.#.z", "az", False),
        ("a.b", "a.b", True),
        ("a.b", "axb", False),
    ],
)
def test_topics_match_as_amqp_says(connection, bound, key, matches):
    exchange = Exchange("topics", type="topic")
    declare(connection, Queue("q", exchange=exchange, routing_key=bound))
    publish(connection, 1, exchange="topics", key=key)
    assert Taker(connection, Queue("q")).drain() == ([1] if matches else [])


def test_a_queue_bound_twice_gets_one_copy(connection):
    exchange = Exchange("topics", type="topic")
    for key in ("a.*", "*.b"):
        declare(connection, Queue("q", exchange=exchange, routing_key=key))
    publish(connection, 1, exchange="topics", key="a.b")
    assert Taker(connection, Queue("q")).drain() == [1]


def test_a_later_binding_counts_for_keys_that_were_used_before(connection):
    exchange = Exchange("topics", type="topic")
    declare(connection, Queue("first", exchange=exchange, routing_key="a"))
    publish(connection, 1, exchange="topics", key="a")
    declare(connection, Queue("second", exchange=exchange, routing_key="a"))
    publish(connection, 2, exchange="topics", key="a")
    assert Taker(connection, Queue("second")).drain() == [2]


def test_a_mandatory_message_that_no_queue_takes_is_refused(connection):
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish(connection, 1, key="nobody", mandatory=True)
    publish(connection, 1, key="nobody")


def test_an_exclusive_queue_is_locked_and_goes_with_its_connection(connection, uri):
    owner = Connection(uri)
    owner.connect()
    declare(owner, Queue("mine", exclusive=True))
    with pytest.raises(ResourceLocked):
        declare(connection, Queue("mine", exclusive=True))
    publish(connection, 1, key="mine", mandatory=True)
    owner.release()
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish(connection, 1, key="mine", mandatory=True)


@pytest.mark.parametrize("options", [{"auto_delete": True}, {"queue_arguments": {"x-expires": 300_000}}])
def test_a_queue_of_passage_goes_with_its_last_consumer(connection, uri, options):
    declare(connection, Queue("q", **options))
    takers = [Taker(connection, Queue("q", **options)) for _ in range(2)]
    takers[0].consumer.cancel()
    publish(connection, 1, mandatory=True)
    takers[1].consumer.cancel()
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        publish(connection, 1, mandatory=True)
    assert hub_of(uri)._queues == {}


def test_a_queue_declared_otherwise_is_refused(connection):
    declare(connection, Queue("q", durable=True))
    with pytest.raises(PreconditionFailed):
        declare(connection, Queue("q", durable=False))


def test_an_unknown_queue_or_exchange_is_not_found(connection):
    with pytest.raises(NotFound):
        connection.channel().queue_declare("nothing", passive=True)
    with pytest.raises(NotFound):
        publish(connection, 1, exchange="nothing")


def test_a_message_whose_time_has_passed_is_not_delivered(connection):
    declare(connection, Queue("q"))
    publish(connection, "late", expiration=0.02)
    publish(connection, "patient")
    time.sleep(0.05)
    assert Taker(connection, Queue("q")).drain() == ["patient"]


def test_a_broker_that_loses_everything_breaks_its_connections(connection, uri):
    declare(connection, Queue("q"))
    publish(connection, 1)
    hub, established = hub_of(uri), connection.connection
    hub.refusing = True
    hub.wipe()
    with pytest.raises(RecoverableConnectionError):
        connection.transport.drain_events(established, timeout=1)
    with pytest.raises(ConnectionRefusedError):
        Connection(uri).connect()
    hub.refusing = False
    with Connection(uri) as again:
        declare(again, Queue("q"))
        assert Taker(again, Queue("q")).drain() == []


def test_two_addresses_are_two_brokers(connection, uri):
    declare(connection, Queue("q"))
    with Connection(uri + "x") as other:
        other.connect()
        with pytest.raises(ChannelError):
            publish(other, 1, mandatory=True)


def test_many_messages_and_clients_leave_nothing_behind(connection, uri):
    declare(connection, Queue("q", durable=True))
    hub = hub_of(uri)
    for _ in range(50):
        with Connection(uri) as client:
            client.connect()
            declare(client, Queue("", exclusive=True))
            taker = Taker(client, Queue("q"), prefetch=5)
            for number in range(20):
                publish(connection, number)
                client.drain_events(timeout=1)
                taker.got.pop().ack()
    assert list(hub._queues) == ["q"]
    assert not hub._queues["q"].ready
    assert len(hub._sessions) == 1
    assert len(hub._routing) <= 1


def test_threads_may_publish_and_acknowledge_at_once(connection, uri):
    declare(connection, Queue("q"))
    taker = Taker(connection, Queue("q"), prefetch=3)
    clients = [Connection(uri) for _ in range(4)]

    def send(client):
        for number in range(100):
            publish(client, number)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    count = 0
    while count < 400:
        connection.drain_events(timeout=30)
        taker.got.pop().ack()
        count += 1
    for thread in threads:
        thread.join()
    for client in clients:
        client.release()
    assert taker.drain() == []
