# SPDX-License-Identifier: Apache-2.0
"""The drill: 200 installed orders on real nginx sites replaced in one go, with every agent killed twice on the way.

The time is from the start of the replacement to the moment at which the last site was seen to serve its new
certificate; afterwards each site is asked by a handshake of our own. It stands beside the 24 hours after which a CA
must revoke (BR 4.9.1.1). All of it runs on this machine: Certwright in one process on SQLite, four nginx with fifty
sites each, four agents.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.drill_lab import Fleet
from certwright.demo.world import World

HOSTS, SITES = 4, 50
KILLS = 2
PAUSE_S = 10.0  # between two deaths, so that keys and installations are both hit
CLOCK_S = 24 * 3600


def lines() -> Iterator[dict[str, Any]]:
    """One figure: seconds until everything is replaced."""
    with tempfile.TemporaryDirectory(prefix="drill-bench-") as folder:
        Path(folder).chmod(0o755)
        with World(Path(folder), "embedded") as world, Fleet(world) as fleet:
            sys.stderr.write(f"{HOSTS * SITES} orders are bought and installed first\n")
            fleet.say = lambda text: sys.stderr.write(f"{text}\n")
            fleet.build(HOSTS, SITES)
            yield measure(fleet)


def measure(fleet: Fleet) -> dict[str, Any]:
    """Starts the replacement, kills every agent `KILLS` times while it goes on, and looks at every site."""
    made = fleet.customer.api.post(
        "/replacements", {"everything": True, "exercise": True, "reason": "A drill: the issuer has to be left."}
    )
    over = threading.Event()

    def nemesis() -> None:
        for _ in range(KILLS):
            for host in fleet.hosts:
                if over.wait(PAUSE_S):
                    return
                host.kill_agent()
                time.sleep(1.0)
                host.start_agent()

    evil = threading.Thread(target=nemesis)
    evil.start()
    try:
        ended = fleet.wait_until_over(made["replacement_id"], _Said(fleet).look)
    finally:
        over.set()
        evil.join()
    left = fleet.not_replaced()
    if left or ended["by_state"]["seen"] != len(fleet.orders):
        raise RuntimeError(f"{len(left)} sites do not serve their new certificate: {left[:5]}; {ended['by_state']}")
    seconds = _moment(ended["last_seen_at"]) - _moment(ended["started_at"])
    return {
        "name": "drill_replaced",
        "value": round(seconds, 1),
        "unit": f"s for {len(fleet.orders)} orders",
        "against": "24 h until a CA must revoke (BR 4.9.1.1)",
        "against_value": CLOCK_S,
        "ratio": round(seconds / CLOCK_S, 5),
        "orders": len(fleet.orders),
        "agents": len(fleet.hosts),
        "agents_killed": sum(host.kills for host in fleet.hosts),
        "orders_a_minute": round(60 * len(fleet.orders) / seconds, 1),
    }


class _Said:
    """Tells the progress on standard error, and which orders failed and why."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._said = ""

    def look(self, found: dict[str, Any]) -> None:
        """Says what has changed since the last look."""
        words = ", ".join(f"{count} {state}" for state, count in found["by_state"].items() if count)
        if words == self._said:
            return
        self._said = words
        sys.stderr.write(f"{words}\n")
        if found["by_state"]["failed"]:
            path = f"/replacements/{found['replacement_id']}/orders"
            for late in self._fleet.customer.api.pages(path, most=5, state="failed"):
                sys.stderr.write(f"  {late['common_name']}: {late['code']} {late['reason']}\n")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
