# SPDX-License-Identifier: Apache-2.0
"""What is to be scanned, as people write it: addresses, CIDR networks, first-last, address/mask; names; ports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

from shared.probe.addresses import Span, merge, without

Network = IPv4Network | IPv6Network
MAX_ENDPOINTS = 1 << 20
MAX_ENTRIES = 200
MAX_NAMES = 200
MAX_PORTS = 64
# These validation methods prove the whole name space below an FQDN (BR 3.2.2.4.4 and .7).
_WHOLE = frozenset({"cname_csr_hash", "txt_csr_hash", "email", "email_caa", "email_txt"})


class TargetFault(StrEnum):
    """Why something may not be scanned from here. Closed list."""

    PRIVATE = "scan_private"
    NOT_ALLOWED = "scan_not_allowed"
    NOT_PROVED = "scan_not_proved"


class TargetsRefusedError(ValueError):
    """Something that cannot be scanned as it is written. `place` is its JSON pointer."""

    def __init__(self, detail: str, place: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.place = place


def read_networks(texts: Sequence[str], place: str) -> list[list[Network]]:
    """The networks that each entry stands for. Raises TargetsRefusedError."""
    if len(texts) > MAX_ENTRIES:
        raise TargetsRefusedError(f"Give up to {MAX_ENTRIES} entries.", place)
    return [_read(text.strip(), f"{place}/{number}") for number, text in enumerate(texts)]


def _read(text: str, place: str) -> list[Network]:
    first, dash, last = text.partition("-")
    try:
        if dash:
            return _range(ip_address(first.strip()), ip_address(last.strip()), place)
        return [ip_network(text, strict=False)]
    except ValueError:
        detail = "Write an address, a network such as 192.0.2.0/24, 192.0.2.1-192.0.2.20, or address/subnet mask."
        raise TargetsRefusedError(detail, place) from None


def _range(first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address, place: str) -> list[Network]:
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address) and first <= last:
        return list(summarize_address_range(first, last))
    if isinstance(first, IPv6Address) and isinstance(last, IPv6Address) and first <= last:
        return list(summarize_address_range(first, last))
    raise TargetsRefusedError("The last address comes after the first one and is of its kind.", place)


def read_ports(ports: Sequence[int]) -> list[int]:
    """The ports, each once, in order. Raises TargetsRefusedError."""
    for number, port in enumerate(ports):
        if not 1 <= port <= 65_535:
            raise TargetsRefusedError("A port is between 1 and 65535.", f"/ports/{number}")
    found = sorted(set(ports))
    if not 1 <= len(found) <= MAX_PORTS:
        raise TargetsRefusedError(f"Give 1 to {MAX_PORTS} ports.", "/ports")
    return found


def count_addresses(include: Iterable[Network], exclude: Iterable[Network]) -> int:
    """How many addresses are in one of `include` and in none of `exclude`."""
    return sum(one.size for one in without(merge(map(_span, include)), map(_span, exclude)))


def _span(network: Network) -> Span:
    return Span(network.version, int(network.network_address), int(network.broadcast_address))


def inside(network: Network, allowed: Iterable[Network]) -> bool:
    """Whether all of a network lies within one of the allowed ones."""
    return any(
        network.version == one.version
        and int(one.network_address) <= int(network.network_address)
        and int(network.broadcast_address) <= int(one.broadcast_address)
        for one in allowed
    )


def proves(proved: str, method: str, name: str) -> bool:
    """Whether an account that proved the FQDN `proved` by `method` may have `name` scanned."""
    base = proved.removeprefix("*.")
    if name == base:
        return True
    return (method in _WHOLE or proved.startswith("*.")) and name.endswith(f".{base}")


def definition_of(
    targets: Sequence[str], names: Sequence[str], ports: Sequence[int], exclude: Sequence[str], agent_id: str = ""
) -> str:
    """The same text for scans of the same places from the same place, whatever the order in which they are written."""
    parts: list[object] = [sorted(targets), sorted(names), sorted(ports), sorted(exclude)]
    if agent_id:
        parts.append(agent_id)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
