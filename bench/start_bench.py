# SPDX-License-Identifier: Apache-2.0
"""From the start of the process until it serves, and what it holds in memory at rest: everything in one process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from certwright.servers.process import free_port, stop

STARTS = 5
REST_S = 3.0
READY_LIMIT_S = 3.0
MEMORY_LIMIT_MB = 250.0


def start(folder: Path) -> tuple[float, float]:
    """Seconds until ready, and resident megabytes after some seconds of rest."""
    ops = f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "CERTWRIGHT_DATA_DIR": str(folder),
        "CERTWRIGHT_GATEWAY_PORT": str(free_port()),
        "CERTWRIGHT_BILLING_SANDBOX_PORT": str(free_port()),
        "CERTWRIGHT_OPS_ADDRESS": ops,
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "certwright", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _ready(ops):
            if process.poll() is not None:
                raise RuntimeError("Certwright did not start")
            time.sleep(0.01)
        ready = time.perf_counter() - began
        time.sleep(REST_S)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return ready, resident / 1024
    finally:
        stop(process)


def lines() -> Iterator[dict[str, Any]]:
    """The first start on an empty folder, later starts, and memory."""
    first, later, memory = [], [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="start-bench-") as folder:
            first.append(start(Path(folder))[0])
            ready, resident = start(Path(folder))
        later.append(ready)
        memory.append(resident)
    for name, values, unit, limit in (
        ("ready_first_start", first, "s", READY_LIMIT_S),
        ("ready_later_start", later, "s", READY_LIMIT_S),
        ("memory_at_rest", memory, "MB", MEMORY_LIMIT_MB),
    ):
        value = statistics.median(values)
        yield {
            "name": name,
            "value": round(value, 2),
            "unit": unit,
            "against": "limit",
            "against_value": limit,
            "ratio": round(value / limit, 3),
        }


def _ready(ops: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ops}/readyz", timeout=2) as answer:
            return bool(json.load(answer)["ready"])
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    for line in lines():
        sys.stdout.write(json.dumps(line) + "\n")
