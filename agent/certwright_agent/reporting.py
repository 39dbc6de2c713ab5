# SPDX-License-Identifier: Apache-2.0
"""What the probe says, on its way to the gateway: in reports of bounded size, by a thread beside the probe's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from certwright_agent.errors import GatewayError
from certwright_agent.gateway import Gateway

EVERY_S = 0.8  # between two reports: each may be answered by "stop"
_MOST = 200  # places in one report
_MOST_BYTES = 400_000  # of certificates in one report; the gateway takes a body of 1 MiB
_MOST_WAITING = 5000  # places that were not told yet; beyond it, looking waits for telling


class Reports:
    """See `shared.probe.scan_job.Teller`. `during` tells while the probe looks; `finish` tells the rest.

    An answer other than "go_on", or a gateway that does not answer, stops the probe.
    """

    def __init__(self, gateway: Gateway, path: str, run: int, start: int) -> None:
        self._gateway = gateway
        self._path = path
        self._run = run
        self._number = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._now: dict[str, Any] = {"done": start}
        self._told = start
        self._ends: list[Callable[[], None]] = []
        self._problem: GatewayError | None = None
        self._looked = threading.Event()
        self.order = "go_on"
        self.stopped = False

    def during(self, look: Callable[[], None]) -> None:
        """Tells until `look` returns or raises."""
        thread = threading.Thread(target=self._tell_all, daemon=True)
        thread.start()
        try:
            look()
        finally:
            self._looked.set()
            self._wake.set()
            thread.join()

    def on_stop(self, end: Callable[[], None]) -> None:
        """Calls `end` when the probe is to stop."""
        self._ends.append(end)
        if self.stopped:
            end()

    def stop(self) -> None:
        """Asks the probe to stop; from any thread."""
        self.stopped = True
        self._wake.set()
        for end in self._ends:
            end()

    def say(self, kind: str, body: dict[str, Any]) -> None:
        """One line of the probe."""
        with self._lock:
            if kind in ("found", "missed"):
                self._waiting.append((kind, body))
            else:  # it comes after what it counts
                self._now = body
            full = len(self._waiting)
        if full >= _MOST:
            self._wake.set()
        if full >= _MOST_WAITING:
            self.stop()  # a later run goes on from what was told

    def finish(self) -> None:
        """Tells what is left, and that the probe has stopped if it was told to. Raises GatewayError."""
        if self._problem is not None:
            raise self._problem
        if self.order != "over":
            self._tell(stopped=self.order == "stop")

    def _tell_all(self) -> None:
        while True:
            self._wake.wait(EVERY_S)
            self._wake.clear()
            if self.stopped or self._looked.is_set():
                return
            try:
                self._tell()
            except GatewayError as error:
                self._problem = error
                self.stop()
                return
            if self.order != "go_on":
                self.stop()

    def _tell(self, *, stopped: bool = False) -> None:
        """Tells all that is known now, in as many reports as it takes. Raises GatewayError."""
        with self._lock:
            waiting, now = self._waiting, self._now
            self._waiting = []
        while True:
            body, waiting = _report(waiting)
            if not waiting:  # only what was told wholly lies before the position
                self._told = now["done"]
                body.update({name: now[name] for name in ("rate", "seconds_left", "failures") if name in now})
                body["stopped"] = stopped
            self._number += 1
            answer = self._gateway.send(
                "POST", self._path, {**body, "run": self._run, "number": self._number, "done": self._told}
            )
            self.order = str(answer.get("order"))
            if not waiting or self.order == "over":
                return


def _report(waiting: list[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """As many places as fit into one report, each certificate once; and the places that are left."""
    found: list[dict[str, Any]] = []
    missed: list[dict[str, Any]] = []
    certificates: dict[str, int] = {}
    size = 0
    for position, (kind, said) in enumerate(waiting):
        place = {"address": said["address"], "port": said["port"], "name": said["server_name"] or ""}
        fresh = sum(len(one) for one in set(said.get("chain", ())) if one not in certificates)
        if position >= _MOST or (position and size + fresh > _MOST_BYTES):
            return _body(certificates, found, missed), waiting[position:]
        size += fresh
        if kind == "missed":
            missed.append({**place, "reason": said["reason"]})
            continue
        chain = [certificates.setdefault(one, len(certificates)) for one in said["chain"]]
        about = {"starttls": said["starttls"] or "", "protocol": said["protocol"], "proved": said["proved"]}
        found.append({**place, **about, "chain": chain})
    return _body(certificates, found, missed), []


def _body(certificates: dict[str, int], found: list[Any], missed: list[Any]) -> dict[str, Any]:
    return {"certificates": list(certificates), "found": found, "missed": missed}
