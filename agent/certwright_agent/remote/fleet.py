# SPDX-License-Identifier: Apache-2.0
"""All servers of the agent: which there are, what is told of them to the gateway, and whose a job is."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from certwright_agent.errors import AgentError, GatewayError
from certwright_agent.gateway import Gateway
from certwright_agent.jobs import job_id_of
from certwright_agent.outcome import Outcome, Outcomes
from certwright_agent.remote import program
from certwright_agent.remote.handed import Handed
from certwright_agent.remote.keys import Keys
from certwright_agent.remote.lane import Lane
from certwright_agent.remote.register import Register
from certwright_agent.remote.visit import Visitor

_TELL_EVERY = 60.0  # seconds; sooner when something changed
_SITES_EVERY = 600.0
_SETTLE_SECONDS = 300.0


class Fleet:
    """The servers below `state`; none at all costs nothing."""

    def __init__(self, state: Path, gateway: Gateway, outcomes: Outcomes, say: Callable[[str], None]) -> None:
        self._state = state
        self._gateway = gateway
        self._outcomes = outcomes
        self._say = say
        self._register = Register(state)
        self._lanes: dict[str, Lane] = {}
        self._program: bytes | None = None
        self._handed: Handed | None = None
        self._threads = False
        self._problem = ""
        self._told = ""
        self._told_at = float("-inf")
        self._sites: dict[str, tuple[str, float]] = {}
        self._deaf: set[str] = set()
        self.news = threading.Event()

    def start(self) -> None:
        """From now on each server has a thread."""
        self._threads = True

    def refresh(self) -> None:
        """Takes up what was added and lets go what was removed. A fault there must not stop the work on this host."""
        if not self._register.used:
            return
        handed = self._handed = self._handed or Handed(self._state)
        try:
            there = {server.ref: server for server in self._register.servers()}
            own_program = self._program = self._program or program.own()
        except (AgentError, OSError) as problem:
            if str(problem) != self._problem:
                self._say(str(problem))
            self._problem = str(problem)
            return
        self._problem = ""
        for ref in set(self._lanes) - set(there):
            self._lanes.pop(ref).stop()
            self._sites.pop(ref, None)
        handed.leave(set(there))
        for ref in set(there) - set(self._lanes):
            visitor = Visitor(Keys(self._state), self._register.known_hosts, own_program)
            lane = Lane(
                there[ref], visitor, handed, self._outcomes, tell=self._step, news=self.news, say=self._say
            )  # fmt: skip
            self._lanes[ref] = lane
            if self._threads:
                lane.start()
            else:
                lane.round()

    def held(self) -> list[str]:
        """The jobs that are in hand or in doubt: the gateway must not hand them out again."""
        return self._handed.ids() if self._handed is not None else []

    def take(self, ref: str, job: dict[str, Any]) -> None:
        """A job for a server. One for a server that is not there is refused. Raises Refused for a job without an id."""
        lane, job_id = self._lanes.get(ref), job_id_of(job)
        if job_id in self._outcomes.waiting():
            return
        if lane is None or self._handed is None:
            gone = "this server is not one of the agent's any more"
            self._outcomes.keep(job_id, Outcome(succeeded=False, reason=gone, code="server_gone"))
        else:
            self._handed.take(ref, job)
            lane.wake()

    def tell(self) -> None:
        """Tells the gateway of the servers and their sites, when that changed or was not told for long."""
        if not self._register.used or self._problem:
            return
        self.news.clear()
        now = time.monotonic()
        reports = [lane.report() for _, lane in sorted(self._lanes.items())]
        digest = _digest(reports)
        if digest != self._told or now - self._told_at > _TELL_EVERY:
            known = self._gateway.send("PUT", "/servers", {"servers": reports})
            self._told, self._told_at = digest, now
            self._forget(known)
        for ref, lane in self._lanes.items():
            self._tell_sites(ref, lane, now)

    def settle(self) -> None:
        """Without threads: works until nothing is in hand, or no server answers."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        for lane in self._lanes.values():
            while time.monotonic() < deadline and lane.round():
                pass

    def close(self) -> None:
        """No more visits."""
        for lane in self._lanes.values():
            lane.stop()

    def _tell_sites(self, ref: str, lane: Lane, now: float) -> None:
        if lane.sites is None:
            return
        digest = _digest(lane.sites)
        told, at = self._sites.get(ref, ("", float("-inf")))
        if digest == told and now - at < _SITES_EVERY:
            return
        try:
            self._gateway.send("PUT", "/sites", {"server": ref, "sites": lane.sites})
        except GatewayError as error:
            if error.status not in (404, 409, 422):
                raise
            self._say(f"the gateway does not want the sites of {lane.server.name}: {error}")
        self._sites[ref] = (digest, now)

    def _forget(self, known: Mapping[str, Any]) -> None:
        """Servers that were removed in the console are forgotten here too."""
        raw = known.get("forget")
        for ref in raw if isinstance(raw, list) else ():
            if isinstance(ref, str) and ref in self._lanes and self._register.remove(ref):
                self._say(f"{self._lanes[ref].server.name} was removed in the console")
                self._lanes.pop(ref).stop()

    def _step(self, job_id: str, step: dict[str, str]) -> None:
        """Passes a step on as it happens; the outcome repeats all of them, so a gateway that is away slows nothing."""
        if job_id in self._deaf:
            return
        try:
            self._gateway.send("POST", f"/jobs/{job_id}/steps", {"step": step}, timeout=2.0)
        except AgentError:
            self._deaf.add(job_id)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
