# SPDX-License-Identifier: Apache-2.0
"""What the agent program asks: introduction, work, and what came of it. Its token says which agent it is."""

from __future__ import annotations

from gateway.operations.installer import FILE, build_file
from gateway.route import Filled, Route
from shared.contracts import discovery, installer

AGENT = "Agent"
PREFIX = "/api/agent/v1"

ROUTES = (
    Route(
        method="POST", path=f"{PREFIX}/introduce", request=installer.IntroduceAgent, tag=AGENT,
        summary="An agent says hello with the hash of its one-time code",
        filled={"remote_address": Filled.REMOTE_ADDRESS},
    ),
    Route(
        method="POST", path=f"{PREFIX}/finish", request=installer.FinishEnrolment, tag=AGENT,
        summary="The agent confirms too and gets its token",
    ),
    Route(
        method="GET", path=f"{PREFIX}/builds/{{uid}}/{{build}}", request=installer.FetchAgent, tag=AGENT,
        summary="What an agent is set up from, for its host", answer=build_file, media=FILE,
    ),
    Route(
        method="POST", path=f"{PREFIX}/jobs/claim", request=installer.ClaimJobs, tag=AGENT,
        summary="Beat and claim work", filled={"remote_address": Filled.REMOTE_ADDRESS},
    ),
    Route(
        method="POST", path=f"{PREFIX}/jobs/{{job_id}}/steps", request=installer.ReportStep, tag=AGENT, status=204,
        summary="A step of a job, as it happens",
    ),
    Route(
        method="POST", path=f"{PREFIX}/jobs/{{job_id}}/finish", request=installer.FinishJob, tag=AGENT, status=204,
        summary="How a job ended",
    ),
    Route(
        method="PUT", path=f"{PREFIX}/servers", request=installer.ReportServers, tag=AGENT,
        summary="All servers that the agent reaches over SSH; which of them it has to forget",
    ),
    Route(
        method="PUT", path=f"{PREFIX}/sites", request=installer.ReportSites, tag=AGENT, status=204,
        summary="All sites of the host, or of one of its servers",
    ),
    Route(
        method="POST", path=f"{PREFIX}/scans/{{scan_id}}/part", request=discovery.TakeScanPart, tag=AGENT,
        summary="What to look at now, in a scan that the agent runs",
    ),
    Route(
        method="POST", path=f"{PREFIX}/scans/{{scan_id}}/names", request=discovery.ReportScanNames, tag=AGENT,
        summary="Where the names of a scan lead",
    ),
    Route(
        method="POST", path=f"{PREFIX}/scans/{{scan_id}}/reports", request=discovery.ReportScan, tag=AGENT,
        summary="What a scan found, and whether to go on",
    ),
)  # fmt: skip
