# SPDX-License-Identifier: Apache-2.0
"""1,000 agents at work, and 10,000 that come back in the same moment: over HTTPS, everything in one process on SQLite.

The limit of each figure is the same fleet at our HTTP server alone, with an application that says "no work" at once
(bench/agents_bare.py). Fleet and gateway share the machine's processors. Rerun on a machine that does nothing else:
`make bench ARGS=agents`; processor time per question is the figure that other work disturbs least.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.agents_fleet import Plan, Report
from bench.agents_lab import HOST, Watched, ca_of, lab, quantile, report_of, run_fleet, watched, watched_lab
from certwright.servers.process import free_port, stop
from tests.support.key_files import KeyFiles, self_signed

WORKING, SECONDS, WITH_JOBS = 1_000, 40.0, 100
RETURNING, PATIENCE_S = 10_000, 600.0
LIMIT = "our HTTP server alone, which says no work at once"


@contextmanager
def bare(tls: KeyFiles) -> Iterator[tuple[int, str]]:
    """Process and address of the server without an application."""
    port = free_port()
    program = (
        "from shared.runtime.patch import patch; patch(); import sys; from bench.agents_bare import main; "
        "main(int(sys.argv[1]), sys.argv[2], sys.argv[3])"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(port), str(tls.pem), str(tls.key)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            raise RuntimeError("the bare server did not start")
        yield process.pid, f"https://{HOST}:{port}"
    finally:
        stop(process)


def against_bare(folder: Path, tokens: list[str], **how: Any) -> tuple[Report, Watched]:
    """What a fleet sees there. The bare server answers a person's question too, with nothing in it."""
    tls = self_signed(folder / "bare", "ec", HOST)
    with bare(tls) as (pid, url), watched(pid, url, ca_of(tls), "nobody") as cost:
        report = report_of(run_fleet(Plan(url, ca_of(tls), tokens, **how)))
    return report, cost


def line(name: str, value: float, unit: str, limit: float, **more: Any) -> dict[str, Any]:
    """One figure."""
    ratio = round(value / limit, 2) if limit else None
    return {"name": name, "value": round(value, 3), "unit": unit, "against": LIMIT, "against_value": round(limit, 3),
        "ratio": ratio, **more}  # fmt: skip


def working(folder: Path) -> Iterator[dict[str, Any]]:
    """A thousand agents that ask as they are told; a part has sites and gets a job while all ask."""
    with lab(folder, WORKING, https=True) as product:
        with watched_lab(product) as cost:
            fleet = run_fleet(product.plan(WORKING, SECONDS, report_sites=WITH_JOBS))
            time.sleep(SECONDS / 2)
            jobs = product.order_checks()
            report = report_of(fleet)
        states, ended = product.states(), product.ended(jobs)
    limit, bare_cost = against_bare(folder, product.tokens, seconds=SECONDS / 2)
    asked, bare_asked = sum(report.answers.values()), sum(limit.answers.values())
    yield line(
        "agents_1000_cpu_per_question", cost.cpu / asked * 1e6, "us", bare_cost.cpu / bare_asked * 1e6,
        answers=report.answers, per_second=round(asked / report.seconds, 1), processor=round(cost.cpu / SECONDS, 2),
    )  # fmt: skip
    yield line("agents_1000_claim_p99", quantile(report.claim_s, 0.99) * 1e3, "ms", quantile(limit.claim_s, 0.99) * 1e3,
        p50=round(quantile(report.claim_s, 0.5) * 1e3, 1))  # fmt: skip
    missed = line("agents_1000_missed", WORKING - states["connected"], "agents", 0, jobs=len(jobs), jobs_ended=ended)
    yield {**missed, "against": "none may be missed"}
    yield line("agents_1000_console_p99", cost.page(0.99) * 1e3, "ms", bare_cost.page(0.99) * 1e3,
        p50=round(cost.page(0.5) * 1e3, 1), failed=cost.failed)  # fmt: skip


def returning(folder: Path) -> Iterator[dict[str, Any]]:
    """Ten thousand whose connections begin in the same moment, until each was answered."""
    how = {"seconds": PATIENCE_S, "at_once": True, "until_seen": True}
    with lab(folder, RETURNING, https=True) as product:
        with watched_lab(product) as cost:
            report = report_of(run_fleet(product.plan(RETURNING, **how)))  # type: ignore[arg-type]
        states = product.states()
    limit, bare_cost = against_bare(folder, product.tokens, **how)
    yield line("agents_10000_recovery", report.seconds, "s", limit.seconds, answers=report.answers,
        against_answers=limit.answers, missed=RETURNING - len(report.seen_s), shown_connected=states["connected"],
        retry_after_median=quantile(report.told, 0.5), retry_after_most=max(report.told, default=0.0))  # fmt: skip
    yield line("agents_10000_memory", cost.memory / 1e6, "MB", bare_cost.memory / 1e6,
        threads=cost.threads, open_files=cost.files)  # fmt: skip
    yield line("agents_10000_console_p99", cost.page(0.99) * 1e3, "ms", bare_cost.page(0.99) * 1e3,
        p50=round(cost.page(0.5) * 1e3, 1), pages=len(cost.pages_s), failed=cost.failed)  # fmt: skip


def lines() -> Iterator[dict[str, Any]]:
    """Everything that this module measures."""
    for part in (working, returning):
        with tempfile.TemporaryDirectory(prefix="agents-bench-") as folder:
            yield from part(Path(folder))


if __name__ == "__main__":
    for each in lines():
        sys.stdout.write(json.dumps(each) + "\n")
        sys.stdout.flush()
