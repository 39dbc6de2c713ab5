# SPDX-License-Identifier: Apache-2.0
"""The SSL checker beside sslyze and testssl.sh: `python -m bench.checker_bench`.

Basic checks (a whole handshake, the chain in the stores, the name) of many hosts in a network of its own, in a process
that is up already; advanced checks of one server that is 50 ms away, start of the process included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.agreement_endpoints import NAME, Endpoints
from bench.checker_peers import Sslyze, Testssl
from bench.discovery_lab import LIVE_FROM, PORT, addresses, cores, lines_inside, serving, set_up
from bench.measured_runs import Run, beside, run_function
from certwright.servers.process import free_port, stop
from shared.checker.judge import judge
from shared.probe.survey import Survey
from shared.probe.surveying.surveyor import survey

PAIRS = 5
HOSTS = 300
ROUND_TRIP_MS = 50


def lines() -> Iterator[dict[str, Any]]:
    """Every figure; made by a process in a namespace of its own."""
    return lines_inside("bench.checker_bench")


def measured() -> Iterator[dict[str, Any]]:
    """Every figure, in the namespace."""
    set_up()
    able = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="checker-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        sslyze, testssl = Sslyze(folder), Testssl()
        with serving(folder / "nginx", HOSTS):
            os.sched_setaffinity(0, {cores()[1]})
            yield basic(sslyze)
        os.sched_setaffinity(0, able)
        yield from advanced(folder, sslyze, testssl)


def basic(sslyze: Sslyze) -> dict[str, Any]:
    """Many hosts, one after the other."""
    hosts = [(address, f"host-{address.replace('.', '-')}.example.com") for address in addresses(LIVE_FROM, HOSTS)]
    ours, theirs = [], []
    check_all(hosts[:20])
    for _ in range(PAIRS):
        ours.append(run_function(lambda: check_all(hosts)))
        theirs.append(sslyze.certificates(hosts, PORT))
    against = "sslyze certificate_info, 150 servers at once"
    return beside("checker_basic", ours, theirs, against=against, aim=4, count=HOSTS, of="hosts")


def check_all(hosts: list[tuple[str, str]]) -> None:
    """A basic check of each (address, name). Raises RuntimeError for one that came to nothing."""
    now = datetime.now(UTC)
    for address, name in hosts:
        seen = survey(address, PORT, server_name=name, depth="basic", web=False)
        verdict = judge(seen, at=now)
        if seen.failure or not any(chain.proved for chain in seen.chains) or not verdict.grade:
            raise RuntimeError(f"{name}: {seen.failure} {seen.failure_detail}")


def advanced(folder: Path, sslyze: Sslyze, testssl: Testssl) -> Iterator[dict[str, Any]]:
    """One nginx with all protocols, RSA and ECDSA keys, far away. The suites found must be the same."""
    endpoints = Endpoints(folder, sys.executable)
    (nginx,) = [one for one in endpoints.every() if one.name == "nginx"]
    ours, theirs = [], []
    with nginx.start() as near, far_away(near) as port:
        for _ in range(PAIRS):
            run, seen = survey_by_worker(port)
            ours.append(run)
            run, suites = sslyze.everything(port, NAME)
            theirs.append(run)
        slow = testssl.everything(port, NAME)
    mine = {name: sorted(offer.suites) for name, offer in seen.protocols.items()}
    yield beside("checker_advanced_50ms", ours, theirs, against="sslyze, everything", aim=4, by_cpu=False)
    yield beside("checker_advanced_50ms_testssl", ours[:1], [slow], against="testssl.sh", aim=40, by_cpu=False)
    yield {
        "name": "checker_advanced_suites",
        "value": sum(map(len, mine.values())),
        "unit": "suites of all protocols",
        "against": "sslyze",
        "against_value": sum(map(len, suites.values())),
        "ratio": 1.0 if mine == suites else 0.0,
        "aim": "the same",
        "met": mine == suites,
    }


@contextmanager
def far_away(port: int) -> Iterator[int]:
    """The port behind which `port` is `ROUND_TRIP_MS` away."""
    distant = free_port()
    argv = [sys.executable, "-m", "bench.delay_proxy", str(distant), str(port), str(ROUND_TRIP_MS // 2)]
    proxy = subprocess.Popen(argv, stdin=subprocess.PIPE)
    try:
        time.sleep(1)
        yield distant
    finally:
        stop(proxy)
        if proxy.stdin is not None:
            proxy.stdin.close()


def survey_by_worker(port: int) -> tuple[Run, Survey]:
    """An advanced survey by the worker process, judged here. Raises RuntimeError when it came to nothing."""
    order = {"address": "127.0.0.1", "port": port, "server_name": NAME, "depth": "advanced"}
    found: list[Survey] = []

    def work() -> None:
        argv = [sys.executable, "-m", "shared.probe"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("no pipes")
            process.stdin.write(json.dumps({"survey": order}).encode() + b"\n")
            process.stdin.flush()  # it stays open: its end would stop the job
            for line in process.stdout:
                said = json.loads(line)
                if "survey" in said:
                    found.append(Survey.from_json(said["survey"]))
        judge(found[0], at=datetime.now(UTC))

    run = run_function(work)
    if found[0].failure:
        raise RuntimeError(found[0].failure_detail)
    return run, found[0]


def main() -> int:
    """The command line: one JSON object a line."""
    for line in measured() if "--inside" in sys.argv[1:] else lines():
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
