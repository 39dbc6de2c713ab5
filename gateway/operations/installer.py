# SPDX-License-Identifier: Apache-2.0
"""Agents, servers, sites and jobs, as their account sees them."""

from __future__ import annotations

import base64
from typing import Any

from gateway.exchange import Exchange, Raw
from gateway.route import Route
from shared.contracts import installer

SERVERS = "Servers"
FILE = "application/octet-stream"  # a zip or a .deb


def build_file(_exchange: Exchange, reply: Any) -> Raw:
    """A build of the agent, to be saved."""
    download: installer.AgentDownload = reply
    return Raw(base64.b64decode(download.content_base64), FILE, download.file_name)


ROUTES = (
    Route(
        method="GET", path="/api/v1/agents", request=installer.ListAgents, tag=SERVERS,
        summary="Agents of the account",
    ),
    Route(
        method="POST", path="/api/v1/agents", request=installer.RegisterAgent, tag=SERVERS, status=201,
        summary="Make an agent record", location="/api/v1/agents/{agent_id}",
    ),
    Route(method="GET", path="/api/v1/agents/{agent_id}", request=installer.GetAgent, tag=SERVERS, summary="One agent"),
    Route(
        method="PATCH", path="/api/v1/agents/{agent_id}", request=installer.RenameAgent, tag=SERVERS,
        summary="Rename an agent",
    ),
    Route(
        method="DELETE", path="/api/v1/agents/{agent_id}", request=installer.RemoveAgent, tag=SERVERS, status=204,
        summary="Take an agent out", forgets=True,
    ),
    Route(
        method="POST", path="/api/v1/agents/{agent_id}/verify", request=installer.VerifyAgent, tag=SERVERS,
        summary="Confirm the code that the agent printed",
    ),
    Route(
        method="GET", path="/api/v1/agents/{agent_id}/download", request=installer.DownloadAgent, tag=SERVERS,
        summary="One build of the agent, with its settings", answer=build_file, media=FILE,
    ),
    Route(
        method="GET", path="/api/v1/agents/{agent_id}/builds", request=installer.ListAgentBuilds, tag=SERVERS,
        summary="What an agent can be set up from, with sizes and checksums",
    ),
    Route(method="GET", path="/api/v1/servers", request=installer.ListServers, tag=SERVERS, summary="Servers"),
    Route(
        method="GET", path="/api/v1/servers/{server_id}", request=installer.GetServer, tag=SERVERS,
        summary="One server",
    ),
    Route(
        method="DELETE", path="/api/v1/servers/{server_id}", request=installer.RemoveServer, tag=SERVERS, status=204,
        summary="Take out a server that an agent reaches over SSH",
    ),
    Route(
        method="PATCH", path="/api/v1/servers/{server_id}", request=installer.RenameServer, tag=SERVERS,
        summary="Give a server a name of its own",
    ),
    Route(method="GET", path="/api/v1/sites", request=installer.ListSites, tag=SERVERS, summary="Sites and bindings"),
    Route(
        method="GET", path="/api/v1/jobs", request=installer.ListJobs, tag=SERVERS, summary="Agent jobs, newest first",
    ),
    Route(method="GET", path="/api/v1/jobs/{job_id}", request=installer.GetJob, tag=SERVERS, summary="One agent job"),
    Route(
        method="POST", path="/api/v1/installation-plans", request=installer.PlanInstallation, tag=SERVERS, status=202,
        summary="Have an agent tell what an installation would change",
        location="/api/v1/installation-plans/{job_id}",
    ),
    Route(
        method="GET", path="/api/v1/installation-plans/{plan_id}", request=installer.GetInstallationPlan, tag=SERVERS,
        summary="What an installation would change, or set out to",
    ),
    Route(
        method="POST", path="/api/v1/installation-checks", request=installer.CheckInstallation, tag=SERVERS,
        status=202, summary="Have an agent look at what a site serves", location="/api/v1/jobs/{job_id}",
    ),
)  # fmt: skip
