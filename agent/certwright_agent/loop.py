# SPDX-License-Identifier: Apache-2.0
"""The agent's life: finish what was begun, tell what the sites are, claim work, do it, deliver the outcome."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from certwright_agent import facts, report
from certwright_agent.errors import AgentError, GatewayError, Refused
from certwright_agent.gateway import Gateway
from certwright_agent.jobs import Worker
from certwright_agent.remote.fleet import Fleet

_REPORT_EVERY = 600.0  # seconds; sooner when something changed
_LOOK_EVERY = 30.0
_FACTS_EVERY = 60.0
_BACKOFF_LIMIT = 60.0
_POLL = 5.0  # when neither the settings nor the gateway say more


class Agent:
    """One agent at work. `say` is for the log on standard error: never a secret."""

    def __init__(
        self, gateway: Gateway, worker: Worker, say: Callable[[str], None], fleet: Fleet | None = None
    ) -> None:
        self._gateway = gateway
        self._worker = worker
        self._say = say
        self._fleet = fleet
        self._reported = ""
        self._reported_at = self._looked_at = float("-inf")
        self._telling = True
        self._away = False
        self._known_facts: dict[str, Any] = {}
        self._gathered_at = float("-inf")
        self.stopping = False

    def once(self) -> float:
        """One round: delivers, reports, claims and works until there is no more. Returns seconds to wait.

        Raises GatewayError when the gateway cannot be reached or does not know this agent.
        """
        self._worker.recover()
        self._worker.scans.look()
        if self._fleet is not None:
            self._fleet.refresh()
        self._deliver()
        self.report_sites()
        if self._fleet is not None:
            self._fleet.tell()
        while not self.stopping:
            work = self._gateway.send("POST", "/jobs/claim", self._claim())
            jobs = work.get("jobs")
            if not isinstance(jobs, list) or not jobs:
                return _seconds(work.get("poll_after"))
            for job in jobs:
                if isinstance(job, dict):
                    self._do(job)
        return 0.0

    def settle(self) -> None:
        """For an agent without threads: what was taken for its servers is done and delivered. Raises GatewayError."""
        if self._fleet is not None:
            self._fleet.settle()
            self._deliver()
            self._fleet.tell()

    def run(self, poll_seconds: float | None, sleep: Callable[[float], None] = time.sleep) -> None:
        """Rounds until `stopping`, with jitter, ever slower while the gateway is away. Raises GatewayError 401."""
        failures = 0
        if self._fleet is not None:
            self._fleet.start()
        while not self.stopping:
            try:
                told = self.once()
                wait = jittered(poll_seconds or told or _POLL)
                failures, self._away = 0, False
            except GatewayError as error:
                if error.status == 401:
                    raise
                failures, self._away = failures + 1, True
                self._say(str(error))
                wait = pause(failures, poll_seconds, error.retry_after)
            except (AgentError, OSError) as error:
                self._say(str(error))
                wait = jittered(_BACKOFF_LIMIT)
            while wait > 0 and not self.stopping and not self._has_news():
                sleep(min(wait, 0.25))
                wait -= 0.25

    def wait_for_scans(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Until every scan that was taken up has ended, or `stopping`."""
        self._worker.scans.wait(sleep, lambda: self.stopping)

    def close(self) -> None:
        """Ends what runs beside; it goes on with the next start."""
        self._worker.scans.close()
        if self._fleet is not None:
            self._fleet.close()

    def report_sites(self, *, always: bool = False) -> None:
        """Tells the gateway what the sites are, when that changed or was not told for long."""
        now = time.monotonic()
        watch = self._worker.watch
        if not always and now - self._looked_at < _LOOK_EVERY and not watch.changed():
            return
        self._looked_at = now
        sites, problems = report.sites(self._worker.servers, watch)
        for problem in problems:
            self._say(problem)
        digest = hashlib.sha256(json.dumps(sites, sort_keys=True).encode()).hexdigest()
        if always or digest != self._reported or now - self._reported_at > _REPORT_EVERY:
            self._gateway.send("PUT", "/sites", {"sites": sites})
            self._reported, self._reported_at = digest, now

    def _facts(self) -> dict[str, Any]:
        """The facts, gathered once a minute: each time the web servers' programs have to be asked."""
        if time.monotonic() - self._gathered_at > _FACTS_EVERY:
            self._known_facts, self._gathered_at = facts.gather(self._worker.servers), time.monotonic()
        return self._known_facts

    def _claim(self) -> dict[str, Any]:
        """Says what this agent still has in hand for its servers: all else that it was given is lost."""
        held = self._fleet.held() if self._fleet is not None else []
        return {"facts": self._facts(), "limit": 1, **({"held": held} if held else {})}

    def _has_news(self) -> bool:
        """Whether a server has something to be told, while the gateway listens."""
        return self._fleet is not None and self._fleet.news.is_set() and not self._away

    def _do(self, job: dict[str, Any]) -> None:
        self._telling = True
        try:
            if job.get("server"):
                self._hand_on(job)
                return
            job_id, outcome = self._worker.work(job, lambda step: self._tell(str(job.get("job_id")), step))
        except Refused as problem:
            self._say(str(problem))
            return
        self._say(f"{job.get('kind')} {job_id}: {'done' if outcome.succeeded else outcome.reason}")
        if job.get("kind") in ("install_certificate", "report_sites"):
            self.report_sites(always=True)
        self._deliver()

    def _hand_on(self, job: dict[str, Any]) -> None:
        """A job for a server is never done on this host. Raises Refused."""
        if self._fleet is None:
            raise Refused("a job for a server came to an agent that has none")
        self._fleet.take(str(job["server"]), job)
        self._deliver()

    def _tell(self, job_id: str, step: dict[str, str]) -> None:
        """Tells a step as it happens. The outcome repeats all of them, so a gateway that is away must not slow us."""
        if not self._telling:
            return
        try:
            self._gateway.send("POST", f"/jobs/{job_id}/steps", {"step": step}, timeout=2.0)
        except GatewayError:
            self._telling = False

    def _deliver(self) -> None:
        for job_id, outcome in self._worker.outcomes.waiting().items():
            try:
                self._gateway.send("POST", f"/jobs/{job_id}/finish", asdict(outcome))
            except GatewayError as error:
                if error.status not in (404, 409, 422):
                    raise
                self._say(f"the gateway does not want the outcome of job {job_id}: {error}")
            self._worker.outcomes.delivered(job_id)


def jittered(seconds: float) -> float:
    """A fifth less to a fifth more, so that agents which began together do not stay together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  no secret


def pause(failures: int, poll_seconds: float | None, retry_after: float) -> float:
    """Seconds to wait after so many failures in a row. What the gateway asks for (`retry_after`, 0 when it does not
    say) is a least: never sooner, and up to a fifth later."""
    if retry_after:
        return retry_after * random.uniform(1.0, 1.2)  # noqa: S311  no secret
    return jittered(min(_BACKOFF_LIMIT, (poll_seconds or _POLL) * 2 ** min(failures, 10)))


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 < value <= 3600 else 0.0
