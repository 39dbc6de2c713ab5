# SPDX-License-Identifier: Apache-2.0
"""What the inventory and its scans tell others."""

from __future__ import annotations

import msgspec

from shared.eventsourcing.event import Event, event


@event("discovery.CertDiscovered")
class CertDiscovered(Event):
    """A certificate that this account did not know yet."""

    account_id: str
    fingerprint_sha256: str
    serial: str
    not_after: str
    source: str


class SeenFirst(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was seen first."""

    fingerprint_sha256: str
    serial: str
    not_after: str


@event("discovery.CertsDiscovered")
class CertsDiscovered(Event):
    """Certificates that this account did not know yet, found together by a scan: one event for hundreds of them.
    `count` is how many."""

    account_id: str
    scan_id: str
    source: str
    count: int
    certificates: list[SeenFirst]


@event("discovery.ScanStarted")
class ScanStarted(Event):
    """A scan was asked for, by somebody or by its schedule (`schedule_id`, else empty). `endpoints` is how many pairs
    of address and port it will look at, names not counted."""

    scan_id: str
    account_id: str
    targets: list[str]
    names: list[str]
    ports: list[int]
    endpoints: int
    schedule_id: str


@event("discovery.AgentScanRequested")
class AgentScanRequested(Event):
    """An agent is to look at its own network. `rate` is the most new connections a second."""

    scan_id: str
    account_id: str
    agent_id: str
    targets: list[str]
    names: list[str]
    ports: list[int]
    exclude: list[str]
    rate: int


@event("discovery.ScanFinished")
class ScanFinished(Event):
    """A scan has ended. `state`: finished, stopped or failed. The counts compare it with the last finished scan of the
    same targets; `gone` is 0 for a scan that did not finish."""

    scan_id: str
    account_id: str
    state: str
    done: int
    found: int
    new: int
    changed: int
    gone: int
    reason: str


@event("discovery.CertChanged")
class CertChanged(Event):
    """A place serves another certificate than at the scan before."""

    scan_id: str
    account_id: str
    address: str
    port: int
    name: str
    previous_sha256: str
    fingerprint_sha256: str


@event("discovery.CertGone")
class CertGone(Event):
    """A place that answered serves no certificate any more. Silence is no proof and makes no such event."""

    scan_id: str
    account_id: str
    address: str
    port: int
    name: str
    fingerprint_sha256: str


@event("discovery.CheckFinished")
class CheckFinished(Event):
    """A check of one endpoint has ended. `state`: finished or failed; `grade` is empty where there is none."""

    check_id: str
    account_id: str
    fqdn: str
    port: int
    state: str
    grade: str
