# SPDX-License-Identifier: Apache-2.0
"""Both ways to run: embedded broker with SQLite, and RabbitMQ with PostgreSQL. Every promise is tried on both."""

from shared.runtime.patch import patch

patch()  # tests/run.py has done it before pytest; this serves who runs pytest by hand

import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import eventlet
import pytest

from shared.messaging import broker as embedded_broker
from shared.messaging.rpc_client import RpcClient
from shared.runtime.container import Container, nameko_config
from shared.settings import Settings
from tests.support import postgres, rabbitmq, two_rooms

PATIENCE_S = 60


def _until(condition, what="it"):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        eventlet.sleep(0.02)


@pytest.fixture
def until():
    """Waits for a condition; the limit is only there so that a broken promise ends the test."""
    return _until


@dataclass
class Stack:
    """One broker and one database for both services, and what a test started on them."""

    settings: Settings
    server: Any = None  # the private RabbitMQ, or None for the embedded broker
    started: list[Container] = field(default_factory=list)
    clients: list[RpcClient] = field(default_factory=list)
    rooms: list[Any] = field(default_factory=list)

    @property
    def embedded(self) -> bool:
        return self.server is None

    def start(self, *names) -> list[Container]:
        made = [Container(two_rooms.SERVICES[name], nameko_config(self.settings)) for name in names]
        for container in made:
            container.start()
        self.started += made
        return made

    def stop(self, container):
        container.stop()
        self.started.remove(container)

    def room(self, name):
        """A service's room without a running service."""
        app = two_rooms.SERVICES[name].build(self.settings)
        app.room.database.create_all()
        self.rooms.append(app.room)
        return app.room

    def client(self) -> RpcClient:
        client = RpcClient(self.settings.amqp_uri, name="test")
        self.clients.append(client)
        return client

    def advance(self, **time_passed):
        for service in two_rooms.SERVICES.values():
            service.build.clock.offset += timedelta(**time_passed)

    def break_broker(self):
        """The broker dies and its disk with it. Nobody can connect until `mend_broker`."""
        if self.embedded:
            hub = embedded_broker.broker(self._embedded_name)
            hub.refusing = True
            hub.wipe()
        else:
            self.server.stop(9)
            self.server.wipe()

    def mend_broker(self):
        if self.embedded:
            embedded_broker.broker(self._embedded_name).refusing = False
        else:
            self.server.start()

    @property
    def _embedded_name(self):
        return self.settings.amqp_uri.removeprefix("embedded://")

    def close(self):
        for thread in [eventlet.spawn(container.stop) for container in self.started]:
            thread.wait()
        for client in self.clients:
            client.close()
        for room in self.rooms:
            room.database.close()


@pytest.fixture(scope="session")
def servers():
    """Private servers, started when the first test needs them."""
    with ExitStack() as stack:
        yield _Servers(stack)


class _Servers:
    def __init__(self, stack):
        self._stack = stack
        self._broker = self._database = None

    @property
    def broker(self):
        if self._broker is None:
            self._broker = self._stack.enter_context(rabbitmq.running())
        return self._broker

    @property
    def database(self):
        if self._database is None:
            self._database = self._stack.enter_context(postgres.running())
        return self._database


@pytest.fixture(params=["embedded", "cluster"])
def stack(request, servers, tmp_path):
    """One way to run, empty."""
    for service in two_rooms.SERVICES.values():
        service.build.clock.offset = timedelta()
    name = "t" + secrets.token_hex(4)
    common = {"data_dir": tmp_path, "ops_address": ""}
    if request.param == "embedded":
        made = Stack(Settings(amqp_uri=f"embedded://{name}", **common))
    else:
        if rabbitmq.find_server() is None or postgres.bin_folder() is None:
            pytest.skip("RabbitMQ and PostgreSQL are not installed: run tests/setup-servers")
        url = servers.database.create_database(name)
        made = Stack(Settings(amqp_uri=servers.broker.uri, database_url=url, **common), servers.broker)
    try:
        yield made
    finally:
        made.close()
        if not made.embedded:
            purge(made)


def purge(made):
    """Leaves no queue to the next test."""
    from kombu import Connection

    from shared.messaging import topology

    with Connection(made.settings.amqp_uri) as connection:
        channel = connection.channel()
        channel.queue_delete(topology.event_queue("pong", "on_pinged", ()).name)


@pytest.fixture
def failing(stack) -> Path:
    """Write a key of `two_rooms.failures` into this file, and pong's handler fails that way."""
    return Path(stack.settings.data_dir) / "failing"
