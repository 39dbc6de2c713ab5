# SPDX-License-Identifier: Apache-2.0
"""One function per event that keeps the folded tables."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from services.installer.model.findings import ends_at
from services.installer.tables import (
    agent_jobs,
    agents,
    brought,
    projections,
    servers,
    site_findings,
    site_keys,
    sites,
)
from shared.contracts.installer import (
    AgentEnrolled,
    AgentJobClaimed,
    AgentJobCreated,
    AgentJobFailed,
    AgentJobSucceeded,
    AgentRegistered,
    AgentRemoved,
    AgentRenamed,
    AgentStepReported,
    DeploymentSucceeded,
    JobView,
    ServerAdded,
    ServerRemoved,
    ServerRenamed,
    ServerStateChanged,
    SiteFindingsChanged,
    SitesReported,
)
from shared.eventsourcing.envelope import Envelope

__all__ = ["projections"]

_encoder = msgspec.json.Encoder(order="deterministic")
_job = msgspec.json.Decoder(JobView)
_SERVER: dict[str, Any] = {
    **dict.fromkeys(
        ("ref", "label", "given_name", "address", "user", "state", "detail", "host_key", "host_key_seen", "version",
         "os", "host_name"),
        "",
    ),
    "taken_name": None,
    "port": 0,
    "web_servers": "[]",
}  # fmt: skip


@projections.on(AgentRegistered)
def _registered(connection: sa.Connection, envelope: Envelope[AgentRegistered]) -> None:
    event = envelope.data
    connection.execute(
        sa.insert(agents).values(
            agent_id=event.agent_id,
            account_id=event.account_id,
            uid=event.uid,
            name=event.name,
            taken_name=event.name.casefold(),
            server_id="",
            created_at=envelope.occurred_at,
            enrolled_at=None,
            removed=False,
            version="",
            os="",
        )
    )


@projections.on(AgentRenamed)
def _renamed(connection: sa.Connection, envelope: Envelope[AgentRenamed]) -> None:
    event = envelope.data
    _update_agent(connection, event.agent_id, name=event.name, taken_name=event.name.casefold())


@projections.on(AgentEnrolled)
def _enrolled(connection: sa.Connection, envelope: Envelope[AgentEnrolled]) -> None:
    event = envelope.data
    at = sa.func.coalesce(agents.c.enrolled_at, envelope.occurred_at)
    _update_agent(
        connection, event.agent_id, server_id=event.server_id, enrolled_at=at, version=event.version, os=event.os
    )
    known = sa.select(servers.c.server_id).where(servers.c.server_id == event.server_id)
    if connection.execute(known).first() is None:  # else it enrolled anew: its server stays
        who = {"server_id": event.server_id, "agent_id": event.agent_id, "account_id": event.account_id}
        connection.execute(sa.insert(servers).values(**_SERVER, **who, created_at=envelope.occurred_at))


@projections.on(AgentRemoved)
def _removed(connection: sa.Connection, envelope: Envelope[AgentRemoved]) -> None:
    event = envelope.data
    theirs = sa.select(servers.c.server_id).where(servers.c.agent_id == event.agent_id)
    for table in (sites, site_findings, site_keys):
        connection.execute(sa.delete(table).where(table.c.server_id.in_(theirs)))
    connection.execute(sa.delete(servers).where(servers.c.agent_id == event.agent_id))
    _update_agent(connection, event.agent_id, removed=True, taken_name=None)


@projections.on(ServerRenamed)
def _server_renamed(connection: sa.Connection, envelope: Envelope[ServerRenamed]) -> None:
    event = envelope.data
    _update_server(connection, event.server_id, given_name=event.name, taken_name=event.name.casefold() or None)


@projections.on(ServerAdded)
def _server_added(connection: sa.Connection, envelope: Envelope[ServerAdded]) -> None:
    event = envelope.data
    connection.execute(
        sa.insert(servers).values(
            **{
                **_SERVER,
                "server_id": event.server_id,
                "agent_id": event.agent_id,
                "account_id": event.account_id,
                "ref": event.ref,
                "created_at": envelope.occurred_at,
                "label": event.name,
                "address": event.address,
                "port": event.port,
                "user": event.user,
                "host_key": event.host_key,
            }
        )
    )


@projections.on(ServerStateChanged)
def _server_state_changed(connection: sa.Connection, envelope: Envelope[ServerStateChanged]) -> None:
    event = envelope.data
    _update_server(
        connection,
        event.server_id,
        state=event.state,
        detail=event.detail,
        version=event.version,
        os=event.os,
        host_name=event.host_name,
        web_servers=_encoder.encode(event.web_servers).decode(),
        host_key_seen=event.host_key_seen,
    )


@projections.on(ServerRemoved)
def _server_removed(connection: sa.Connection, envelope: Envelope[ServerRemoved]) -> None:
    event = envelope.data
    for table in (sites, site_findings, site_keys):
        connection.execute(sa.delete(table).where(table.c.server_id == event.server_id))
    connection.execute(sa.delete(servers).where(servers.c.server_id == event.server_id))


def _update_server(connection: sa.Connection, server_id: str, **values: Any) -> None:
    connection.execute(sa.update(servers).where(servers.c.server_id == server_id).values(**values))


def _update_agent(connection: sa.Connection, agent_id: str, **values: Any) -> None:
    connection.execute(sa.update(agents).where(agents.c.agent_id == agent_id).values(**values))


@projections.on(SitesReported)
def _sites_reported(connection: sa.Connection, envelope: Envelope[SitesReported]) -> None:
    event = envelope.data
    for table in (sites, site_keys):
        connection.execute(sa.delete(table).where(table.c.server_id == event.server_id))
    rows = [
        {
            "site_id": site.site_id,
            "server_id": event.server_id,
            "account_id": event.account_id,
            "name": site.name,
            "names": f" {' '.join(site.names)} ",
            "ends_at": ends_at(site),
            "view": _encoder.encode(site).decode(),
        }
        for site in event.sites
    ]
    if rows:
        connection.execute(sa.insert(sites), rows)
    used = sorted(
        {
            (site.site_id, binding.certificate.spki_sha256.lower())
            for site in event.sites
            for binding in site.bindings
            if binding.certificate is not None
        }
    )
    who = {"server_id": event.server_id, "account_id": event.account_id}
    if used:
        connection.execute(sa.insert(site_keys), [{"site_id": one, "spki_sha256": key, **who} for one, key in used])


@projections.on(SiteFindingsChanged)
def _findings_changed(connection: sa.Connection, envelope: Envelope[SiteFindingsChanged]) -> None:
    event = envelope.data
    connection.execute(sa.delete(site_findings).where(site_findings.c.site_id == event.site_id))
    rows = [
        {
            "site_id": event.site_id,
            "kind": one.kind,
            "server_id": event.server_id,
            "finding": _encoder.encode(one).decode(),
        }
        for one in event.findings
    ]
    if rows:
        connection.execute(sa.insert(site_findings), rows)


@projections.on(DeploymentSucceeded)
def _brought(connection: sa.Connection, envelope: Envelope[DeploymentSucceeded]) -> None:
    event = envelope.data
    connection.execute(sa.delete(brought).where(brought.c.site_id == event.site_id))
    values = {"order_id": event.order_id, "installation_id": event.installation_id}
    connection.execute(sa.insert(brought).values(site_id=event.site_id, **values))


@projections.on(AgentJobCreated)
def _job_created(connection: sa.Connection, envelope: Envelope[AgentJobCreated]) -> None:
    event = envelope.data
    view = JobView(
        job_id=event.job_id,
        kind=event.kind,
        agent_id=event.agent_id,
        server_id=event.server_id,
        status="waiting",
        created_at=envelope.occurred_at,
        order_id=event.order_id,
        subject=event.subject,
    )
    connection.execute(
        sa.insert(agent_jobs).values(
            job_id=event.job_id,
            account_id=event.account_id,
            agent_id=event.agent_id,
            server_id=event.server_id,
            order_id=event.order_id,
            kind=event.kind,
            status="waiting",
            created_at=envelope.occurred_at,
            view=_encoder.encode(view).decode(),
        )
    )


@projections.on(AgentJobClaimed)
def _job_claimed(connection: sa.Connection, envelope: Envelope[AgentJobClaimed]) -> None:
    _update_job(connection, envelope.data.job_id, status="claimed", claimed_at=envelope.occurred_at)


@projections.on(AgentStepReported)
def _job_stepped(connection: sa.Connection, envelope: Envelope[AgentStepReported]) -> None:
    event = envelope.data
    _update_job(connection, event.job_id, steps=[*_view_of(connection, event.job_id).steps, event.step])


@projections.on(AgentJobSucceeded)
def _job_succeeded(connection: sa.Connection, envelope: Envelope[AgentJobSucceeded]) -> None:
    event = envelope.data
    at = envelope.occurred_at
    _update_job(connection, event.job_id, status="succeeded", finished_at=at, result=event.result)


@projections.on(AgentJobFailed)
def _job_failed(connection: sa.Connection, envelope: Envelope[AgentJobFailed]) -> None:
    event = envelope.data
    at = envelope.occurred_at
    _update_job(connection, event.job_id, status="failed", finished_at=at, reason=event.reason, code=event.code)


def _view_of(connection: sa.Connection, job_id: str) -> JobView:
    text = connection.execute(sa.select(agent_jobs.c.view).where(agent_jobs.c.job_id == job_id)).scalar_one()
    return _job.decode(text)


def _update_job(connection: sa.Connection, job_id: str, **changes: Any) -> None:
    view = msgspec.structs.replace(_view_of(connection, job_id), **changes)
    connection.execute(
        sa.update(agent_jobs)
        .where(agent_jobs.c.job_id == job_id)
        .values(status=view.status, view=_encoder.encode(view).decode())
    )
