# SPDX-License-Identifier: Apache-2.0
"""The process of one scan: asks the gateway for what comes next, looks, and reports at least once a second.

The gateway keeps the position. Whatever breaks off, be it this process, its host or the way to the gateway, the scan
goes on from the last report that arrived.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from shared.probe import scan_job

from certwright_agent.config import Settings
from certwright_agent.errors import AgentError, GatewayError, Refused
from certwright_agent.gateway import Gateway
from certwright_agent.reporting import EVERY_S, Reports
from certwright_agent.scans import check_networks

_AGAIN_S = 2.0
_LONGEST_S = 60.0  # between two tries to reach the gateway
_IN_FLIGHT = 1000
_LOOKUPS = 16
_NICE = 10  # whatever else the host does comes first
_REASONS = {socket.EAI_NONAME: "dns_nxdomain", socket.EAI_NODATA: "dns_nodata", socket.EAI_AGAIN: "dns_timeout"}


class Scanning:
    """One scan until it is over or `leave` is called. `say` is for the log."""

    def __init__(self, gateway: Gateway, settings: Settings, scan_id: str, say: Callable[[str], None]) -> None:
        self._gateway = gateway
        self._settings = settings
        self._path = f"/scans/{scan_id}"
        self._say = say
        self._leaving = threading.Event()
        self._reports: Reports | None = None

    def leave(self, *_signal: object) -> None:
        """Ends soon, in the middle; from a signal handler or another thread."""
        self._leaving.set()
        if self._reports is not None:
            self._reports.stop()

    def leave_with_parent(self) -> None:
        """Leaves when standard input ends: whoever started this is gone."""

        def watch() -> None:
            while os.read(0, 4096):
                pass
            self.leave()

        threading.Thread(target=watch, daemon=True).start()

    def run(self) -> bool:
        """Looks at part after part. True when the scan is over, False when it was left in the middle. Raises
        GatewayError where the gateway does not want this agent."""
        os.nice(_NICE)
        while not self._leaving.is_set():
            part = self._next_part()
            if part is None:
                return False
            if not part.get("part"):
                return True
            try:
                if part["part"] == "names":
                    self._names(part)
                else:
                    self._sweep(part)
            except (AgentError, KeyError, TypeError, ValueError) as problem:
                if not self._fail(part, problem):
                    return True
        return False

    def _next_part(self) -> dict[str, Any] | None:
        """What comes next, asked for until the gateway answers; None when this is to be left."""
        pause = _AGAIN_S
        while not self._leaving.is_set():
            try:
                return self._gateway.send("POST", f"{self._path}/part", {})
            except GatewayError as error:
                if error.status == 404:  # the scan is not there any more
                    return {}
                if error.status == 401:
                    raise
                self._say(f"the scan waits: {error}")
            self._leaving.wait(pause)
            pause = min(_LONGEST_S, pause * 2)
        return None

    def _fail(self, part: Mapping[str, Any], problem: Exception) -> bool:
        """Tells why the scan cannot go on. True when that was only the way to the gateway."""
        if isinstance(problem, GatewayError) and problem.status in (0, 408, 429, *range(500, 600)):
            self._say(f"the scan waits: {problem}")
            return True
        self._say(f"the scan ends: {problem}")
        code = "scan_refused" if isinstance(problem, Refused) else "agent_failed"
        body = {"run": part.get("run"), "number": 2**31 - 1, "done": 0, "failure": code}
        try:
            self._gateway.send("POST", f"{self._path}/reports", body)
        except GatewayError as error:
            self._say(str(error))
        return False

    def _sweep(self, part: Mapping[str, Any]) -> None:
        """Looks at endpoints or networks; what is found goes out meanwhile."""
        order = self._order(part)
        reports = Reports(self._gateway, f"{self._path}/reports", int(part["run"]), int(part["start"]))
        self._reports = reports
        if self._leaving.is_set():
            return
        reports.during(lambda: scan_job.run(order, reports))
        if not self._leaving.is_set():
            reports.finish()

    def _order(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """The job of the probe, within what the settings allow. Raises Refused."""
        rate = int(part["rate"])
        order: dict[str, Any] = {
            "rate": min(rate, self._settings.scan_rate) if rate else self._settings.scan_rate,
            "in_flight": min(int(part["in_flight"]), _IN_FLIGHT),
            "connect_s": part["connect_s"],
            "talk_s": part["talk_s"],
            "from": part["start"],
            "tell_missed": part["part"] == "again",
        }
        if part["part"] == "networks":
            check_networks(self._settings, part["networks"])
            where = {"include": part["networks"], "exclude": part["exclude"], "ports": list(map(str, part["ports"]))}
            return {**order, **where}
        endpoints = part["endpoints"]
        check_networks(self._settings, sorted({one["address"] for one in endpoints}))
        listed = [[one["address"], one["port"], one["name"] or None, one["starttls"] or None] for one in endpoints]
        return {**order, "endpoints": listed}

    def _names(self, part: Mapping[str, Any]) -> None:
        """Looks the names up, a few at a time, and hears meanwhile whether to go on."""
        run, number = int(part["run"]), 0
        with ThreadPoolExecutor(_LOOKUPS) as pool:
            asked: dict[str, Future[list[str]]] = {name: pool.submit(_look_up, name) for name in part["names"]}
            left = set(asked.values())
            while left and not self._leaving.is_set():
                _, left = wait(left, EVERY_S)
                number += 1
                beat = {"run": run, "number": number, "done": 0}
                if self._gateway.send("POST", f"{self._path}/reports", beat).get("order") != "go_on":
                    break
            if left or self._leaving.is_set():
                for one in asked.values():
                    one.cancel()
                return
        answers = [self._answer(name, one) for name, one in asked.items()]
        self._gateway.send("POST", f"{self._path}/names", {"run": run, "names": answers})

    def _answer(self, name: str, asked: Future[list[str]]) -> dict[str, Any]:
        try:
            addresses = asked.result()
            if addresses:
                check_networks(self._settings, addresses)
        except Refused as refused:
            return {"name": name, "reason": "address_refused", "detail": str(refused)[:200]}
        except (OSError, UnicodeError) as error:
            reason = _REASONS.get(error.errno or 0, "dns_servfail") if isinstance(error, OSError) else "dns_nxdomain"
            return {"name": name, "reason": reason, "detail": str(error)[:200]}
        return {"name": name, "addresses": addresses} if addresses else {"name": name, "reason": "dns_nodata"}


def _look_up(name: str) -> list[str]:
    """The addresses of a name, as this host sees it. Raises OSError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in found)
    return [str(ipaddress.ip_address(text)) for text in texts]
