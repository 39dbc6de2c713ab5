# SPDX-License-Identifier: Apache-2.0
"""The inventory, scans and checks on the wire."""

from __future__ import annotations

import logging
from functools import partial

import msgspec

from services.discovery import bootstrap
from services.discovery.handlers import agent_scans, checks, inventory, scans, schedules, uploads
from shared.context import Context, system
from shared.contracts import dcv, discovery, installer, orders
from shared.contracts.base import Done, Page
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Envelope
from shared.messaging.rpc import rpc
from shared.messaging.subscribe import subscribe
from shared.messaging.timers import every
from shared.runtime.service import Service

_log = logging.getLogger(__name__)


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
        """A scan now. The agent is asked for before the transaction begins."""
        agent = self._agent(request.agent_id, context)
        handler = partial(scans.start_scan, settings=self.app.own, hosts=self.app.hosts, agent=agent)
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
        agent = self._agent(request.agent_id, context)
        handler = partial(schedules.schedule_scan, settings=self.app.own, hosts=self.app.hosts, agent=agent)
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
        agent_id, _ = schedules.agent_of(self.app.room, request.schedule_id, context.account_id)
        agent = self._agent(agent_id, context)
        handler = partial(schedules.run_schedule, settings=self.app.own, hosts=self.app.hosts, agent=agent)
        return self.app.room.execute(handler, request, context)

    @rpc(discovery.RemoveScanSchedule)
    def remove_scan_schedule(self, request: discovery.RemoveScanSchedule, context: Context) -> Done:
        """No more of it."""
        return self.app.room.execute(schedules.remove_schedule, request, context)

    @rpc(discovery.TakeScanPart)
    def take_scan_part(self, request: discovery.TakeScanPart, context: Context) -> discovery.ScanPart:
        """What an agent looks at now."""
        handler = partial(agent_scans.take_part, settings=self.app.own)
        return self.app.room.execute(handler, request, _unstored(context))

    @rpc(discovery.ReportScanNames)
    def report_scan_names(self, request: discovery.ReportScanNames, context: Context) -> discovery.ScanOrder:
        """Where names lead in the agent's network."""
        return self.app.room.execute(agent_scans.take_names, request, _unstored(context))

    @rpc(discovery.ReportScan)
    def report_scan(self, request: discovery.ReportScan, context: Context) -> discovery.ScanOrder:
        """What an agent saw."""
        return self.app.room.execute(agent_scans.take_report, request, _unstored(context))

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
        self.app.room.react(agent_scans.on_agent_removed, event, name="discovery.end_scans_of_agent")

    @subscribe(installer.AgentScanFailed)
    def on_agent_scan_failed(self, event: Envelope[installer.AgentScanFailed]) -> None:
        """A scan that its agent did not begin."""
        self.app.room.react(agent_scans.on_agent_scan_failed, event, name="discovery.on_agent_scan_failed")

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
            agent_id, account_id = schedules.agent_of(self.app.room, schedule_id)
            try:
                agent = self._agent(agent_id, system("discovery", account_id=account_id))
            except ServiceError as error:  # nobody can tell now: at the next tick
                _log.warning("schedule %s waits: %s", schedule_id, error.detail)
                continue
            handler = partial(schedules.run_due, settings=self.app.own, hosts=self.app.hosts, agent=agent)
            self.app.room.execute(handler, schedule_id, system("discovery"))

    @every(seconds=5)
    def end_lost_scans(self) -> None:
        """Ends scans whose agent does not come back."""
        for scan_id in agent_scans.lost(self.app.room, self.app.own):
            handler = partial(agent_scans.end_lost, settings=self.app.own)
            self.app.room.execute(handler, scan_id, system("discovery"))

    def _agent(self, agent_id: str, context: Context) -> installer.AgentView | None:
        """The account's agent as it is now; None for no id, or one that is not there."""
        if not agent_id:
            return None
        reader = system("discovery", account_id=context.account_id)
        allowed = frozenset({installer.GetAgent.PERMISSION.value})
        try:
            return self.client.send(
                installer.GetAgent(agent_id=agent_id), msgspec.structs.replace(reader, permissions=allowed)
            )
        except ServiceError as error:
            if error.code == Code.NOT_FOUND:
                return None
            raise


def _unstored(context: Context) -> Context:
    """Without a command id: reports have numbers of their own, and there is one each second."""
    return msgspec.structs.replace(context, command_id=None)
