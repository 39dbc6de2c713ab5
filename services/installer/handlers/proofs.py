# SPDX-License-Identifier: Apache-2.0
"""Validation files of our own CA. One that a person asked for goes to that server. One that the service asks for by
itself goes to each host that serves the name, and is taken away when the name is proved, another CSR takes its place or
the order is over.
"""

from __future__ import annotations

from services.installer.handlers.reactions import Wanted, create, take_back
from services.installer.model import job as model
from services.installer.projections.finding import jobs_of_order, sites_serving
from shared.contracts import dcv, orders
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork

KIND = "place_dcv_file"
# Why nothing was handed to an agent: code and sentence.
NOBODY_SERVES = (
    "no_web_root",
    "No agent looks after a site that serves this name from a folder. Place the file yourself, or choose another way.",
)


def on_dcv_file_requested(uow: UnitOfWork, envelope: Envelope[dcv.DCVFileRequested]) -> None:
    """The file below the web root. Without a server: on each that serves the name, in place of an older one."""
    event = envelope.data
    if event.server_id:
        create(uow, _wanted(event, event.server_id, cause=event.placement_id, temporary=False))
        return
    _take_away(uow, event.order_id, account_id=event.account_id, authorization_id=event.authorization_id)
    hosts = [site.server_id for site in sites_serving(uow.connection, event.account_id, event.fqdn)]
    for server_id in hosts:
        create(uow, _wanted(event, server_id, cause=f"{event.placement_id}-{server_id}", temporary=True))
    if not hosts:
        create(uow, _wanted(event, "", cause=event.placement_id, temporary=True), problem=NOBODY_SERVES)


def on_dcv_passed(uow: UnitOfWork, envelope: Envelope[dcv.DCVPassed]) -> None:
    """The name is proved: its files go again."""
    event = envelope.data
    _take_away(uow, event.order_id, account_id=event.account_id, authorization_id=event.authorization_id)


def on_order_ended(
    uow: UnitOfWork,
    envelope: Envelope[orders.OrderCancelled] | Envelope[orders.OrderRejected] | Envelope[orders.OrderExpired],
) -> None:
    """Nobody looks for its files any more."""
    _take_away(uow, envelope.data.order_id)


def _wanted(event: dcv.DCVFileRequested, server_id: str, *, cause: str, temporary: bool) -> Wanted:
    arguments = {
        "authorization_id": event.authorization_id,
        "placement_id": event.placement_id,
        "fqdn": event.fqdn,
        "path": event.path,
        "content": event.content,
        **({"temporary": True} if temporary else {}),
    }
    return Wanted(
        kind=KIND,
        cause=cause,
        account_id=event.account_id,
        server_id=server_id,
        order_id=event.order_id,
        subject=event.fqdn,
        arguments=arguments,
    )


def _take_away(uow: UnitOfWork, order_id: str, *, account_id: str = "", authorization_id: str = "") -> None:
    """One more job behind each that places, or has placed, such a file; once, however often it is asked for."""
    for job_id in jobs_of_order(uow.connection, order_id, KIND, account_id):
        job = uow.load(model.stream(job_id), model.JOB).state
        named = authorization_id in {"", job.arguments["authorization_id"]}
        if not named or not job.arguments.get("temporary") or job.status == "failed":
            continue
        take_back(uow, job, "remove_dcv_file", "path")
