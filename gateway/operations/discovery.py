# SPDX-License-Identifier: Apache-2.0
"""Scans for certificates, their schedules, and the SSL checker."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.exchange import Exchange, Raw
from gateway.route import JSON, Route
from shared.contracts import discovery

DISCOVERY = "Discovery"
SCANS, SCAN = "/api/v1/scans", "/api/v1/scans/{scan_id}"
SCHEDULES, SCHEDULE = "/api/v1/scan-schedules", "/api/v1/scan-schedules/{schedule_id}"
CHECKS, CHECK = "/api/v1/checks", "/api/v1/checks/{check_id}"


def _file(_exchange: Exchange, reply: Any) -> Raw:
    found: discovery.CheckView = reply
    host = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in found.fqdn)
    return Raw(msgspec.json.format(msgspec.json.encode(found)), JSON, f"check-{host}-{found.port}.json")


ROUTES = (
    Route(
        method="POST", path=SCANS, request=discovery.StartScan, tag=DISCOVERY, status=201,
        summary="Look for certificates on addresses and names", location=f"{SCANS}/{{scan_id}}",
    ),
    Route(method="GET", path=SCANS, request=discovery.ListScans, tag=DISCOVERY, summary="Scans, newest first"),
    Route(method="GET", path=SCAN, request=discovery.GetScan, tag=DISCOVERY, summary="One scan with its progress"),
    Route(
        method="POST", path=f"{SCAN}/stop", request=discovery.StopScan, tag=DISCOVERY,
        summary="End a scan; what it found stays",
    ),
    Route(
        method="GET", path=f"{SCAN}/results", request=discovery.ListScanResults, tag=DISCOVERY,
        summary="What a scan found, compared with the one before",
    ),
    Route(
        method="POST", path=SCHEDULES, request=discovery.ScheduleScan, tag=DISCOVERY, status=201,
        summary="Have a scan run by itself",
    ),
    Route(
        method="GET", path=SCHEDULES, request=discovery.ListScanSchedules, tag=DISCOVERY,
        summary="Scans that run by themselves",
    ),
    Route(
        method="POST", path=f"{SCHEDULE}/run", request=discovery.RunScanSchedule, tag=DISCOVERY, status=201,
        summary="Run a scheduled scan now", location=f"{SCANS}/{{scan_id}}",
    ),
    Route(
        method="DELETE", path=SCHEDULE, request=discovery.RemoveScanSchedule, tag=DISCOVERY, status=204,
        summary="No further scans of it",
    ),
    Route(
        method="POST", path=CHECKS, request=discovery.RunCheck, tag=DISCOVERY, status=201,
        summary="Check an endpoint", location=f"{CHECKS}/{{check_id}}",
    ),
    Route(
        method="GET", path=CHECKS, request=discovery.ListChecks, tag=DISCOVERY,
        summary="Checks, newest first; also those of one endpoint",
    ),
    Route(method="GET", path=CHECK, request=discovery.GetCheck, tag=DISCOVERY, summary="One check"),
    Route(
        method="GET", path=f"{CHECK}/file", request=discovery.GetCheck, tag=DISCOVERY, name="download_check",
        summary="One check as a JSON file", answer=_file, reply=discovery.CheckView,
    ),
    Route(
        method="GET", path=f"{CHECK}/changes/{{other_check_id}}", request=discovery.CompareChecks, tag=DISCOVERY,
        summary="What differs between two checks of an endpoint",
    ),
)  # fmt: skip
