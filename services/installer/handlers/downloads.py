# SPDX-License-Identifier: Apache-2.0
"""What agents are set up from: the builds of one agent, for its account and for the host that fetches one."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from services.installer.model.builds import BUILDS, Build, build_named
from services.installer.ports import AgentBundle
from services.installer.projections.finding import find_agent
from shared.context import Context
from shared.contracts import installer as contract
from shared.contracts.tenancy import scope_of
from shared.errors import Code, ServiceError, not_found
from shared.eventstore.room import Room


def list_builds(
    room: Room, request: contract.ListAgentBuilds, context: Context, *, bundle: AgentBundle, gateway: str
) -> contract.AgentBuilds:
    """Every build with its checksum. One that cannot be made here says why, and does not hide the others."""
    row = _of_account(room, request.agent_id, context)
    return contract.AgentBuilds(items=[_shown(build, row.uid, bundle, gateway) for build in BUILDS])


def download_agent(
    room: Room, request: contract.DownloadAgent, context: Context, *, bundle: AgentBundle, gateway: str
) -> contract.AgentDownload:
    """One build for one agent, the same bytes each time."""
    row = _of_account(room, request.agent_id, context)
    return _made(build_named(request.build), row.uid, bundle, gateway)


def fetch_agent(
    room: Room, request: contract.FetchAgent, *, bundle: AgentBundle, gateway: str
) -> contract.AgentDownload:
    """The same for whoever knows the agent's UID: 128 bits that open nothing else, and no secret is in a build."""
    build = build_named(request.build)
    with room.query() as connection:
        row = find_agent(connection, uid=request.uid)
    if row is None:
        raise not_found("agent")
    return _made(build, row.uid, bundle, gateway)


def _of_account(room: Room, agent_id: str, context: Context) -> Any:
    scope = scope_of(context)
    with room.query() as connection:
        row = find_agent(connection, agent_id=agent_id)
    if row is None or scope not in (None, row.account_id):
        raise not_found("agent")
    return row


def _made(build: Build, uid: str, bundle: AgentBundle, gateway: str) -> contract.AgentDownload:
    content = bundle.build(uid, gateway, build)
    return contract.AgentDownload(
        file_name=build.file_name(uid, bundle.version),
        content_base64=base64.b64encode(content).decode("ascii"),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _shown(build: Build, uid: str, bundle: AgentBundle, gateway: str) -> contract.AgentBuild:
    content, reason = b"", ""
    try:
        content = bundle.build(uid, gateway, build)
    except ServiceError as error:
        if error.code is not Code.UNAVAILABLE:
            raise
        reason = error.detail
    return contract.AgentBuild(
        build=build.name,
        file_name=build.file_name(uid, bundle.version),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        unavailable=reason,
        page=build.page,
        nginx=build.works_on("nginx"),
        apache=build.works_on("apache"),
        tomcat=build.works_on("tomcat"),
        haproxy=build.works_on("haproxy"),
        files=build.works_on("files"),
        iis=build.works_on("iis"),
    )
