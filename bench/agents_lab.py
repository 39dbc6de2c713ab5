# SPDX-License-Identifier: Apache-2.0
"""Certwright with a fleet of enrolled agents, and what it costs its gateway when they come.

Agents are enrolled by the installer's own commands, many in one transaction, before the gateway starts; from then on
they are known by their tokens only. The fleet runs in a process of its own (bench/agents_fleet.py).
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.agents_fleet import FACTS, Plan, Report
from certwright.api_client import APIClient, ProblemError, UnreachableError
from services.installer import bootstrap
from services.installer.handlers import agents, enrolment
from services.installer.model.enrolment import code_hash
from shared.context import Context
from shared.contracts import installer as contract
from shared.eventstore.unit_of_work import UnitOfWork
from shared.settings import Settings
from tests.support.key_files import KeyFiles, self_signed
from tests.support.live_gateway import Live, live

IN_ONE_GO = 100
SAMPLE_S = 0.1
ASK_EVERY_S = 0.2
HOST = "localhost"


@dataclass
class Lab:
    """A running product, whose customer has agents."""

    running: Live
    customer: APIClient
    token: str
    tokens: list[str]
    tls: KeyFiles | None

    def plan(self, count: int, seconds: float, **how: Any) -> Plan:
        """What the first `count` agents do."""
        return Plan(self.running.url, ca_of(self.tls), self.tokens[:count], seconds, **how)

    def states(self) -> Counter[str]:
        """The agents of the customer by the state that the console shows."""
        return Counter(agent["state"] for agent in self.customer.pages("/agents", most=len(self.tokens)))

    def order_checks(self) -> list[str]:
        """A job for the agent of every site that is known. Ids of the jobs."""
        jobs = []
        for site in self.customer.pages("/sites", most=len(self.tokens)):
            asked = {"server_id": site["server_id"], "site_id": site["site_id"], "expected_serial": "01"}
            jobs.append(str(self.customer.post("/installation-checks", asked)["job_id"]))
        return jobs

    def ended(self, jobs: list[str]) -> Counter[str]:
        """How these jobs ended, by status; one that an agent was given more than once counts as `again` too."""
        found: Counter[str] = Counter()
        for job_id in jobs:
            job = self.customer.get(f"/jobs/{job_id}")
            found[job["status"]] += 1
            found["again"] += len(job["steps"]) > 1
        return found


def settings_of(tls: KeyFiles | None, **more: str) -> dict[str, str]:
    """Environment of the product; with TLS its gateway speaks it itself."""
    own = dict(more)
    if tls is not None:
        own |= {"CERTWRIGHT_GATEWAY_TLS_CERTIFICATE": str(tls.pem), "CERTWRIGHT_GATEWAY_TLS_KEY": str(tls.key)}
    return own


@contextmanager
def lab(folder: Path, count: int, *, https: bool = False, settings: dict[str, str] | None = None) -> Iterator[Lab]:
    """The product with `count` agents of one customer, for the length of the block."""
    with live(folder) as first:
        token = first.customer("fleet@example.com").token  # type: ignore[attr-defined]
        account_id = APIClient(first.url, token).get("/me")["account_id"]
    tokens = enrol(folder / "data", account_id, count)
    tls = self_signed(folder / "tls", "ec", HOST) if https else None
    with live(folder, settings_of(tls, **(settings or {})), host=HOST, scheme="https" if https else "http") as running:
        customer = APIClient(running.url, token, ca_file=ca_of(tls) or None)
        settle(running.ops_url)
        yield Lab(running, customer, token, tokens, tls)


def enrol(data: Path, account_id: str, count: int) -> list[str]:
    """Registers, introduces, verifies and finishes `count` agents. Their tokens."""
    app = bootstrap.build(Settings(data_dir=data))
    context = Context(
        actor="user:fleet", account_id=account_id, permissions=frozenset({"signed_in", "view", "create_order"})
    )
    tokens: list[str] = []

    def some(uow: UnitOfWork, numbers: range) -> contract.Introduction:
        for number in numbers:
            code, token = secrets.token_hex(10).upper(), secrets.token_urlsafe(32)
            hashed = code_hash(code)
            made = agents.register_agent(uow, contract.RegisterAgent(name=f"agent {number}"), policy=app.policy)
            facts = contract.AgentFacts(**FACTS, hostname=f"host{number}")
            hello = contract.IntroduceAgent(uid=made.uid, code_sha256=hashed, facts=facts, remote_address="127.0.0.1")
            enrolment.introduce_agent(uow, hello)
            enrolment.accept_code(uow, contract.VerifyAgent(agent_id=made.agent_id, code=code), policy=app.policy)
            done = contract.FinishEnrolment(uid=made.uid, code_sha256=hashed)
            last = enrolment.finish_enrolment(uow, done, token=token)
            tokens.append(token)
        return last

    try:
        for first in range(0, count, IN_ONE_GO):
            app.room.execute(partial(some), range(first, min(first + IN_ONE_GO, count)), context)
    finally:
        app.room.database.close()
    return tokens


def ca_of(tls: KeyFiles | None) -> str:
    """The file with the CA that agents pin; empty without TLS."""
    return str(tls.pem) if tls else ""


def settle(ops_url: str, patience_s: float = 300.0) -> None:
    """Until what the enrolments made other rooms do is done. Raises TimeoutError."""
    deadline, quiet = time.monotonic() + patience_s, 0
    while quiet < 3:
        if time.monotonic() > deadline:
            raise TimeoutError("the rooms have not become quiet")
        with urllib.request.urlopen(f"{ops_url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        lags = [line for line in text.splitlines() if "_lag_events{" in line]
        quiet = quiet + 1 if lags and all(float(line.split()[-1]) == 0 for line in lags) else 0
        time.sleep(0.3)


def run_fleet(plan: Plan) -> subprocess.Popen[str]:
    """Starts a fleet; `report_of` waits for it."""
    fleet = subprocess.Popen(
        [sys.executable, "-m", "bench.agents_fleet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert fleet.stdin
    fleet.stdin.write(json.dumps(asdict(plan)))
    fleet.stdin.close()
    fleet.stdin = None
    return fleet


def report_of(fleet: subprocess.Popen[str]) -> Report:
    """What a fleet saw. Raises RuntimeError."""
    said, _ = fleet.communicate()
    if fleet.returncode:
        raise RuntimeError(f"the fleet ended with {fleet.returncode}")
    return Report(**json.loads(said))


@dataclass
class Watched:
    """A gateway under load: its most memory (bytes), threads and open files, processor seconds of its process, and how
    long a person at the console waited for each page (seconds); `failed` counts pages that did not come."""

    memory: int = 0
    threads: int = 0
    files: int = 0
    cpu: float = 0.0
    pages_s: list[float] = field(default_factory=list)
    failed: int = 0

    def page(self, share: float) -> float:
        """A quantile of the waiting times, in seconds."""
        return quantile(self.pages_s, share)


@contextmanager
def watched_lab(lab: Lab) -> Iterator[Watched]:
    """The same for a whole product."""
    with watched(lab.running.process.pid, lab.running.url, ca_of(lab.tls), lab.token) as found:
        yield found


@contextmanager
def watched(pid: int, url: str, ca_file: str, token: str) -> Iterator[Watched]:
    """Looks at a gateway, and asks as a person at the console does, each time over a new connection."""
    found, ended = Watched(), threading.Event()
    before = cpu_seconds(pid)

    def sample() -> None:
        while not ended.wait(SAMPLE_S):
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            found.memory = max(found.memory, int(status["VmRSS"].split()[0]) * 1024)
            found.threads = max(found.threads, int(status["Threads"]))
            found.files = max(found.files, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))

    def ask() -> None:
        while not ended.wait(ASK_EVERY_S):
            began = time.monotonic()
            try:
                APIClient(url, token, ca_file=ca_file or None, timeout=60).get("/orders", limit=10)
                found.pages_s.append(time.monotonic() - began)
            except (ProblemError, UnreachableError):
                found.failed += 1

    threads = [threading.Thread(target=each) for each in (sample, ask)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        found.cpu = cpu_seconds(pid) - before


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: list[float], share: float) -> float:
    """Of what was measured; 0 of nothing."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=1000, method="inclusive")[min(round(share * 1000), 999) - 1]
