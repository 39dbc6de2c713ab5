# SPDX-License-Identifier: Apache-2.0
"""Discovery beside nmap and beside full handshakes, in a network of its own: `python -m bench.discovery_bench`.

Live hosts are found, parsed and stored by the product's own path: command, job, worker process, transactions with
events. Silent and refused ranges are swept by the worker process alone. Servers have one core, whoever looks at them
the other one. Peers run in turn with us; a ratio is the median of the ratios of the pairs.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.discovery_lab import (
    DEAD_FROM,
    LIVE,
    LIVE_FROM,
    PORT,
    SILENT_FROM,
    addresses,
    cores,
    lines_inside,
    serving,
    set_up,
)
from bench.discovery_peers import MOST_S, FullHandshakes, Nmap
from bench.discovery_subject import Room, sweep_by_syn, sweep_here, sweep_peak, worker
from bench.measured_runs import Run, beside, run_function

PAIRS = 5
FEW = 508  # live hosts among nine times as many dead ones
DROPPED_WAIT_S = 1.0
SYN_WAIT_S, SYN_ABOVE_WAIT_S = 0.3, 0.25
MEMORY_MARGIN_KB = 2048


def lines() -> Iterator[dict[str, Any]]:
    """Every figure; made by a process in a namespace of its own."""
    return lines_inside("bench.discovery_bench")


def measured() -> Iterator[dict[str, Any]]:
    """Every figure, in the namespace."""
    set_up()
    os.sched_setaffinity(0, {cores()[1]})
    with tempfile.TemporaryDirectory(prefix="discovery-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        nmap, handshakes = Nmap(folder), FullHandshakes(folder)
        with serving(folder / "nginx"):
            yield from live(folder, nmap, handshakes)
            yield from refused(nmap)
            yield from dropped(nmap)
            yield from by_syn(nmap)
        yield memory()


def live(folder: Path, nmap: Nmap, handshakes: FullHandshakes) -> Iterator[dict[str, Any]]:
    """Thousands of hosts that all answer."""
    hosts = addresses(LIVE_FROM, LIVE)
    target = f"{hosts[0]}-{hosts[-1]}"
    room = Room(folder / "data")
    room.scan(target, PORT, LIVE)
    stored, swept, by_nmap, by_hand = [], [], [], []
    for _ in range(PAIRS):
        stored.append(run_function(lambda: room.scan(target, PORT, LIVE)))
        by_hand.append(handshakes(hosts, PORT))
        swept.append(sweep_here(target, PORT, LIVE))
        by_nmap.append(nmap(hosts, PORT, live=LIVE))
    room.close()
    peer, limit = "nmap -T4 --script ssl-cert", "full handshakes, C and OpenSSL"
    yield beside("discovery_live_stored", stored, by_nmap, against=peer, aim=8, count=LIVE, of="hosts")
    yield beside("discovery_live_stored_limit", stored, by_hand, against=limit, aim=3, count=LIVE, of="hosts")
    yield _by_cpu("discovery_live_stored_cpu", stored, by_hand)
    yield beside("discovery_live_swept", swept, by_nmap, against=peer, aim=None, count=LIVE, of="hosts")
    yield beside("discovery_live_swept_limit", swept, by_hand, against=limit, aim=None, count=LIVE, of="hosts")


def _by_cpu(name: str, ours: list[Run], theirs: list[Run]) -> dict[str, Any]:
    mine, peer = (statistics.median(one.cpu for one in runs) / LIVE * 1e6 for runs in (ours, theirs))
    return {
        "name": name,
        "value": round(mine, 1),
        "unit": "µs of a core for each host",
        "against": "a full handshake, C and OpenSSL",
        "against_value": round(peer, 1),
        "ratio": round(mine / peer, 3),
        "aim": "at most 0.25",
        "met": mine <= peer / 4,
    }


def refused(nmap: Nmap) -> Iterator[dict[str, Any]]:
    """Nine of ten addresses refuse; start of the process included on both sides."""
    hosts = [*addresses(LIVE_FROM, LIVE), *addresses(DEAD_FROM, LIVE * 9)]
    job = _job(hosts[:LIVE], hosts[LIVE:])
    ours, theirs = [], []
    for _ in range(PAIRS):
        ours.append(worker(job, LIVE))
        theirs.append(nmap(hosts, PORT, live=LIVE))
    against = "nmap -T4 --script ssl-cert"
    yield beside("discovery_refused", ours, theirs, against=against, aim=10, count=len(hosts), of="addresses")


def dropped(nmap: Nmap) -> Iterator[dict[str, Any]]:
    """Nine of ten addresses keep silent; by connections, as anybody may make them."""
    hosts = [*addresses(LIVE_FROM, FEW), *addresses(SILENT_FROM, FEW * 9)]
    job = _job(hosts[:FEW], hosts[FEW:]) | {"connect_s": DROPPED_WAIT_S, "in_flight": 6000}
    ours, usual, by_hand = [], [], []
    for _ in range(3):
        ours.append(worker(job, FEW))
        usual.append(nmap(hosts, PORT, live=FEW))
        by_hand.append(nmap(hosts, PORT, live=FEW, by_hand=True))
    against = f"nmap -T4 --script ssl-cert, ended after {MOST_S} s"
    yield beside("discovery_dropped", ours, usual, against=against, aim=12, by_cpu=False)
    against = "nmap -T5 tuned by hand (no retry, 1,000 at once, 1 s)"
    yield beside("discovery_dropped_tuned", ours, by_hand, against=against, aim=1, by_cpu=False)


def by_syn(nmap: Nmap) -> Iterator[dict[str, Any]]:
    """The same range by SYNs of our own, as one may with CAP_NET_RAW; the process is up already."""
    hosts = [*addresses(LIVE_FROM, FEW), *addresses(SILENT_FROM, FEW * 9)]
    ranges = _job(hosts[:FEW], hosts[FEW:])["include"]
    ours, by_hand = [], []
    for _ in range(PAIRS):
        ours.append(sweep_by_syn(ranges, PORT, FEW, SYN_WAIT_S))
        by_hand.append(nmap(hosts, PORT, live=FEW, by_hand=True, raw=True))
    above = statistics.median(one.wall for one in ours) - SYN_WAIT_S
    used = statistics.median(one.cpu for one in ours)
    yield {
        "name": "discovery_syn_above_wait",
        "value": round(above, 3),
        "unit": f"s above a wait of {SYN_WAIT_S} s",
        "against": "aim",
        "against_value": SYN_ABOVE_WAIT_S,
        "ratio": round(above / SYN_ABOVE_WAIT_S, 2),
        "cpu_us": round(used / len(hosts) * 1e6, 1),
        "aim": f"at most {SYN_ABOVE_WAIT_S}",
        "met": above <= SYN_ABOVE_WAIT_S or used <= SYN_ABOVE_WAIT_S,
    }
    against = "nmap -T5 tuned by hand, by SYN"
    yield beside("discovery_syn", ours, by_hand, against=against, aim=2.5, by_cpu=False)


def memory() -> dict[str, Any]:
    """The most that a sweep holds, by the number of addresses."""
    few, many = sweep_peak(1000), sweep_peak(100_000)
    return {
        "name": "discovery_memory",
        "value": round(many / 1024, 1),
        "unit": "MB at most, 100,000 addresses",
        "against": "1,000 addresses",
        "against_value": round(few / 1024, 1),
        "ratio": round(many / few, 3),
        "aim": "no more, within 2 MB",
        "met": many <= few + MEMORY_MARGIN_KB,
    }


def _job(live_hosts: list[str], dead: list[str]) -> dict[str, Any]:
    ranges = [f"{hosts[0]}-{hosts[-1]}" for hosts in (live_hosts, dead)]
    return {"include": ranges, "ports": [PORT], "in_flight": 2000}


def main() -> int:
    """The command line: one JSON object a line."""
    for line in measured() if "--inside" in sys.argv[1:] else lines():
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
