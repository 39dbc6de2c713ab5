# SPDX-License-Identifier: Apache-2.0
"""Names and addresses under the policy of the guarded way out."""

from __future__ import annotations

from services.discovery.ports import Lookup
from services.discovery.settings import DiscoverySettings
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress, EgressError
from shared.egress.resolver import DNSResolver, Resolver
from shared.egress.settings import EgressSettings


class GuardedHosts:
    """See `ports.Hosts`."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._public = AddressPolicy()

    def look_up(self, host: str) -> Lookup:
        """See `ports.Hosts.look_up`."""
        try:
            return Lookup(self._egress.resolve(host).addresses)
        except EgressError as error:
            return Lookup((), error.reason, error.detail)

    def refusal(self, address: str) -> str:
        """See `ports.Hosts.refusal`."""
        return self._public.refusal(address)


def open_hosts(own: DiscoverySettings, egress: EgressSettings, resolver: Resolver | None = None) -> GuardedHosts:
    """The guard with what the operator allows everybody to dial and what may be scanned."""
    asked = resolver or DNSResolver(egress.nameservers, timeout_s=egress.dns_timeout_s)
    return GuardedHosts(Egress(asked, AddressPolicy([*egress.allow_networks, *own.external_networks])))
