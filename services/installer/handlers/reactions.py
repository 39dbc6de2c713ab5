# SPDX-License-Identifier: Apache-2.0
"""What other rooms ask for by their events: each becomes one job for the agent of the server that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from services.installer.model import agent as agents
from services.installer.model import job as model
from services.installer.model.outcome import failed
from services.installer.model.plan import Plan
from services.installer.projections.finding import find_server, find_site
from services.installer.tables import approved_plan
from shared.contracts import discovery, orders
from shared.contracts.installer import AgentJobCreated
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork

# Why nothing was handed to an agent: code and sentence.
NO_SERVER = ("server_gone", "The server is not there any more: its agent was removed.")
NO_SITE = ("site_gone", "The site is not there any more: see the list of sites.")
MOST_SUBJECT = 200  # characters
_plan = msgspec.json.Decoder(Plan)


@dataclass(frozen=True)
class Wanted:
    """What the events have in common."""

    kind: str
    cause: str
    account_id: str
    server_id: str
    order_id: str
    subject: str
    arguments: dict[str, Any]
    agent_id: str = ""


def on_csr_requested(uow: UnitOfWork, envelope: Envelope[orders.CSRRequested]) -> None:
    """Key and CSR on the host."""
    event = envelope.data
    organization = msgspec.to_builtins(event.organization) if event.organization else None
    arguments = {
        "request_id": event.request_id,
        "common_name": event.common_name,
        "names": event.names,
        "key_algorithm": event.key_algorithm,
        "organization": organization,
    }
    create(
        uow,
        Wanted(
            kind="make_csr",
            cause=event.request_id,
            account_id=event.account_id,
            server_id=event.server_id,
            order_id=event.order_id,
            subject=event.common_name,
            arguments=arguments,
        ),
    )


def on_installation_requested(uow: UnitOfWork, envelope: Envelope[orders.InstallationRequested]) -> None:
    """The certificate onto one site."""
    event = envelope.data
    site = find_site(uow.connection, event.account_id, event.server_id, event.site_id)
    arguments = {
        "installation_id": event.installation_id,
        "site_id": event.site_id,
        "web_server": site.web_server if site else "",
        "site_name": site.name if site else "",
        "names": event.names,
        "serial": event.serial,
        "spki_sha256": event.spki_sha256,
        "certificate_pem": event.certificate_pem,
        "chain_pem": event.chain_pem,
        **_approval(uow, event),
    }
    create(
        uow,
        Wanted(
            kind="install_certificate",
            cause=event.installation_id,
            account_id=event.account_id,
            server_id=event.server_id,
            order_id=event.order_id,
            subject=site.name if site else event.site_id,
            arguments=arguments,
        ),
        problem=None if site else NO_SITE,
    )


def _approval(uow: UnitOfWork, event: orders.InstallationRequested) -> dict[str, Any]:
    """The hash that the installation is bound to, with the digests behind it, for the agent to name what differs."""
    if not event.plan_sha256:
        return {}
    text = approved_plan(uow.connection, event.account_id, event.plan_id, event.plan_sha256)
    parts = _plan.decode(text).parts if text else {}
    return {"plan_sha256": event.plan_sha256, "plan_parts": parts}


def on_certificate_save_requested(uow: UnitOfWork, envelope: Envelope[orders.CertificateSaveRequested]) -> None:
    """The certificate as a zip in the user's folder."""
    event = envelope.data
    arguments = {
        "save_id": event.save_id,
        "common_name": event.common_name,
        "number": event.number,
        "certificate_pem": event.certificate_pem,
        "chain_pem": event.chain_pem,
    }
    create(
        uow,
        Wanted(
            kind="save_certificate",
            cause=event.save_id,
            account_id=event.account_id,
            server_id=event.server_id,
            order_id=event.order_id,
            subject=event.common_name,
            arguments=arguments,
        ),
    )


def on_agent_scan_requested(uow: UnitOfWork, envelope: Envelope[discovery.AgentScanRequested]) -> None:
    """A scan of the agent's own network. The job is done when the scan has begun there."""
    event = envelope.data
    arguments = {
        "scan_id": event.scan_id,
        "targets": event.targets,
        "names": event.names,
        "ports": event.ports,
        "exclude": event.exclude,
        "rate": event.rate,
    }
    create(
        uow,
        Wanted(
            kind="run_scan",
            cause=event.scan_id,
            account_id=event.account_id,
            agent_id=event.agent_id,
            server_id=agents.server_id(event.agent_id),
            order_id="",
            subject=", ".join([*event.targets, *event.names])[:MOST_SUBJECT],
            arguments=arguments,
        ),
    )


def take_back(uow: UnitOfWork, placed: model.Job, kind: str, *names: str) -> None:
    """A job behind one that places, or has placed, a file: its file goes again. `names` are the arguments that say
    which; once, however often it is asked for.
    """
    request = Wanted(
        kind=kind,
        cause=placed.job_id,
        account_id=placed.account_id,
        server_id=placed.server_id,
        order_id=placed.order_id,
        subject=str(placed.arguments["fqdn"]),
        arguments={name: placed.arguments[name] for name in ("fqdn", *names)},
    )
    create(uow, request)


def create(uow: UnitOfWork, request: Wanted, *, problem: tuple[str, str] | None = None) -> None:
    """One job per cause; what cannot be handed to an agent fails at once, so that nobody waits for it."""
    job_id = model.job_id(request.kind, request.cause)
    loaded = uow.load(model.stream(job_id), model.JOB)
    if loaded.exists:
        return
    row = find_server(uow.connection, request.server_id) if request.server_id else None
    if problem is None and (row is None or row.account_id != request.account_id):
        problem = NO_SERVER
    if problem is not None or row is None:
        code, reason = problem or NO_SERVER
        uow.append(loaded, *failed(request.kind, request.arguments, request, reason, code=code))
        return
    uow.append(
        loaded,
        AgentJobCreated(
            job_id=job_id,
            agent_id=row.agent_id,
            account_id=request.account_id,
            server_id=request.server_id,
            kind=request.kind,
            arguments=request.arguments,
            order_id=request.order_id,
            subject=request.subject,
        ),
    )
