# SPDX-License-Identifier: Apache-2.0
"""HTTP behind RPC: our gateway beside nameko's http entrypoint, same broker, same service, same answer.

`python -m bench.http_bench` prints one JSON object per line. Client is wrk (Debian), one thread; median of five
interleaved pairs; CPU time is that of the front end's process per request.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from certwright.servers.process import free_port, stop
from certwright.servers.rabbitmq import running

PAIRS = 5
SECONDS = 3
PATH = "/api/v1/orders/0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f?limit=10"
PEER = "nameko http entrypoint over the same RPC"
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@contextmanager
def process(role: str, uri: str, port: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """One process, ready."""
    program = (
        "from shared.runtime.patch import patch; patch(); import sys; from pathlib import Path; "
        "from bench.http_processes import main; main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, role, uri, str(port), str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if child.stdout is None or child.stdout.readline() != "ready\n":
            raise RuntimeError(f"the {role} process did not start")
        yield child
    finally:
        stop(child)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, connections: int, pid: int, seconds: int = SECONDS) -> dict[str, float]:
    """One run of wrk: requests per second, 99th percentile in milliseconds, CPU microseconds per request."""
    before = cpu_seconds(pid)
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", "Authorization: Bearer bench-token",
         f"http://127.0.0.1:{port}{PATH}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    used = cpu_seconds(pid) - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    requests = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if requests is None or p99 is None or rate is None:
        raise RuntimeError(text)
    return {"rps": float(rate[1]), "p99": float(p99[1]) * _UNITS[p99[2]], "cpu": used * 1e6 / int(requests[1])}


def measure(ports: dict[str, int], pids: dict[str, int], connections: int) -> Iterator[dict[str, Any]]:
    """Lines for one number of connections."""
    found: dict[str, list[dict[str, float]]] = {"gateway": [], "peer": []}
    for _ in range(PAIRS):
        for role, runs in found.items():
            runs.append(load(ports[role], connections, pids[role]))

    def middle(role: str, key: str) -> float:
        return statistics.median(run[key] for run in found[role])

    for key, name, unit in (("rps", "requests", "1/s"), ("p99", "p99", "ms")):
        ratio = statistics.median(
            ours[key] / theirs[key] for ours, theirs in zip(found["gateway"], found["peer"], strict=True)
        )
        yield {
            "name": f"http_{name}_{connections}_connections", "value": round(middle("gateway", key), 2), "unit": unit,
            "against": PEER, "against_value": round(middle("peer", key), 2), "ratio": round(ratio, 3),
            "cpu_us": round(middle("gateway", "cpu"), 1), "against_cpu_us": round(middle("peer", "cpu"), 1),
        }  # fmt: skip


def lines() -> Iterator[dict[str, Any]]:
    """Everything that this module measures. Raises LookupError when wrk or RabbitMQ is missing."""
    if shutil.which("wrk") is None:
        raise LookupError("wrk is not installed: sudo apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="http-bench-") as folder, running() as broker:
        ports = {"gateway": free_port(), "peer": free_port()}
        with (
            process("backend", broker.uri, 0, Path(folder)),
            process("gateway", broker.uri, ports["gateway"], Path(folder)) as gateway,
            process("peer", broker.uri, ports["peer"], Path(folder)) as peer,
        ):
            pids = {"gateway": gateway.pid, "peer": peer.pid}
            for role, port in ports.items():
                load(port, 10, pids[role], seconds=1)  # warm
            for connections in (1, 10, 50):
                yield from measure(ports, pids, connections)


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
