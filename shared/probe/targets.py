# SPDX-License-Identifier: Apache-2.0
"""What a scan dials: the endpoints of the addresses, names and ports that somebody typed, never written out.

    targets = read_targets(["10.0.0.0/8", "www.example.com"], "443,8443", exclude=["10.1.0.0/16"], limit=10**8)
    targets = targets.resolved({"www.example.com": ["203.0.113.7"]})
    for endpoint in targets.endpoints(): ...

The order is fixed: all addresses with the first port, then all with the second. So neighbours in time are different
hosts, and an index is enough to go on after a crash.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared.probe.addresses import Span, TargetError, entries, merge, read_entry, read_ports, span_of, without

__all__ = ["DEFAULT_LIMIT", "NO_STARTTLS", "Endpoint", "TargetError", "Targets", "read_targets"]

DEFAULT_LIMIT = 2**24
_OCTETS = tuple(map(str, range(256)))
NO_STARTTLS = ""  # as Endpoint.starttls: TLS at once, also on a port where another protocol is usual


class Endpoint(NamedTuple):
    """Where to look: an address literal, a port, the name to ask for (SNI), and the protocol that TLS starts in: one of
    `starttls.STARTTLS`, `NO_STARTTLS`, or None for what is usual on that port."""

    address: str
    port: int
    server_name: str | None = None
    starttls: str | None = None


@dataclass(frozen=True)
class Targets:
    """What `read_targets` made. `names` and `excluded_names` wait for `resolved`; they are not among the endpoints."""

    spans: tuple[Span, ...]
    ports: tuple[int, ...]
    excluded: tuple[Span, ...] = ()
    names: tuple[str, ...] = ()
    excluded_names: tuple[str, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()  # address and name
    starttls: str | None = None
    limit: int = DEFAULT_LIMIT

    @property
    def width(self) -> int:
        """How many endpoints there are with each port."""
        return sum(span.size for span in self.spans) + len(self.hosts)

    @property
    def count(self) -> int:
        """How many endpoints there are."""
        return self.width * len(self.ports)

    def resolved(self, answers: Mapping[str, Sequence[str]]) -> Targets:
        """With the addresses of names: each is asked for its name there. A name without an answer is left out; one that
        is excluded takes its addresses along. Raises TargetError for too many, or for an answer that is no address."""
        gone = [span_of(address) for name in self.excluded_names for address in answers.get(name, ())]
        excluded = merge([*self.excluded, *gone])
        hosts = dict.fromkeys(
            (_literal(span), name)
            for name in self.names
            for span in map(span_of, answers.get(name, ()))
            if without((span,), excluded)
        )
        spans = without(self.spans, excluded)
        return _bounded(replace(self, spans=spans, excluded=excluded, names=(), excluded_names=(), hosts=tuple(hosts)))

    def endpoints(self, start: int = 0) -> Iterator[Endpoint]:
        """The endpoints from index `start` on, each made when it is asked for."""
        if not self.width:
            return
        turn, offset = divmod(start, self.width)
        for port in self.ports[turn:]:
            for address in self._addresses(offset):
                yield Endpoint(address, port, None, self.starttls)
            for address, name in self.hosts[max(0, offset - (self.width - len(self.hosts))) :]:
                yield Endpoint(address, port, name, self.starttls)
            offset = 0

    def _addresses(self, skip: int) -> Iterator[str]:
        for span in self.spans:
            if skip >= span.size:
                skip -= span.size
                continue
            if span.version == 4:
                yield from _dotted(span.first + skip, span.last)
            else:
                for number in range(span.first + skip, span.last + 1):
                    yield socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))
            skip = 0


def read_targets(
    include: str | Iterable[str],
    ports: str | int | Iterable[str | int] = (443,),
    exclude: str | Iterable[str] = (),
    *,
    starttls: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Targets:
    """Reads what was typed: `10.0.0.0/24`, `10.0.0.0 255.255.255.0`, `10.0.0.1-10.0.0.50`, `10.0.0.1-50`, IPv6 alike,
    an address, a host name. Every address counts once, however often it was named. Raises TargetError, also where more
    than `limit` endpoints are meant."""
    spans, names = _read(include)
    holes, unwanted = _read(exclude)
    excluded = merge(holes)
    wanted = tuple(name for name in names if name not in unwanted)
    if not spans and not names:
        raise TargetError("", "nothing to scan: name an address, a range, a block or a host")
    left = without(merge(spans), excluded)
    found = Targets(left, read_ports(ports), excluded, wanted, tuple(unwanted), (), starttls, limit)
    if not left and not wanted:
        raise TargetError("", "nothing is left to scan: the exclusions hold everything")
    return _bounded(found)


def _dotted(first: int, last: int) -> Iterator[str]:
    """IPv4 addresses from one number to another: of 256 in a row only the last octet differs."""
    for block in range(first >> 8, (last >> 8) + 1):
        start = block << 8
        network = socket.inet_ntoa(start.to_bytes(4, "big"))[:-1]
        yield from map(network.__add__, _OCTETS[max(first - start, 0) : last - start + 1])


def _read(typed: str | Iterable[str]) -> tuple[list[Span], dict[str, None]]:
    spans: list[Span] = []
    names: dict[str, None] = {}
    for entry in entries(typed):
        found = read_entry(entry)
        if isinstance(found, Span):
            spans.append(found)
        else:
            names[found] = None
    return spans, names


def _bounded(targets: Targets) -> Targets:
    count = targets.count + len(targets.names) * len(targets.ports)
    if count > targets.limit:
        cure = f"{count:,} endpoints are more than {targets.limit:,}: name fewer addresses or ports, or scan in parts"
        raise TargetError("", cure)
    return targets


def _literal(span: Span) -> str:
    family, size = (socket.AF_INET, 4) if span.version == 4 else (socket.AF_INET6, 16)
    return socket.inet_ntop(family, span.first.to_bytes(size, "big"))
