# SPDX-License-Identifier: Apache-2.0
"""Whole orders through the HTTP API, beside Pebble driven by a lean client in the same run.

Ours: quote, order drawn from the deposit, CSR, a validation file that is really fetched from nginx, issuance, download;
durable in SQLite (embedded) or PostgreSQL with RabbitMQ (cluster). Pebble: always valid, no sleep, in memory.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.pebble import LeanClient, pebble, request_for
from certwright.demo.customer import Customer
from certwright.demo.world import World

CALLERS = 8
PAIRS = 5
TRIES = 4
ORDERS = 40
DEPOSIT = 10_000_000
PATIENCE_S = 60.0
LOOK_S = 0.02


class APIConnection:
    """One caller of the API: a keep-alive connection with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; 409 comes back as None, since the caller waits for something."""
        content = json.dumps(body).encode() if body is not None else None
        self._connection.request(method, f"/api/v1{path}", content, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status in {404, 409}:
            return None
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text) if text else {}

    def wait(self, look: Callable[[], Any]) -> Any:
        """Looks until there is something. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(LOOK_S)
        raise TimeoutError

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def order(api: APIConnection, root: Path, name: str, csr: str) -> str:
    """One certificate from a quote to the download; its serial."""
    quote = api.call("POST", "/quotes", {"product": "dv-single", "names": [name], "term_years": 1})
    placed = api.call(
        "POST", "/orders", {"quote_id": quote["quote_id"], "common_name": name, "agreement_accepted": True}
    )
    path = f"/orders/{placed['order_id']}"
    api.wait(lambda: api.call("PUT", f"{path}/csr", {"csr": csr}))
    [challenge] = api.wait(lambda: api.call("GET", f"{path}/authorizations")["items"])
    target = root / challenge["file"]["path"].lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(challenge["file"]["content"])
    api.call("POST", f"{path}/authorizations/{name}/check", {})
    found: dict[str, Any] = api.wait(lambda: api.call("GET", f"{path}/certificate"))
    return str(found["serial"])


class Ours:
    """Certwright with a site that serves every name, and an account with a deposit."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.root = world.nginx.document_root("bench.example")
        world.add_site(world.nginx, world.http_port, ["bench.example"])
        customer = Customer(world.url)
        customer.sign_up()
        customer.top_up(DEPOSIT)
        made = customer.api.post("/tokens", {"name": "bench", "permissions": ["view", "create_order"]})
        self.token = made["secret"]
        self._count = 0

    def run(self, count: int) -> float:
        """Orders a second with `CALLERS` callers at once."""
        requests = []
        for _ in range(count):
            self._count += 1
            name = f"n{self._count}.bench.example"
            self.world.names.add(name, "A", "127.0.0.1")
            requests.append((name, request_for(name)[1]))

        def caller(part: list[tuple[str, str]]) -> None:
            api = APIConnection(self.world.url, self.token)
            for name, csr in part:
                order(api, self.root, name, csr)
            api.close()

        return count / _seconds(caller, requests)


class Theirs:
    """Pebble with one account per caller."""

    def __init__(self, port: int) -> None:
        self._clients = [LeanClient(port) for _ in range(CALLERS)]
        self._count = 0

    def run(self, count: int) -> float:
        """Orders a second with `CALLERS` callers at once."""
        requests = []
        for _ in range(count):
            self._count += 1
            name = f"n{self._count}.bench.example"
            requests.append((name, request_for(name)[0]))
        clients = iter(self._clients)

        def caller(part: list[tuple[str, bytes]]) -> None:
            client = next(clients)
            for name, csr in part:
                client.order(csr, name)

        return count / _seconds(caller, requests)


def _seconds(caller: Callable[[list[Any]], None], requests: list[Any]) -> float:
    failed: list[BaseException] = []

    def guarded(part: list[Any]) -> None:
        try:
            caller(part)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(requests[start::CALLERS],)) for start in range(CALLERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - began


def again_when_pebble_hangs(measurement: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Pebble 2.4 now and then stops answering all its callers at once; such a run says nothing and is repeated."""
    for _ in range(TRIES - 1):
        try:
            return measurement()
        except TimeoutError:
            sys.stderr.write("Pebble hangs; measuring again\n")
    return measurement()


def measure(mode: str, folder: Path) -> dict[str, Any]:
    """One line for a mode."""
    unlinted = {"CERTWRIGHT_CA_LINT": "false"}  # Pebble does not lint either
    with World(folder, mode, settings=unlinted) as world, pebble(folder / "pebble") as (port, peer_pid):
        ours, theirs = Ours(world), Theirs(port)
        ours.run(CALLERS * 2)
        theirs.run(CALLERS * 2)
        cpu = [_cpu(world.pids), _cpu([peer_pid])]
        rates = [(ours.run(ORDERS), theirs.run(ORDERS * 4)) for _ in range(PAIRS)]
        used = [_cpu(world.pids) - cpu[0], _cpu([peer_pid]) - cpu[1]]
    return {
        "name": f"orders_api_{mode}",
        "value": round(statistics.median(rate for rate, _ in rates), 1),
        "unit": "orders/s",
        "against": "Pebble (always valid, no sleep, in memory), lean client",
        "against_value": round(statistics.median(rate for _, rate in rates), 1),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in rates), 3),
        "aim": 0.2,
        "cpu_us": round(used[0] * 1e6 / (PAIRS * ORDERS)),
        "against_cpu_us": round(used[1] * 1e6 / (PAIRS * ORDERS * 4)),
    }


def _cpu(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def lines() -> Iterator[dict[str, Any]]:
    """Embedded, then the cluster."""
    for mode in ("embedded", "cluster"):
        yield again_when_pebble_hangs(partial(_in_folder, mode))


def _in_folder(mode: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as folder:
        Path(folder).chmod(0o755)
        return measure(mode, Path(folder))


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
