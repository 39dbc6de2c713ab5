# SPDX-License-Identifier: Apache-2.0
"""The places from which names are looked up: each with a resolver of its own, and a way out that dials what that one
resolved.

Perspectives by several resolvers differ in what the DNS says to each; all dial from this machine. That finds records
that have not reached every name server, split horizons and poisoned resolvers; a hijacked route to the web server it
does not find, as remote machines would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.perspective import read_perspective
from shared.egress.resolver import DNSResolver, Resolver
from shared.egress.settings import EgressSettings

R = TypeVar("R")
PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class Perspective:
    """A place. `region` is the internet registry's, empty where none is named; `server` its resolver, empty for the
    host's own."""

    name: str
    region: str
    server: str
    resolver: Resolver
    egress: Egress


def open_perspectives(settings: EgressSettings) -> tuple[Perspective, ...]:
    """Those of the settings, the primary one first; without any, the one of the configured nameservers."""
    policy = AddressPolicy(settings.allow_networks)

    def made(name: str, region: str, servers: Sequence[str], validating: bool) -> Perspective:
        resolver = DNSResolver(servers, timeout_s=settings.dns_timeout_s, validating=validating)
        return Perspective(name, region, ", ".join(servers), resolver, Egress(resolver, policy))

    if not settings.perspectives:
        return (made(PRIMARY, "", settings.nameservers, settings.nameservers_validate),)
    read = [read_perspective(text) for text in settings.perspectives]
    return tuple(
        made(each.name, each.region, [each.nameserver], each.validating or settings.nameservers_validate)
        for each in read
    )


def from_each(perspectives: Sequence[Perspective], look: Callable[[Perspective], R]) -> list[R]:
    """What `look` gives from each, at the same time, in their order. Raises what the first of them raised."""
    if len(perspectives) == 1:
        return [look(perspectives[0])]
    with ThreadPoolExecutor(len(perspectives)) as pool:
        return list(pool.map(look, perspectives))
