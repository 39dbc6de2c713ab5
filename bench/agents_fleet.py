# SPDX-License-Identifier: Apache-2.0
"""Many agents in one process, as the gateway sees them: `python -m bench.agents_fleet < plan.json`, a report on stdout.

Each speaks the agent API over connections of its own, one a request, verified by the pinned CA; it asks when the
gateway tells it to, waits after a failure as the real agent does, and does its jobs with a step and an outcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import resource
import ssl
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from certwright_agent.loop import jittered, pause

from shared.clock import to_text

PREFIX = "/api/agent/v1"
TIMEOUT_S = 20.0  # the real agent's
HEAD_LIMIT = 1 << 16
FACTS = {"version": "99.0.0", "os": "Debian GNU/Linux 12", "web_servers": ["nginx/1.22.1"]}
UNREACHABLE = "no connection"
SOURCES = 200  # of 127.0.1.0/24: one address has 28,000 ports, and each is kept a minute after its use


@dataclass
class Plan:
    """What a fleet does. `tokens` has one for each agent; `at_once` lets all begin in the same moment instead of over
    the first interval; it ends after `seconds`, or when each was answered and `until_seen` is set. The first
    `report_sites` tell of a site before they ask for work."""

    url: str
    ca_file: str
    tokens: list[str]
    seconds: float
    at_once: bool = False
    until_seen: bool = False
    report_sites: int = 0


@dataclass
class Report:
    """What a fleet saw. `seen_s` is when each agent got its first answer, `claim_s` how long claims took, in seconds;
    `answers` counts by status; `told` are the seconds of each Retry-After; `finished` names the jobs."""

    answers: dict[str, int] = field(default_factory=dict)
    seen_s: list[float] = field(default_factory=list)
    claim_s: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    seconds: float = 0.0


class RefusedError(Exception):
    """No answer, a 429, or a 5xx; `retry_after` in seconds is 0 when the gateway did not say."""

    def __init__(self, status: str, retry_after: float = 0.0) -> None:
        super().__init__(status)
        self.retry_after = retry_after


class Fleet:
    """All agents of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        parts = urlsplit(plan.url)
        self._host, self._port = str(parts.hostname), int(parts.port or 443)
        self._tls = ssl.create_default_context(cafile=plan.ca_file) if parts.scheme == "https" else None
        self._sources = itertools.cycle(f"127.0.1.{number}" for number in range(1, SOURCES + 1))
        self._answers: Counter[str] = Counter()
        self._began = 0.0
        self.report = Report()

    async def run(self) -> Report:
        """The plan from its start to its end."""
        self._began = time.monotonic()
        agents = [asyncio.create_task(self._agent(number)) for number in range(len(self._plan.tokens))]
        await asyncio.wait(agents, timeout=self._plan.seconds)
        for agent in agents:
            agent.cancel()
        for outcome in await asyncio.gather(*agents, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
                raise outcome
        self.report.seconds = time.monotonic() - self._began
        self.report.answers = dict(self._answers)
        return self.report

    async def _agent(self, number: int) -> None:
        """One agent's life, by the rules of certwright_agent/loop.py."""
        failures, seen, told_sites = 0, False, number >= self._plan.report_sites
        if not self._plan.at_once:
            await asyncio.sleep(random.uniform(0, 5.0))
        while True:
            try:
                if not told_sites:
                    await self._send(number, "PUT", "/sites", {"sites": [_site(number)]})
                    told_sites = True
                wait = jittered(await self._claim(number))
                failures = 0
                if not seen:
                    seen = True
                    self.report.seen_s.append(time.monotonic() - self._began)
                    if self._plan.until_seen:
                        return
            except RefusedError as refused:
                failures += 1
                wait = pause(failures, None, refused.retry_after)
            await asyncio.sleep(wait)

    async def _claim(self, number: int) -> float:
        """Until there is no more work. Seconds to wait, as told."""
        while True:
            began = time.monotonic()
            body = {"facts": {**FACTS, "hostname": f"host{number}"}, "limit": 1}
            work = await self._send(number, "POST", "/jobs/claim", body)
            self.report.claim_s.append(time.monotonic() - began)
            if not work["jobs"]:
                return float(work["poll_after"])
            for job in work["jobs"]:
                await self._do(number, job)

    async def _do(self, number: int, job: dict[str, Any]) -> None:
        """A job with one step; its outcome is told until the gateway has it, as the real agent's outbox does."""
        path, step = f"/jobs/{job['job_id']}", {"name": "handshake", "status": "done", "at": to_text(datetime.now(UTC))}
        with contextlib.suppress(RefusedError):  # the outcome repeats it
            await self._send(number, "POST", f"{path}/steps", {"step": step})
        outcome = {
            "succeeded": True,
            "result": {"correct": True, "expected_serial": "01", "bindings": []},
            "steps": [step],
        }
        for failures in itertools.count(1):
            try:
                await self._send(number, "POST", f"{path}/finish", outcome)
                break
            except RefusedError as refused:
                await asyncio.sleep(pause(failures, None, refused.retry_after))
        self.report.finished.append(job["job_id"])

    async def _send(self, number: int, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request on a connection of its own. Raises RefusedError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, headers, content = await self._exchange(number, method, path, json.dumps(body).encode())
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ssl.SSLError):
            self._answers[UNREACHABLE] += 1
            raise RefusedError(UNREACHABLE) from None
        self._answers[status] += 1
        if status.startswith("4") and status != "429":
            raise RuntimeError(f"{method} {path}: {status} {content.decode(errors='replace')}")
        if not status.startswith("2"):
            told = float(headers.get("retry-after", 0))
            if told:
                self.report.told.append(told)
            raise RefusedError(status, told)
        found: dict[str, Any] = json.loads(content) if content else {}
        return found

    async def _exchange(self, number: int, method: str, path: str, body: bytes) -> tuple[str, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection(
            self._host, self._port, ssl=self._tls, limit=HEAD_LIMIT, local_addr=(next(self._sources), 0),
            **({"ssl_handshake_timeout": TIMEOUT_S} if self._tls else {}),
        )  # fmt: skip
        try:
            writer.write(
                f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
                f"Authorization: Bearer {self._plan.tokens[number]}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            content = await reader.readexactly(int(headers.get("content-length", 0)))
            return head[0].split()[1], headers, content
        finally:
            writer.close()


def _site(number: int) -> dict[str, Any]:
    name = f"www{number}.example.com"
    return {
        "web_server": "nginx",
        "name": name,
        "names": [name],
        "bindings": [{"address": "", "port": 80, "tls": False, "names": [name]}],
        "document_root": f"/srv/www/{name}",
        "config_path": f"/etc/nginx/sites-enabled/{name}.conf",
        "writable": True,
    }


def main() -> None:
    """One plan."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    random.seed(os.urandom(16))
    report = asyncio.run(Fleet(Plan(**json.load(sys.stdin))).run())
    json.dump(asdict(report), sys.stdout)


if __name__ == "__main__":
    main()
