# SPDX-License-Identifier: Apache-2.0
"""The processes of the HTTP measurement: a service, and two front ends that ask it over the same broker.

Both get the same answer. Ours also authenticates, permits, validates, sets a deadline and writes metrics; the peer is
nameko's `@http` with its `RpcProxy`, as in nameko's documentation. bench/http_bench.py starts them, patched.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import eventlet
from nameko.containers import ServiceContainer
from nameko.rpc import RpcProxy
from nameko.web.handlers import http

from gateway.app import Gateway
from gateway.route import Route
from gateway.server import Server
from gateway.settings import GatewaySettings
from shared import log
from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.contracts.accounts import Authenticate, Identity
from shared.contracts.base import Permission, Request, View, command, query
from shared.eventstore.database import Database
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.messaging.rpc import rpc
from shared.messaging.rpc_client import shared_client
from shared.runtime.container import Container, nameko_config
from shared.runtime.service import Service
from shared.settings import Settings

ORDER = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"
PERMISSIONS = ["view", "create_order"]


class Echoed(View):
    """A small answer."""

    order_id: str
    number: int
    status: str
    names: list[str]


@query("echo", Permission.VIEW)
class GetEcho(Request[Echoed]):
    """What our gateway asks."""

    order_id: str
    limit: int = 25


@query("echo", Permission.PUBLIC)
class GetPeerEcho(Request[Echoed]):
    """The same for the peer, which knows of no permissions."""

    order_id: str
    limit: int = 25


@command("echo", Permission.VIEW)
class PutEcho(Request[Echoed]):
    """A write whose reply is stored under its command id."""

    order_id: str


@dataclass
class App:
    """A room without contents: the container wants one."""

    room: Room

    @classmethod
    def build(cls, name: str, settings: Settings) -> App:
        """An empty room in SQLite."""
        database = Database.open(name, settings)
        return cls(Room(name, database, Projections(), clock=SystemClock(), ids=RandomIds()))


def _echo(order_id: str) -> Echoed:
    return Echoed(order_id=order_id, number=2000001, status="processing", names=["www.example.com"])


def _put(_uow: UnitOfWork, request: PutEcho) -> Echoed:
    return _echo(request.order_id)


class EchoService(Service):
    """Answers both."""

    name = "echo"
    build = staticmethod(lambda settings: App.build("echo", settings))

    @rpc(GetEcho)
    def get_echo(self, request: GetEcho, _context: Context) -> Echoed:
        """Ours."""
        return _echo(request.order_id)

    @rpc(GetPeerEcho)
    def get_peer_echo(self, request: GetPeerEcho, _context: Context) -> Echoed:
        """The peer's."""
        return _echo(request.order_id)

    @rpc(PutEcho)
    def put_echo(self, request: PutEcho, context: Context) -> Echoed:
        """Ours, idempotent."""
        reply: Echoed = self.app.room.execute(_put, request, context)
        return reply


class AccountsService(Service):
    """Knows one token."""

    name = "accounts"
    build = staticmethod(lambda settings: App.build("accounts", settings))

    @rpc(Authenticate)
    def authenticate(self, _request: Authenticate, _context: Context) -> Identity:
        """Always the same person."""
        return Identity(
            actor="user:bench",
            account_id=ORDER,
            user_id="bench",
            permissions=PERMISSIONS,
            credential_id="1",
            kind="token",
        )


class PeerService:
    """nameko's own way."""

    name: ClassVar[str] = "peer"
    echo = RpcProxy("echo")

    @http("GET", "/api/v1/orders/<string:order_id>")
    def get(self, request: Any, order_id: str) -> Any:
        """As in nameko's documentation."""
        limit = int(request.args.get("limit", 25))
        found = self.echo.get_peer_echo(order_id=order_id, limit=limit)
        return 200, {"Content-Type": "application/json"}, json.dumps(found)


def main(role: str, uri: str, port: int, folder: Path) -> None:
    """Runs until killed; prints `ready` when it serves."""
    log.configure("warning")
    settings = Settings(amqp_uri=uri, data_dir=folder, ops_address="")
    if role == "backend":
        for service in (EchoService, AccountsService):
            Container(service, nameko_config(settings)).start()
    elif role == "gateway":
        own = GatewaySettings(port=port)
        route = Route(method="GET", path="/api/v1/orders/{order_id}", request=GetEcho, summary="Echo", tag="Orders")
        Server(Gateway(shared_client(uri), own, routes=[route]), own).start()
    else:
        config = {"AMQP_URI": uri, "WEB_SERVER_ADDRESS": f"127.0.0.1:{port}", "max_workers": 100}
        ServiceContainer(PeerService, config).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        eventlet.sleep(3600)
