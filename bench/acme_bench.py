# SPDX-License-Identifier: Apache-2.0
"""ACME orders a second through our server, one process on SQLite, beside Debian's Pebble: the same client, in turn.

Both look for http-01 at the same small responder by the same name server. What they do beside that is not the same:
Pebble keeps everything in memory and forgets it, looks three times at every answer, speaks TLS; ours writes order,
payment, proof, issuance and certificate to five databases. Every name is new, so that each order of ours is bought (a
free product).
"""

from __future__ import annotations

import base64
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from bench.pebble import LeanClient, pebble, request_for
from certwright.demo.customer import Customer
from certwright.demo.world import World

ORDERS, PAIRS = 20, 3


class Responder:
    """Answers every http-01 challenge of one client on a port."""

    def __init__(self, port: int) -> None:
        self.thumbprint = ""
        responder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"{self.path.rpartition('/')[2]}.{responder.thumbprint}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def lines() -> Iterator[dict[str, Any]]:
    """One figure: orders a second of one client that waits for each certificate."""
    with tempfile.TemporaryDirectory() as folder, World(Path(folder), "embedded") as world:
        customer = Customer(world.url)
        customer.sign_up()
        made = customer.api.post("/acme/credentials", {"name": "bench", "product": "trial-single"})
        text = made["hmac_key"]
        binding = (made["credential"]["credential_id"], base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        with (
            Responder(world.http_port) as responder,
            pebble(Path(folder) / "pebble", dns_port=world.names.port, http_port=world.http_port) as (port, _pid),
        ):
            ours = LeanClient(urlsplit(world.url).port or 0, binding=binding)
            theirs = LeanClient(port)
            runs: dict[str, list[float]] = {"ours": [], "theirs": []}
            for pair in range(PAIRS + 1):
                for who, client in (("ours", ours), ("theirs", theirs)):
                    responder.thumbprint = client.thumbprint
                    taken = _run(client, world, f"{who}-{pair}")
                    if pair:  # the first pair warms up
                        runs[who].append(taken)
            ours.close()
            theirs.close()
    mine, peer = (ORDERS / statistics.median(runs[who]) for who in ("ours", "theirs"))
    yield {
        "name": "acme_orders",
        "value": round(mine, 2),
        "unit": "orders/s",
        "against": "Debian's Pebble with the same client and responder; in memory, three looks at each answer, TLS",
        "against_value": round(peer, 2),
        "ratio": round(mine / peer, 2),
        "runs": PAIRS,
    }


def _run(client: LeanClient, world: World, label: str) -> float:
    names = [f"{label}-{number}.acme-bench.com" for number in range(ORDERS)]
    wanted = []
    for name in names:
        world.names.add(name, "A", "127.0.0.1")
        wanted.append((request_for(name)[0], name))
    began = time.perf_counter()
    for csr, name in wanted:
        client.order(csr, name)
    return time.perf_counter() - began


if __name__ == "__main__":
    for line in lines():
        print(json.dumps(line))
