# SPDX-License-Identifier: Apache-2.0
"""A program that speaks the protocol of the scan worker without a network: tests write down what it says and when.

`python -m tests.support.scan_worker PLAN`: PLAN is a JSON file; `served` maps `address:port` (and `:name` when one is
asked for) to a chain, the others are refused, or silent where `silent` names them. `pause_s` is how long each takes;
`die_at` ends the process before that endpoint, once (it removes the entry); `survey` is the answer to a survey.
"""

from __future__ import annotations

import ipaddress
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any


def endpoints(order: dict[str, Any]) -> list[list[Any]]:
    """The places of an order, in order."""
    if "endpoints" in order:
        return list(order["endpoints"])
    excluded = [ipaddress.ip_network(one) for one in order.get("exclude", [])]
    return [
        [str(address), port, None, None]
        for network in order["include"]
        for address in ipaddress.ip_network(network)
        if not any(address in one for one in excluded)
        for port in order["ports"]
    ]


class Run:
    """One order being worked on."""

    def __init__(self, plan: Path) -> None:
        self.file = plan
        self.plan: dict[str, Any] = json.loads(plan.read_text())
        self.stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: Any) -> None:
        self.stopped = True

    def say(self, **words: Any) -> None:
        """One line."""
        print(json.dumps(words), flush=True)

    def survey(self, order: dict[str, Any]) -> None:
        """What the plan has for this address and port."""
        self.say(progress={"done": 1, "total": 2})
        self.say(survey={**self.plan["survey"], "address": order["address"], "port": order["port"]})

    def scan(self, order: dict[str, Any]) -> None:
        """Goes through the endpoints from `from` on."""
        places = endpoints(order)
        done, found, failures = order["from"], 0, {"refused": 0, "timeout": 0}
        for place in places[done:]:
            if self.stopped:
                break
            if self.plan.get("die_at") == done:
                self.plan.pop("die_at")
                self.file.write_text(json.dumps(self.plan))
                sys.exit(3)
            time.sleep(self.plan.get("pause_s", 0))
            key = f"{place[0]}:{place[1]}" + (f":{place[2]}" if place[2] else "")
            chain = self.plan["served"].get(key)
            done += 1
            if chain:
                found += 1
                address, port, name, starttls = place
                here = {"index": done - 1, "address": address, "port": port, "server_name": name}
                self.say(found={**here, "starttls": starttls, "protocol": "TLSv1.2", "suite": "", "proved": False,
                    "chain": chain})  # fmt: skip
            else:
                reason = "timeout" if key in self.plan.get("silent", []) else "refused"
                failures[reason] += 1
                if order.get("tell_missed"):
                    address, port, name, _ = place
                    where = {"index": done - 1, "address": address, "port": port, "server_name": name}
                    self.say(missed={**where, "reason": reason})
            self.say(progress=self._numbers(done, len(places), found, failures) | {"rate": 10.0, "seconds_left": 1.0})
        self.say(end=self._numbers(done, len(places), found, failures) | {"stopped": self.stopped})

    def _numbers(self, done: int, total: int, found: int, failures: dict[str, int]) -> dict[str, Any]:
        counted = {reason: count for reason, count in failures.items() if count}
        return {"done": done, "total": total, "found": found, "failures": counted}


def main() -> None:
    """Reads the order and works on it."""
    run = Run(Path(sys.argv[1]))
    ((kind, order),) = json.loads(sys.stdin.readline()).items()
    getattr(run, kind)(order)


if __name__ == "__main__":
    main()
