# SPDX-License-Identifier: Apache-2.0
"""Scans by an agent: what it shall look at now, and what it saw. An agent job begins one; this is all that follows."""

from __future__ import annotations

from shared.contracts.base import Permission, Request, View, command
from shared.contracts.discovery.inventory import SERVICE

PARTS = ("names", "endpoints", "networks", "again")
ORDERS = ("go_on", "stop", "over")
FAILURES = ("scan_refused", "agent_failed")


class ScanEndpoint(View):
    """Where to look. `name` is asked for by SNI, empty for none; `starttls` empty: what is usual on that port."""

    address: str
    port: int
    name: str = ""
    starttls: str = ""


class ScanPart(View):
    """What an agent looks at now. `part`: names (look them up), endpoints, networks, again (places of the scan before;
    each is told, also without a certificate); empty when nothing is left to do.

    Reports name `run`. `start` is the index to begin at: what lies before it was told. Times in seconds.
    """

    part: str
    run: int = 0
    names: list[str] = []
    endpoints: list[ScanEndpoint] = []
    networks: list[str] = []
    exclude: list[str] = []
    ports: list[int] = []
    start: int = 0
    rate: int = 0
    in_flight: int = 0
    connect_s: float = 0.0
    talk_s: float = 0.0


class ScanOrder(View):
    """What an agent does next. `order`: go_on, stop (tell what is left, then say that it has stopped), over (nobody
    waits for more of this run)."""

    order: str


class AgentFinding(View):
    """A certificate at a place. `chain` counts into the report's `certificates`, leaf first."""

    address: str
    port: int
    chain: list[int]
    name: str = ""
    starttls: str = ""
    protocol: str = ""
    proved: bool = False


class AgentMiss(View):
    """A place without a certificate, and why."""

    address: str
    port: int
    reason: str
    name: str = ""


class ScanNameAnswer(View):
    """Where a name leads as the agent's host sees it; without addresses, `reason` as of NameProblem."""

    name: str
    addresses: list[str] = []
    reason: str = ""
    detail: str = ""


@command(SERVICE, Permission.AGENT)
class TakeScanPart(Request[ScanPart]):
    """The agent has no run of this scan (any more), and begins one where the scan is."""

    scan_id: str


@command(SERVICE, Permission.AGENT)
class ReportScanNames(Request[ScanOrder]):
    """Where the names of a scan lead."""

    scan_id: str
    run: int
    names: list[ScanNameAnswer]


@command(SERVICE, Permission.AGENT)
class ReportScan(Request[ScanOrder]):
    """What came in since the last report, at least once a second; it says whether to go on.

    `number` counts the reports of a run from 1: one that came before is answered and changes nothing. `certificates`
    are base64 DER, each once. `done` is the index of the part before which all is told; `failures` counts places of
    this run without a certificate before it, by reason. `failure` ends the scan: scan_refused or agent_failed.

    Errors: not_found for a scan of somebody else, invalid for what was not asked for.
    """

    scan_id: str
    run: int
    number: int
    done: int
    certificates: list[str] = []
    found: list[AgentFinding] = []
    missed: list[AgentMiss] = []
    rate: float | None = None
    seconds_left: float | None = None
    failures: dict[str, int] = {}
    stopped: bool = False
    failure: str = ""
