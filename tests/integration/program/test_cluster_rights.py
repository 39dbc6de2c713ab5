# SPDX-License-Identifier: Apache-2.0
"""The users and roles of deploy/ on real servers: each service gets its own, and no more."""

from __future__ import annotations

import kombu
import psycopg
import pytest
from amqp.exceptions import AccessRefused

from certwright.cluster import Cluster
from shared.messaging import topology


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The servers of a cluster, without its services."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), fast_database=True)
    try:
        passwords = cluster.start_servers()
        cluster.rights = {name: cluster.environment_of(name, passwords) for name in ("orders", "billing", "gateway")}
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def channel(cluster):
    """A channel of the orders service."""
    with kombu.Connection(cluster.rights["orders"]["AMQP_URI"]) as connection:
        yield connection.channel()


def test_a_service_may_declare_and_consume_its_own_queues(channel):
    for queue in (
        topology.rpc_queue("orders"),
        topology.reply_queue("0c5a6f0e-51f5-4c52-a7c9-8e2f9a8f36c9"),
        topology.event_queue("orders", "on_payment_captured", ("billing.PaymentCaptured",)),
    ):
        queue(channel).declare()
        queue(channel).consume()


@pytest.mark.parametrize("queue", [topology.rpc_queue("billing"), topology.event_queue("billing", "on_x", ())])
def test_a_service_may_not_declare_the_queue_of_another(channel, queue):
    with pytest.raises(AccessRefused):
        queue(channel).declare()


def test_a_service_may_publish_its_own_events(channel):
    producer = kombu.Producer(channel, exchange=topology.events_exchange())
    producer.publish({}, routing_key="orders.OrderPlaced")
    channel.queue_declare(topology.event_queue("orders", "on_x", ()).name)  # the channel still lives


def test_a_service_may_not_publish_the_events_of_another(channel):
    producer = kombu.Producer(channel, exchange=topology.events_exchange())
    producer.publish({}, routing_key="billing.PaymentCaptured")
    with pytest.raises(AccessRefused):  # the refusal arrives with the next answer
        channel.queue_declare(topology.event_queue("orders", "on_y", ()).name)


def test_nobody_has_a_default_password(cluster):
    with pytest.raises(AccessRefused), kombu.Connection(f"amqp://guest:guest@127.0.0.1:{cluster.broker.port}//") as one:
        one.connect()


def test_only_the_owner_of_the_tables_changes_them(cluster):
    with psycopg.connect(cluster.rights["orders"]["CERTWRIGHT_DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE orders.probe (a int)")
    with psycopg.connect(cluster.rights["orders"]["DATABASE_URL"], autocommit=True) as service:
        for statement in (
            "CREATE TABLE orders.other (a int)",
            "DROP TABLE orders.probe",
            "CREATE TEMP TABLE t (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(statement)


def test_a_service_may_not_look_into_the_schema_of_another(cluster):
    for role in ("DATABASE_URL", "CERTWRIGHT_DATABASE_OWNER_URL"):
        with psycopg.connect(cluster.rights["billing"][role], autocommit=True) as other:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute("SELECT * FROM orders.probe")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute("CREATE TABLE public.probe (a int)")


def test_the_gateway_gets_no_database(cluster):
    assert set(cluster.rights["gateway"]) == {"AMQP_URI", "CERTWRIGHT_OPS_ADDRESS"}


def test_a_password_is_needed(cluster):
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://certwright_orders@127.0.0.1:{cluster.database.port}/certwright")


def test_a_wiped_broker_comes_back_with_its_users(cluster):
    cluster.broker.stop(9)
    cluster.broker.wipe()
    cluster.broker.start()
    with kombu.Connection(cluster.rights["orders"]["AMQP_URI"]) as connection:
        connection.connect()


def test_a_killed_database_comes_back_with_its_data(cluster):
    cluster.database.stop(9)
    cluster.database.start()
    assert cluster.database.has_database("certwright")
