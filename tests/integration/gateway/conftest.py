# SPDX-License-Identifier: Apache-2.0
"""A gateway that listens, over services that only exist in the test."""

from shared.runtime.patch import patch

patch()  # tests/run.py has done it before pytest; this serves who runs pytest by hand

import socket

import pytest

from gateway.app import Gateway
from gateway.server import Server
from gateway.settings import GatewaySettings
from tests.support.fake_rpc import FakeRpc
from tests.support.raw_http import PATIENCE_S, read_all


class Listening:
    """A running gateway and a client that sends bytes as they are."""

    def __init__(self, gateway, server, rpc):
        self.gateway = gateway
        self.server = server
        self.rpc = rpc

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE_S)

    def send(self, *parts):
        """Everything that comes back until the server closes."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_all(connection)


@pytest.fixture
def listen():
    """Starts gateways; `listen(header_seconds=1, …)` takes settings."""
    started = []

    def start(**settings):
        rpc = FakeRpc()
        rpc.person("full")
        own = GatewaySettings(_env_file=None, **{"port": 0, "drain_seconds": 5, "header_seconds": 5, **settings})
        gateway = Gateway(rpc, own)
        server = Server(gateway, own)
        server.start()
        started.append((gateway, server))
        return Listening(gateway, server, rpc)

    yield start
    for gateway, server in started:
        gateway.streams.close()
        server.stop()
