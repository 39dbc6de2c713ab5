# SPDX-License-Identifier: Apache-2.0
"""Whether anybody receives mail at an FQDN, as the DNS has it."""

from __future__ import annotations

from shared.egress.resolver import Resolver

TIMEOUT_S = 2.0
NULL_MX = ("0 .",)  # RFC 7505: "we take no mail"
NOTHING = frozenset({"nxdomain", "nodata"})


class AnyMailboxes:
    """Where no resolver is configured, nobody is refused."""

    def missing(self, _fqdn: str, /) -> bool:
        """Never known to be."""
        return False


class DNSMailboxes:
    """RFC 5321 §5.1: mail goes to the MX, or without any to the address of the name itself."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def missing(self, fqdn: str, /) -> bool:
        """True only for what the DNS says for certain; a resolver that fails says nothing about the address."""
        found = self._resolver.ask(fqdn, "MX")
        if found.status == "ok":
            return found.records == NULL_MX
        if found.status != "nodata":
            return found.status == "nxdomain"
        return all(self._resolver.ask(fqdn, kind).status in NOTHING for kind in ("A", "AAAA"))
