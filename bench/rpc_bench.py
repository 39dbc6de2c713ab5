# SPDX-License-Identifier: Apache-2.0
"""RPC over RabbitMQ with ten callers: ours beside nameko's `ClusterRpcProxy` calling a plain nameko service.

Ours carries a deadline, context, permission check and typed replies; the command also stores its reply under a command
id, in SQLite with every commit on disk, which the peer does not do at all.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.http_bench import process
from certwright.servers.process import stop
from certwright.servers.rabbitmq import running

PAIRS = 5
PROGRAM = (
    "from shared.runtime.patch import patch; patch(); import sys; from bench.rpc_processes import main; "
    "main(sys.argv[1], sys.argv[2])"
)


def _start(stack: ExitStack, role: str, uri: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, role, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(stop, child)
    if child.stdout is None or child.stdout.readline() != "ready\n":
        raise RuntimeError(f"the {role} process did not start")
    return child


def _round(caller: subprocess.Popen[str]) -> dict[str, float]:
    if caller.stdin is None or caller.stdout is None:
        raise RuntimeError("a caller has no pipes")
    caller.stdin.write("run\n")
    caller.stdin.flush()
    answer: dict[str, float] = json.loads(caller.stdout.readline())
    return answer


def lines() -> Iterator[dict[str, Any]]:
    """A query and a command, each beside the peer."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rpc-bench-"))
        broker = stack.enter_context(running())
        stack.enter_context(process("backend", broker.uri, 0, Path(folder)))
        _start(stack, "plain", broker.uri)
        callers = {role: _start(stack, role, broker.uri) for role in ("query", "command", "peer")}
        for caller in callers.values():
            _round(caller)
        found: dict[str, list[dict[str, float]]] = {role: [] for role in callers}
        for _ in range(PAIRS):
            for role, caller in callers.items():
                found[role].append(_round(caller))
    for role in ("query", "command"):
        pairs = list(zip(found[role], found["peer"], strict=True))
        yield {
            "name": f"rpc_{role}_10_callers",
            "value": round(statistics.median(mine["rate"] for mine, _ in pairs), 1),
            "unit": "1/s",
            "against": "nameko ClusterRpcProxy, plain service, one proxy per caller",
            "against_value": round(statistics.median(other["rate"] for _, other in pairs), 1),
            "ratio": round(statistics.median(mine["rate"] / other["rate"] for mine, other in pairs), 3),
            "aim": 1.0,
            "cpu_us": round(statistics.median(mine["cpu_us"] for mine, _ in pairs)),
            "against_cpu_us": round(statistics.median(other["cpu_us"] for _, other in pairs)),
        }


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
