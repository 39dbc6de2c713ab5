# SPDX-License-Identifier: Apache-2.0
"""Files that another CA looks for while it validates a name (ADR 25): one job for each host that serves the name, and
one to take the file away when the CA has answered.
"""

from __future__ import annotations

from services.installer.handlers.reactions import Wanted, create, take_back
from services.installer.model import job as model
from services.installer.projections.finding import jobs_of_order, sites_serving
from shared.contracts import ca
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork

PLACE = "place_acme_file"
NOT_NEEDED = ("too_late", "The CA has answered; the file is not needed any more.")


def on_challenges_opened(uow: UnitOfWork, envelope: Envelope[ca.ChallengesOpened]) -> None:
    """A file for each name that a site of the account serves from a folder, on every host that does."""
    event = envelope.data
    for challenge in event.challenges:
        if challenge.kind != "http-01":
            continue
        for site in sites_serving(uow.connection, event.account_id, challenge.fqdn):
            create(
                uow,
                Wanted(
                    kind=PLACE,
                    cause=f"{event.issuance_id}-{challenge.token}-{site.server_id}",
                    account_id=event.account_id,
                    server_id=site.server_id,
                    order_id=event.order_id,
                    subject=challenge.fqdn,
                    arguments={
                        "issuance_id": event.issuance_id,
                        "fqdn": challenge.fqdn,
                        "token": challenge.token,
                        "content": challenge.value,
                    },
                ),
            )


def on_issuance_ended(uow: UnitOfWork, envelope: Envelope[ca.CertificateSigned] | Envelope[ca.IssuanceRefused]) -> None:
    """What waits is called off; what was handed out is taken away, by a job that comes after it."""
    event = envelope.data
    for job_id in jobs_of_order(uow.connection, event.order_id, PLACE, event.account_id):
        loaded = uow.load(model.stream(job_id), model.JOB)
        job = loaded.state
        if job.arguments["issuance_id"] != event.issuance_id:
            continue
        if job.status == "waiting":
            code, reason = NOT_NEEDED
            uow.append(loaded, *model.give_up(job, reason, code=code))
            continue
        take_back(uow, job, "remove_acme_file", "token")
