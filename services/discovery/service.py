# SPDX-License-Identifier: Apache-2.0
"""The inventory on the wire."""

from __future__ import annotations

from services.discovery import bootstrap, handlers
from shared.context import Context
from shared.contracts import discovery, installer, orders
from shared.contracts.base import Page
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.runtime.service import Service


class DiscoveryService(Service):
    """One certificate, many places."""

    name = "discovery"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App

    @rpc(discovery.ListInventory)
    def list_inventory(
        self, request: discovery.ListInventory, context: Context
    ) -> Page[discovery.InventoryCertificate]:
        """By expiry."""
        return handlers.inventory(self.app.room, request, context)

    @rpc(discovery.CountExpiring)
    def count_expiring(self, request: discovery.CountExpiring, context: Context) -> discovery.Expiring:
        """By window."""
        return handlers.expiring(self.app.room, request, context)

    @rpc(discovery.GetInventoryCertificate)
    def get_inventory_certificate(
        self, request: discovery.GetInventoryCertificate, context: Context
    ) -> discovery.InventoryCertificate:
        """One certificate."""
        return handlers.inventory_certificate(self.app.room, request, context)

    @subscribe(orders.CertIssued)
    def on_cert_issued(self, event: Envelope[orders.CertIssued]) -> None:
        """Our own."""
        self.app.room.react(handlers.on_cert_issued, event, name="discovery.on_cert_issued")

    @subscribe(installer.SitesReported)
    def on_sites_reported(self, event: Envelope[installer.SitesReported]) -> None:
        """What agents see."""
        self.app.room.react(handlers.on_sites_reported, event, name="discovery.on_sites_reported")

    @subscribe(installer.AgentRemoved)
    def on_agent_removed(self, event: Envelope[installer.AgentRemoved]) -> None:
        """Nobody looks any more."""
        self.app.room.react(handlers.on_agent_removed, event, name="discovery.on_agent_removed")
