# SPDX-License-Identifier: Apache-2.0
"""The inventory, scans and checks on the wire."""

from __future__ import annotations

from functools import partial

from services.discovery import bootstrap
from services.discovery.handlers import checks, inventory, scans, schedules, uploads
from shared.context import Context, system
from shared.contracts import dcv, discovery, installer, orders
from shared.contracts.base import Done, Page
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service


class DiscoveryService(Service):
    """One certificate, many places; scans that find them; the SSL checker."""

    name = "discovery"
    build = staticmethod(bootstrap.build)
    app: bootstrap.App

    @rpc(discovery.ListInventory)
    def list_inventory(
        self, request: discovery.ListInventory, context: Context
    ) -> Page[discovery.InventoryCertificate]:
        """By expiry."""
        return inventory.inventory(self.app.room, request, context)

    @rpc(discovery.CountExpiring)
    def count_expiring(self, request: discovery.CountExpiring, context: Context) -> discovery.Expiring:
        """By window."""
        return inventory.expiring(self.app.room, request, context)

    @rpc(discovery.GetInventoryCertificate)
    def get_inventory_certificate(
        self, request: discovery.GetInventoryCertificate, context: Context
    ) -> discovery.InventoryCertificate:
        """One certificate."""
        return inventory.inventory_certificate(self.app.room, request, context)

    @rpc(discovery.GetInventoryWords)
    def get_inventory_words(self, request: discovery.GetInventoryWords, context: Context) -> discovery.InventoryWords:
        """What can be filtered by."""
        return inventory.inventory_words(self.app.room, request, context)

    @rpc(discovery.BookmarkCertificates)
    def bookmark_certificates(self, request: discovery.BookmarkCertificates, context: Context) -> Done:
        """A flag."""
        return self.app.room.execute(inventory.bookmark_certificates, request, context)

    @rpc(discovery.RemoveBookmark)
    def remove_bookmark(self, request: discovery.RemoveBookmark, context: Context) -> Done:
        """No flag."""
        return self.app.room.execute(inventory.remove_bookmark, request, context)

    @rpc(discovery.DescribeCertificate)
    def describe_certificate(
        self, request: discovery.DescribeCertificate, context: Context
    ) -> discovery.InventoryCertificate:
        """Owner and tags."""
        return self.app.room.execute(inventory.describe_certificate, request, context)

    @rpc(discovery.UploadCertificates)
    def upload_certificates(
        self, request: discovery.UploadCertificates, context: Context
    ) -> discovery.UploadedCertificates:
        """What nobody sees served."""
        found = uploads.read(request)
        return self.app.room.execute(partial(uploads.upload, found=found), request, context)

    @rpc(discovery.RemoveUpload)
    def remove_upload(self, request: discovery.RemoveUpload, context: Context) -> Done:
        """Taken back."""
        return self.app.room.execute(uploads.remove_upload, request, context)

    @rpc(discovery.StartScan)
    def start_scan(self, request: discovery.StartScan, context: Context) -> discovery.ScanView:
        """A scan now."""
        handler = partial(scans.start_scan, settings=self.app.own, hosts=self.app.hosts)
        return self.app.room.execute(handler, request, context)

    @rpc(discovery.StopScan)
    def stop_scan(self, request: discovery.StopScan, context: Context) -> discovery.ScanView:
        """Its end."""
        return self.app.room.execute(scans.stop_scan, request, context)

    @rpc(discovery.GetScan)
    def get_scan(self, request: discovery.GetScan, context: Context) -> discovery.ScanView:
        """How far it is."""
        return scans.get_scan(self.app.room, request, context)

    @rpc(discovery.ListScans)
    def list_scans(self, request: discovery.ListScans, context: Context) -> Page[discovery.ScanView]:
        """Newest first."""
        return scans.list_scans(self.app.room, request, context)

    @rpc(discovery.ListScanResults)
    def list_scan_results(self, request: discovery.ListScanResults, context: Context) -> Page[discovery.ScanResult]:
        """What it found."""
        return scans.results(self.app.room, request, context)

    @rpc(discovery.ScheduleScan)
    def schedule_scan(self, request: discovery.ScheduleScan, context: Context) -> discovery.ScanSchedule:
        """A scan again and again."""
        handler = partial(schedules.schedule_scan, settings=self.app.own, hosts=self.app.hosts)
        return self.app.room.execute(handler, request, context)

    @rpc(discovery.ListScanSchedules)
    def list_scan_schedules(
        self, request: discovery.ListScanSchedules, context: Context
    ) -> Page[discovery.ScanSchedule]:
        """The account's schedules."""
        return schedules.list_schedules(self.app.room, request, context)

    @rpc(discovery.RunScanSchedule)
    def run_scan_schedule(self, request: discovery.RunScanSchedule, context: Context) -> discovery.ScanView:
        """A scheduled scan, now."""
        handler = partial(schedules.run_schedule, settings=self.app.own, hosts=self.app.hosts)
        return self.app.room.execute(handler, request, context)

    @rpc(discovery.RemoveScanSchedule)
    def remove_scan_schedule(self, request: discovery.RemoveScanSchedule, context: Context) -> Done:
        """No more of it."""
        return self.app.room.execute(schedules.remove_schedule, request, context)

    @rpc(discovery.RunCheck)
    def run_check(self, request: discovery.RunCheck, context: Context) -> discovery.CheckView:
        """A look at one endpoint."""
        vetted = checks.vet(self.app.hosts, request)
        return self.app.room.execute(partial(checks.run_check, settings=self.app.own), vetted, context)

    @rpc(discovery.GetCheck)
    def get_check(self, request: discovery.GetCheck, context: Context) -> discovery.CheckView:
        """What it saw."""
        return checks.get_check(self.app.room, request, context)

    @rpc(discovery.ListChecks)
    def list_checks(self, request: discovery.ListChecks, context: Context) -> Page[discovery.CheckView]:
        """Newest first."""
        return checks.list_checks(self.app.room, request, context)

    @rpc(discovery.CompareChecks)
    def compare_checks(self, request: discovery.CompareChecks, context: Context) -> discovery.CheckComparison:
        """Then and now."""
        return checks.compare_checks(self.app.room, request, context)

    @subscribe(orders.CertIssued)
    def on_cert_issued(self, event: Envelope[orders.CertIssued]) -> None:
        """Our own."""
        self.app.room.react(inventory.on_cert_issued, event, name="discovery.on_cert_issued")

    @subscribe(installer.SitesReported)
    def on_sites_reported(self, event: Envelope[installer.SitesReported]) -> None:
        """What agents see."""
        self.app.room.react(inventory.on_sites_reported, event, name="discovery.on_sites_reported")

    @subscribe(installer.AgentRemoved)
    def on_agent_removed(self, event: Envelope[installer.AgentRemoved]) -> None:
        """Nobody looks any more."""
        self.app.room.react(inventory.on_agent_removed, event, name="discovery.on_agent_removed")

    @subscribe(dcv.DCVPassed)
    def on_dcv_passed(self, event: Envelope[dcv.DCVPassed]) -> None:
        """What may be scanned."""
        self.app.room.react(scans.on_dcv_passed, event, name="discovery.on_dcv_passed")

    @subscribe(dcv.AuthorizationExpired)
    def on_authorization_expired(self, event: Envelope[dcv.AuthorizationExpired]) -> None:
        """What may be scanned no more."""
        self.app.room.react(scans.on_authorization_expired, event, name="discovery.on_authorization_expired")

    @every(seconds=30)
    def run_schedules(self) -> None:
        """Starts the scans whose time has come."""
        for schedule_id in schedules.due(self.app.room):
            handler = partial(schedules.run_due, settings=self.app.own, hosts=self.app.hosts)
            self.app.room.execute(handler, schedule_id, system("discovery"))
