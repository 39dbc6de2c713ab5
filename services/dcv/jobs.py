# SPDX-License-Identifier: Apache-2.0
"""Slow work of validation: looks by HTTP and DNS, and mails. Each may run twice."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import msgspec

from services.dcv.handlers import challenges, mailing
from services.dcv.handlers.letters import challenge_mail
from services.dcv.ports import Lookup, SecretMint
from services.dcv.settings import DCVSettings
from shared.clock import derived_id
from shared.context import system
from shared.eventstore.jobs import Jobs
from shared.eventstore.room import Room
from shared.mail.message import Mailer
from shared.settings import Settings

jobs = Jobs()


class ValidationApp(Protocol):
    """What these functions need of the service."""

    room: Room
    settings: Settings
    own: DCVSettings
    lookup: Lookup
    mailer: Mailer
    mint: SecretMint


@jobs.kind(challenges.LOOK, attempts=20, backoff=(1, 5, 30, 60, 600), timeout=60)
def validate(app: ValidationApp, payload: dict[str, Any]) -> None:
    """One look. That it proved nothing is an outcome and is recorded, not a failure of the job."""
    wanted = msgspec.convert(payload, challenges.LookTarget)
    context = system("dcv", account_id=wanted.account_id)
    target = app.room.execute(challenges.target_of, wanted, context)
    if target is None:
        return
    outcome = app.lookup.look(target)
    found = challenges.LookRecord(
        authorization_id=wanted.authorization_id,
        account_id=wanted.account_id,
        order_id=wanted.order_id,
        csr_version=wanted.csr_version,
        method=target.method,
        outcome=outcome,
    )
    app.room.execute(challenges.record_look, found, context)


@jobs.kind(challenges.PLACE, attempts=20, backoff=(1, 5, 30, 60, 600), timeout=30)
def place_again(app: ValidationApp, payload: dict[str, Any]) -> None:
    """Asks agents once more for a file that they could not place."""
    target = msgspec.convert(payload, challenges.PlacementTarget)
    handler = partial(challenges.place_again, settings=app.own)
    app.room.execute(handler, target, system("dcv", account_id=target.account_id))


@jobs.kind(mailing.LOOK_UP, attempts=12, backoff=(5, 60, 300, 1800), timeout=60)
def look_up_contact(app: ValidationApp, payload: dict[str, Any]) -> None:
    """Looks whether the DNS names the address that a mail is to go to; once for each mail."""
    job = msgspec.convert(payload, mailing.MailJob)
    context = system("dcv", account_id=job.account_id)
    target = app.room.execute(mailing.contact_of, job, context)
    if target is None:
        return
    seen = mailing.ContactSeen(**payload, outcome=app.lookup.look(target))
    once = msgspec.structs.replace(context, command_id=derived_id("contact", job.nonce))
    app.room.execute(mailing.record_contact, seen, once)


@jobs.kind(mailing.SEND, attempts=12, backoff=(5, 60, 300, 1800, 7200), timeout=60)
def send_mail(app: ValidationApp, payload: dict[str, Any]) -> None:
    """Sends one validation mail; the same secrets and Message-ID however often it runs."""
    job = msgspec.convert(payload, mailing.MailJob)
    secrets = app.mint.mint(job.authorization_id, job.order_id, str(job.csr_version), job.address, job.nonce)
    link = f"{app.settings.public_url.rstrip('/')}/validation/{secrets.token}"
    mail = challenge_mail(
        fqdn=job.fqdn,
        address=job.address,
        secrets=secrets,
        link=link,
        expires=job.expires_at,
        key=f"dcv-{job.nonce}",
    )
    app.mailer.send(mail, app.room.clock.now())
    app.room.execute(mailing.record_sent, job, system("dcv", account_id=job.account_id))
