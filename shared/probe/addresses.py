# SPDX-License-Identifier: Apache-2.0
"""Reads what people type for addresses and ports, and does sums with ranges of addresses without writing them out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96, RFC 4291 §2.5.5.2
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBERS = re.compile(r"[0-9.]+\Z")
_SEPARATORS = re.compile(r"[,;\n]")


class TargetError(ValueError):
    """Something that was typed cannot be meant. `entry` is what was typed; the message says how to write it."""

    def __init__(self, entry: str, cure: str) -> None:
        super().__init__(f"{entry}: {cure}" if entry else cure)
        self.entry = entry


class Span(NamedTuple):
    """The addresses from `first` to `last`, both among them, as numbers of IP `version` 4 or 6."""

    version: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many addresses."""
        return self.last - self.first + 1


def entries(typed: str | Iterable[str]) -> Iterator[str]:
    """Cuts at commas, semicolons and ends of lines; empty ones are left out."""
    for text in (typed,) if isinstance(typed, str) else typed:
        for entry in _SEPARATORS.split(text):
            if entry.strip():
                yield entry.strip()


def read_entry(entry: str) -> Span | str:
    """A CIDR block, a range, an address with a mask, an address, or a host name in A-labels. Raises TargetError."""
    compact = re.sub(r"\s*([-/])\s*", r"\1", entry.strip())
    if len(compact) > 300:
        raise TargetError(compact[:40] + "…", "too long for an address or a name")
    first, _, last = compact.partition("-")
    if last and _is_address(first):
        return _range(entry, first, last)
    parts = re.split(r"[\s/]+", compact)
    if len(parts) == 2 and _is_address(parts[0]):
        return _block(entry, parts[0], parts[1])
    if len(parts) > 1:
        cure = "write a name alone, without https:// or a path" if "/" in entry else "put a comma between entries"
        raise TargetError(entry, cure)
    if _is_address(compact):
        number = _address(entry, compact)
        return _span(number, int(number))
    return _host(entry, compact)


def read_ports(typed: str | int | Iterable[str | int]) -> tuple[int, ...]:
    """Ports and ranges of ports (`443,8443,9000-9010`), in the order typed, each once. Raises TargetError."""
    texts = [str(typed)] if isinstance(typed, (str, int)) else [str(one) for one in typed]
    found: dict[int, None] = {}
    for entry in entries(texts):
        first, dash, last = entry.partition("-")
        low, high = _port(entry, first), _port(entry, last if dash else first)
        if low > high:
            raise TargetError(entry, f"a range of ports goes upwards: {high}-{low}")
        found.update(dict.fromkeys(range(low, high + 1)))
    if not found:
        raise TargetError("", "no port: name at least one, such as 443")
    return tuple(found)


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same addresses in spans that neither touch nor overlap, in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        before = merged[-1] if merged else None
        if before and before.version == span.version and span.first <= before.last + 1:
            merged[-1] = before._replace(last=max(before.last, span.last))
        else:
            merged.append(span)
    return tuple(merged)


def without(spans: Iterable[Span], excluded: Iterable[Span]) -> tuple[Span, ...]:
    """The addresses of `spans` (merged) that no span of `excluded` holds, in order."""
    holes = merge(excluded)
    left: list[Span] = []
    at = 0
    for span in spans:
        while at < len(holes) and (holes[at].version, holes[at].last) < (span.version, span.first):
            at += 1
        first, hole = span.first, at
        while hole < len(holes) and holes[hole].version == span.version and holes[hole].first <= span.last:
            if holes[hole].first > first:
                left.append(Span(span.version, first, holes[hole].first - 1))
            first = holes[hole].last + 1
            hole += 1
        if first <= span.last:
            left.append(Span(span.version, first, span.last))
    return tuple(left)


def span_of(address: str) -> Span:
    """The span of one address literal. Raises TargetError."""
    number = _address(address, address)
    return _span(number, int(number))


def _is_address(text: str) -> bool:
    """Whether it is meant as an address: no host name looks so (RFC 1123 §2.1)."""
    return ":" in text or bool(_NUMBERS.match(text))


def _address(entry: str, text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if "%" in text:
        raise TargetError(entry, "an address with a zone (%…) means something on one machine only; leave the zone out")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        if ":" in text and text.count(":") == 1:
            raise TargetError(entry, "write ports apart from the address") from None
        cure = "not an IP address: four numbers from 0 to 255 without leading zeros, such as 10.0.0.1"
        raise TargetError(entry, "not an IPv6 address" if ":" in text else cure) from None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def _span(start: ipaddress.IPv4Address | ipaddress.IPv6Address, last: int) -> Span:
    return Span(start.version, int(start), last)


def _range(entry: str, first: str, last: str) -> Span:
    start = _address(entry, first)
    if _is_address(last) and ("." in last or ":" in last):
        end = _address(entry, last)
        if end.version != start.version:
            raise TargetError(entry, "both ends of a range are of one IP version")
        stop = int(end)
    else:  # the short form: the last number alone
        try:
            part = int(last) if start.version == 4 and last.isascii() else int(last, 16)
        except ValueError:
            raise TargetError(entry, "write a range as 10.0.0.1-10.0.0.50 or 10.0.0.1-50") from None
        bits = 8 if start.version == 4 else 16
        if not 0 <= part < 1 << bits:
            raise TargetError(entry, f"the last number goes to {(1 << bits) - 1 if bits == 8 else 'ffff'}")
        stop = int(start) >> bits << bits | part
    if stop < int(start):
        raise TargetError(entry, "a range goes upwards: the smaller address first")
    return _span(start, stop)


def _block(entry: str, address: str, size: str) -> Span:
    start = _address(entry, address)
    width = 32 if start.version == 4 else 128
    if start.version == 4 and "." in size:
        mask = int(_address(entry, size))
        free = ~mask & 0xFFFFFFFF
        if free & (free + 1):
            raise TargetError(entry, f"{size} is no network mask: ones come first, such as 255.255.255.0")
        prefix = 32 - free.bit_length()
    else:
        if not (size.isascii() and size.isdigit() and int(size) <= (128 if ":" in address else 32)):
            cure = f"the number behind / goes from 0 to {width}; between addresses goes a comma"
            raise TargetError(entry, cure)
        prefix = int(size)
        if width == 32 and ":" in address:  # ::ffff:10.0.0.0/120 is 10.0.0.0/24
            if prefix < 96:
                raise TargetError(entry, "such a block is of both IP versions; write the IPv4 block")
            prefix -= 96
    free = (1 << (width - prefix)) - 1
    return Span(start.version, int(start) & ~free, int(start) | free)


def _host(entry: str, text: str) -> str:
    if "*" in text:
        raise TargetError(entry, "a wildcard is no host; name each host")
    if "@" in text:
        raise TargetError(entry, "write the host alone, without a user or a mailbox")
    try:
        name = text.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise TargetError(entry, "not a host name") from None
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.match, labels)) or labels[-1].isdigit():
        raise TargetError(entry, "neither an address nor a host name, such as www.example.com")
    return name


def _port(entry: str, text: str) -> int:
    number = text.strip()
    if not (number.isascii() and number.isdigit() and len(number) < 6 and 0 < int(number) < 65536):
        raise TargetError(entry, "ports are numbers from 1 to 65535, such as 443 or 9000-9010")
    return int(number)
