# SPDX-License-Identifier: Apache-2.0
"""Scans of networks and names for certificates, from this installation (external) or from an agent (internal)."""

from __future__ import annotations

import msgspec

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.contracts.discovery.inventory import SERVICE, InventoryCertificate

STATES = ("waiting", "running", "stopping", "stopped", "finished", "failed")
RESULT_STATES = ("new", "changed", "same", "gone", "unseen")


class ScanProgress(View):
    """How far a scan is. `rate` in endpoints per second, `seconds_left` None while nobody can say; `failures` counts
    endpoints without a certificate by reason."""

    done: int
    total: int
    found: int
    rate: float
    seconds_left: float | None
    failures: dict[str, int]


class NameProblem(View):
    """A name that was not looked at, and why: address_refused, dns_nxdomain, dns_nodata, dns_servfail, dns_timeout."""

    name: str
    reason: str
    detail: str


class ScanCounts(View):
    """How the results compare with the last finished scan of the same targets. `unseen` places gave no answer."""

    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    unseen: int = 0


class ScanView(View):
    """One scan. `state`: waiting, running, stopping, stopped, finished, failed; `reason` says why one failed.
    `compared_with` is the scan that its results are compared with, or empty. With an `agent_id` it runs there, and
    `waits_for_agent` tells that the agent has not been heard of for a while; `agent_name` is its name at the start."""

    scan_id: str
    targets: list[str]
    names: list[str]
    ports: list[int]
    exclude: list[str]
    rate: int
    state: str
    reason: str
    progress: ScanProgress
    counts: ScanCounts
    name_problems: list[NameProblem]
    compared_with: str
    schedule_id: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    agent_id: str = ""
    agent_name: str = ""
    waits_for_agent: bool = False


class ScanResult(View):
    """A place with its certificate. `state`: new, changed, same, gone (it answered without one), unseen (no answer).

    `proved`: the server showed that it has the certificate's key; a certificate that was read without finishing the
    handshake proves nothing. `previous_sha256` is what the place served before, where it `changed`.
    """

    address: str
    port: int
    name: str
    starttls: str
    protocol: str
    proved: bool
    state: str
    previous_sha256: str
    certificate: InventoryCertificate


class ScanSchedule(View):
    """A scan that runs by itself every `every_hours`; not within the quiet hours (`HH:MM`, UTC, may span midnight).
    `next_at` is the moment of the next one."""

    schedule_id: str
    name: str
    targets: list[str]
    names: list[str]
    ports: list[int]
    exclude: list[str]
    rate: int
    every_hours: int
    quiet_from: str
    quiet_until: str
    next_at: str
    last_scan_id: str
    created_at: str
    agent_id: str = ""
    agent_name: str = ""


@command(SERVICE, Permission.CREATE_ORDER)
class StartScan(Request[ScanView]):
    """Looks for certificates. `targets` are addresses, CIDR networks, `first-last`, or `address/mask`; only what the
    operator allowed. `names` are FQDNs that the account has proved, or that lead to addresses the operator allowed.
    `ports` apply to both. `rate` is the most connections per second, 0 for the installation's own.

    With an `agent_id` that agent of the account looks, in its own network: private addresses and any name too, as far
    as the settings on its host allow. Such a scan never runs here.

    Errors: invalid with the place of what may not be scanned, not_found for an agent that is not there, conflict for
    one that is not connected or too old, or when too many scans are open.
    """

    targets: list[str] = []
    names: list[str] = []
    ports: list[int] = msgspec.field(default_factory=lambda: [443])
    exclude: list[str] = []
    rate: int = 0
    agent_id: str = ""


@command(SERVICE, Permission.CREATE_ORDER)
class StopScan(Request[ScanView]):
    """Ends a scan within two seconds; what it found stays. Nothing happens to one that has ended. One whose agent is
    silent ends here."""

    scan_id: str


@query(SERVICE, Permission.VIEW)
class GetScan(Request[ScanView]):
    """One scan with its progress."""

    scan_id: str


@query(SERVICE, Permission.VIEW)
class ListScans(Request[Page[ScanView]]):
    """Scans, newest first. `state` narrows it."""

    state: str | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class ListScanResults(Request[Page[ScanResult]]):
    """What a scan found. `search` (FQDN, subject, issuer, address) and `state` narrow it. `sort` is address,
    common_name, not_before, not_after or subject, descending with a leading `-`."""

    scan_id: str
    search: str | None = None
    state: str | None = None
    sort: str = "address"
    offset: int = 0
    limit: int = 50


@command(SERVICE, Permission.CREATE_ORDER)
class ScheduleScan(Request[ScanSchedule]):
    """Has a scan run by itself, for the first time at once. Errors: as of a scan."""

    name: str
    every_hours: int
    targets: list[str] = []
    names: list[str] = []
    ports: list[int] = msgspec.field(default_factory=lambda: [443])
    exclude: list[str] = []
    rate: int = 0
    quiet_from: str = ""
    quiet_until: str = ""
    agent_id: str = ""


@query(SERVICE, Permission.VIEW)
class ListScanSchedules(Request[Page[ScanSchedule]]):
    """The account's schedules, oldest first; there are few."""


@command(SERVICE, Permission.CREATE_ORDER)
class RunScanSchedule(Request[ScanView]):
    """Runs a scheduled scan now, quiet hours or not; the next one by schedule stays where it is."""

    schedule_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class RemoveScanSchedule(Request[Done]):
    """No further scans of it; its scans and what they found stay."""

    schedule_id: str
