# SPDX-License-Identifier: Apache-2.0
"""What is measured of discovery: the room with its worker process, the worker alone, and a sweep in this process."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from bench.measured_runs import Run, run_function
from services.discovery import bootstrap
from services.discovery.adapters.worker_process import COMMAND
from services.discovery.handlers import scans
from services.discovery.settings import DiscoverySettings
from shared.context import Context
from shared.contracts.discovery import GetScan, StartScan
from shared.eventstore.migrations import upgrade
from shared.probe.chain import Chain
from shared.probe.loop import Limits
from shared.probe.sweep import Sweep
from shared.probe.targets import read_targets
from shared.settings import Settings

_WORKER = [one for one in COMMAND if one != "--stay"]
_PEAK = """
import sys
from itertools import islice
from shared.probe.loop import Limits
from shared.probe.sweep import Sweep
from shared.probe.targets import read_targets
count = int(sys.argv[1])
targets = read_targets("127.80.0.0/12", 443, limit=10**8)
seen = sum(1 for _ in Sweep(islice(targets.endpoints(), count), total=count, limits=Limits(in_flight=500)).run())
assert seen == count, seen
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


class Room:
    """The discovery room on an empty SQLite database in `folder`; every scan is that of a new account."""

    def __init__(self, folder: Path) -> None:
        own = DiscoverySettings(external_networks=[IPv4Network("127.0.0.0/8")], rate=100_000, in_flight=1000)
        self._app = bootstrap.build(Settings(data_dir=folder), discovery=own)
        self._accounts = itertools.count(1)
        upgrade(self._app.room.database, self._app.room.projections)

    def scan(self, target: str, port: int, live: int) -> None:
        """Starts a scan and runs its job to the end. Raises RuntimeError when it did not find every host."""
        context = Context(
            actor="user:bench",
            account_id=f"account-{next(self._accounts)}",
            permissions=frozenset({"view", "create_order", "administer"}),
        )
        start = partial(scans.start_scan, settings=self._app.own, hosts=self._app.hosts)
        scan_id = self._app.room.execute(start, StartScan(targets=[target], ports=[port]), context).scan_id
        self._app.room.queue.run_due(self._app)
        view = scans.get_scan(self._app.room, GetScan(scan_id=scan_id), context)
        if view.state != "finished" or view.counts.new != live:
            raise RuntimeError(f"the scan is {view.state} with {view.counts}, {view.progress}")

    def close(self) -> None:
        """Closes the database."""
        self._app.room.database.close()


def worker(job: dict[str, Any], live: int) -> Run:
    """The worker process with a job, its start included. Raises RuntimeError when it did not find every host."""

    def work() -> None:
        with subprocess.Popen(_WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("no pipes")
            process.stdin.write(json.dumps({"scan": job}).encode() + b"\n")
            process.stdin.flush()  # it stays open: its end would stop the job
            found = sum(line.startswith(b'{"found"') for line in process.stdout)
        if found != live:
            raise RuntimeError(f"the worker found {found} certificates of {live}")

    return run_function(work)


def sweep_here(target: str, port: int, live: int) -> Run:
    """A sweep in this process, without parsing and storing. Raises RuntimeError when it did not find every host."""

    def work() -> None:
        targets = read_targets(target, port)
        sweep = Sweep(targets.endpoints(), total=targets.count, limits=Limits(in_flight=1000))
        found = sum(isinstance(one.outcome, Chain) for one in sweep.run())
        if found != live:
            raise RuntimeError(f"the sweep found {found} certificates of {live}")

    return run_function(work)


def sweep_by_syn(targets: list[str], port: int, live: int, wait_s: float) -> Run:
    """A sweep by SYNs of its own in this process. Raises RuntimeError when it did not find every host."""

    def work() -> None:
        meant = read_targets(targets, port)
        limits = Limits(in_flight=1000, connect_s=wait_s)
        sweep = Sweep(meant.endpoints(), total=meant.count, limits=limits, syn=True)
        found = sum(isinstance(one.outcome, Chain) for one in sweep.run())
        if found != live or not sweep.by_syn:
            raise RuntimeError(f"the sweep found {found} certificates of {live}")

    return run_function(work)


def sweep_peak(count: int) -> int:
    """Kilobytes that a process holds at most that sweeps so many addresses."""
    argv = [sys.executable, "-c", _PEAK, str(count)]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
