# SPDX-License-Identifier: Apache-2.0
"""The gateway as a part of a process: its application behind a server, over the process's RPC client."""

from __future__ import annotations

from gateway.app import Gateway
from gateway.server import Server
from gateway.settings import GatewaySettings
from shared.messaging.link import LinkDownError
from shared.messaging.rpc_client import RpcClient
from shared.settings import Settings


class GatewayPart:
    """What the runner starts and stops (shared/runtime/part.py)."""

    name = "gateway"

    def __init__(self, settings: Settings, client: RpcClient, own: GatewaySettings) -> None:
        self._client = client
        self.gateway = Gateway(client, own, public_url=settings.public_url)
        self.server = Server(self.gateway, own)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    def start(self) -> None:
        """Returns when it listens. Raises OSError when the port is taken, ValueError for a bad certificate."""
        self.server.start()

    def stop(self) -> None:
        """Takes no more connections, ends event streams, and waits for running requests, at most `drain_seconds`."""
        self.gateway.streams.close()
        self.server.stop()

    def health(self) -> dict[str, str]:
        """`http` and `broker`."""
        return {
            "http": "ok" if self.server.listening else "not listening",
            "broker": self._broker(),
        }

    def _broker(self) -> str:
        try:
            self._client.link.open()
        except LinkDownError as error:
            return str(error)
        return "ok"


def build(settings: Settings, client: RpcClient) -> GatewayPart:
    """Made from the environment. Raises ValueError for wrong settings."""
    return GatewayPart(settings, client, GatewaySettings())
