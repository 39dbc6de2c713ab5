# SPDX-License-Identifier: Apache-2.0
"""The processes of the RPC measurement: nameko's plain service, and callers that run one round per line of input."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import eventlet
from nameko.containers import ServiceContainer
from nameko.rpc import rpc as plain_rpc
from nameko.standalone.rpc import ClusterRpcProxy

from bench.http_processes import ORDER, GetEcho, PutEcho
from shared.context import Context
from shared.messaging.rpc_client import shared_client

CALLERS = 10
CALLS = 100


class PlainService:
    """As in nameko's documentation."""

    name = "plain"

    @plain_rpc
    def get(self, order_id: str, limit: int) -> dict[str, Any]:
        """The answer of the echo service."""
        del limit
        return {"order_id": order_id, "number": 2000001, "status": "processing", "names": ["www.example.com"]}


def ours(uri: str, kind: str) -> Callable[[], None]:
    """One caller's round: with deadline, context, permissions, typed replies; a command also with its stored reply."""
    client = shared_client(uri)
    context = Context(actor="user:bench", account_id=ORDER, permissions=frozenset({"view"}))

    def query_round() -> None:
        for _ in range(CALLS):
            client.send(GetEcho(order_id=ORDER, limit=10), context)

    def command_round() -> None:
        for _ in range(CALLS):
            named = Context(
                actor=context.actor,
                account_id=ORDER,
                permissions=context.permissions,
                command_id=str(uuid.uuid4()),
            )
            client.send(PutEcho(order_id=ORDER), named)

    return query_round if kind == "query" else command_round


def peer(uri: str) -> Callable[[], None]:
    """One caller's round with a proxy of its own, connected once."""
    proxies: list[Any] = [ClusterRpcProxy({"AMQP_URI": uri}).start() for _ in range(CALLERS)]

    def one_round() -> None:
        proxy = proxies.pop()
        for _ in range(CALLS):
            proxy.plain.get(order_id=ORDER, limit=10)
        proxies.append(proxy)

    return one_round


def main(role: str, uri: str) -> None:
    """A service until killed, or a caller: each line of input runs one round and prints its rate and CPU time."""
    if role == "plain":
        ServiceContainer(PlainService, {"AMQP_URI": uri, "max_workers": 50}).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if role == "plain":
        while True:
            eventlet.sleep(3600)
    call = peer(uri) if role == "peer" else ours(uri, role)
    for _ in iter(sys.stdin.readline, ""):
        cpu, began = sum(os.times()[:2]), time.perf_counter()
        threads = [eventlet.spawn(call) for _ in range(CALLERS)]
        for thread in threads:
            thread.wait()
        seconds, used = time.perf_counter() - began, sum(os.times()[:2]) - cpu
        count = CALLERS * CALLS
        sys.stdout.write(json.dumps({"rate": count / seconds, "cpu_us": used * 1e6 / count}) + "\n")
        sys.stdout.flush()
