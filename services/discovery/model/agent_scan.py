# SPDX-License-Identifier: Apache-2.0
"""A scan that an agent runs, pure: what is left of it, what its reports may be about, when the agent is silent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from services.discovery.model.targets import Network, inside
from shared.clock import from_text
from shared.contracts.installer import AgentView
from shared.errors import Code, ServiceError
from shared.probe.outcome import Failure

SILENT_AFTER = timedelta(seconds=10)  # it reports each second
OLDEST = (0, 2, 0)  # the first agent that knows scans
MOST_FOUND = 500
MOST_ADDRESSES = 16  # of one name
MOST_NAMED = 20_000  # endpoints that names lead to: they are handed out in one answer
MOST_REASON = 200  # characters
# Why an agent cannot be given a scan.
GONE, UNVERIFIED = "scan_agent_gone", "scan_agent_unverified"
NOT_CONNECTED, TOO_OLD = "scan_agent_silent", "scan_agent_old"
Spot = tuple[str, int, str]
NAME_REASONS = frozenset({"address_refused", "dns_nxdomain", "dns_nodata", "dns_servfail", "dns_timeout"})
_REASONS = frozenset(failure.value for failure in Failure)


class NotAskedForError(ValueError):
    """An agent tells what nobody asked it for."""


def knows_scans(version: str) -> bool:
    """Whether an agent of this version knows the job; one whose version cannot be read does not."""
    try:
        return tuple(map(int, version.split("."))) >= OLDEST
    except ValueError:
        return False


def check_agent(agent_id: str, agent: AgentView | None, *, now: bool) -> None:
    """Whether a scan may be given to `agent`, who is who `agent_id` names; nothing where none is named. It has to be
    connected if it is to run `now`. Errors: not_found, conflict."""
    if not agent_id:
        return
    where = "/agent_id"
    if agent is None or agent.agent_id != agent_id or agent.state == "removed":
        detail = "This agent is not there (any more). Choose another one."
        raise ServiceError(Code.NOT_FOUND, detail, pointer=where, extra={"reason": GONE})
    if agent.state == "unverified":
        detail = f"The agent {agent.name} is not verified yet. Start it, and type its code under Manage Servers."
        raise ServiceError(Code.CONFLICT, detail, pointer=where, extra={"reason": UNVERIFIED})
    if now and agent.state == "not_connected":
        detail = f"The agent {agent.name} is silent. Start it, and see that its host reaches this address over HTTPS."
        raise ServiceError(Code.CONFLICT, detail, pointer=where, extra={"reason": NOT_CONNECTED})
    if not knows_scans(agent.version):
        detail = f"The agent {agent.name} of version {agent.version} cannot scan yet. Download it again and replace it."
        raise ServiceError(Code.CONFLICT, detail, pointer=where, extra={"reason": TOO_OLD})


def is_silent(heard_at: str | None, now: datetime) -> bool:
    """Whether nobody has heard of the agent for a while, or ever."""
    return heard_at is None or from_text(heard_at) + SILENT_AFTER <= now


def part_after(names: Sequence[str], named: Sequence[object] | None, *, done: int, total: int) -> str:
    """What comes next in a scan that has told everything before `done`: names, endpoints, networks or again."""
    if names and named is None:
        return "names"
    if done < len(named or ()):
        return "endpoints"
    return "networks" if done < total else "again"


def most_addresses(pairs: int) -> int:
    """How many addresses of each name are looked at, where there are so many pairs of name and port."""
    return max(1, min(MOST_ADDRESSES, MOST_NAMED // pairs))


@dataclass(frozen=True)
class Bounds:
    """What the reports of a part may be about: the `spots`, or each address of the networks with each port."""

    ports: frozenset[int]
    networks: tuple[Network, ...] = ()
    exclude: tuple[Network, ...] = ()
    spots: frozenset[Spot] = frozenset()

    @classmethod
    def of_networks(cls, ports: Iterable[int], networks: Iterable[str], exclude: Iterable[str]) -> Bounds:
        """Of networks in CIDR form."""
        return cls(frozenset(ports), tuple(map(ip_network, networks)), tuple(map(ip_network, exclude)))

    @classmethod
    def of_spots(cls, spots: Iterable[Spot]) -> Bounds:
        """Of single places."""
        return cls(frozenset(), spots=frozenset(spots))

    def check(self, address: str, port: int, name: str) -> None:
        """Raises NotAskedForError for a place beyond them, or one that is not written as we write it."""
        place = f"{address[:60]}:{port} {name[:60]}".strip()
        if (address, port, name) in self.spots:
            return
        found = read_address(address)
        if found is None or name or port not in self.ports:
            raise NotAskedForError(place)
        network = ip_network(found)
        if not inside(network, self.networks) or inside(network, self.exclude):
            raise NotAskedForError(place)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address literal in its one spelling, without a zone; None for anything else."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if str(found) == text and "%" not in text else None


def check_progress(done: int, *, known: int, end: int, failures: Mapping[str, int]) -> None:
    """Raises NotAskedForError where a position goes back or beyond the end of its part, or more places failed than lie
    before it."""
    if not known <= done <= end:
        raise NotAskedForError(f"position {done}")
    counts = failures.values()
    if not failures.keys() <= _REASONS or any(count < 0 for count in counts) or sum(counts) > done:
        raise NotAskedForError("failures")


def plausible(number: float | None) -> float | None:
    """A rate or a time that can be shown; None for what is none."""
    return number if number is not None and math.isfinite(number) and 0 <= number <= 1e9 else None
