# SPDX-License-Identifier: Apache-2.0
"""The uses of the key: signing what was accepted, CRLs, OCSP answers. Each may run twice or die anywhere."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from services.ca import handlers
from services.ca.model.issuance import CRL, CRL_STREAM, ISSUANCE, stream
from services.ca.ports import Issuer, IssuerRefusedError, RevokedEntry
from services.ca.projections import newest_crl, revoked_since, standing_of
from shared.clock import from_text, to_text
from shared.context import system
from shared.contracts.ca import AnswerOCSP, CRLFile, OCSPFile
from shared.eventstore.jobs import Jobs, Retry
from shared.eventstore.room import Room

jobs = Jobs()

# A revoked certificate stays on the list until it has expired and every older list has too (RFC 5280 §3.3).
KEEP_EXPIRED = timedelta(days=11)
BACKOFF = (0.5, 2, 10, 60, 600)


class CAApp(Protocol):
    """What jobs need of the app."""

    room: Room
    issuer: Issuer
    crl_lifetime: timedelta
    ocsp_lifetime: timedelta


@jobs.kind("sign", attempts=40, backoff=BACKOFF, timeout=60)
def sign(app: CAApp, payload: dict[str, Any]) -> None:
    """Signs an accepted issuance, unless that was done."""
    issuance_id: str = payload["issuance_id"]
    with app.room.query() as connection:
        state = app.room.streams.load(connection, stream(issuance_id), ISSUANCE).state
    if state.status != "accepted" or state.accepted is None:
        return
    context = system("ca", account_id=state.accepted.account_id)
    try:
        signed = app.issuer.sign(state.accepted)
    except IssuerRefusedError as error:
        app.room.execute(partial(handlers.record_refused, reason=str(error)), issuance_id, context)
        return
    app.room.execute(partial(handlers.record_signed, signed=signed), issuance_id, context)


@jobs.kind("publish_crl", attempts=40, backoff=BACKOFF, timeout=120)
def publish_crl(app: CAApp, _payload: dict[str, Any]) -> None:
    """Signs a list of everything revoked until now."""
    if not _publish(app):
        raise Retry(0.1, "another list was made at the same time", free=True)


def current_crl(app: CAApp) -> CRLFile:
    """The newest CRL, made now when there is none yet."""
    for _ in range(3):
        with app.room.query() as connection:
            found = newest_crl(connection, app.issuer.name)
        if found is not None:
            return found
        _publish(app)
    raise RuntimeError("no CRL could be recorded")


def answer_ocsp(app: CAApp, request: AnswerOCSP) -> OCSPFile:
    """A response to whatever was sent, since OCSP has its own errors."""
    try:
        asked = base64.b64decode(request.ocsp_request, validate=True)
    except (binascii.Error, ValueError):
        asked = b""

    def standing(serial: str) -> RevokedEntry | bool:
        with app.room.query() as connection:
            found = standing_of(connection, serial)
        return (
            found if isinstance(found, bool) else RevokedEntry(found.serial, from_text(found.revoked_at), found.reason)
        )

    now = app.room.clock.now().replace(microsecond=0)
    answer = app.issuer.answer_ocsp(asked, standing, this_update=now, next_update=now + app.ocsp_lifetime)
    return OCSPFile(
        der_base64=base64.b64encode(answer.response).decode("ascii"),
        # Half of its time, so that nobody is handed an answer that is about to end.
        max_age=int(app.ocsp_lifetime.total_seconds()) // 2 if answer.for_all else 0,
    )


def renew_crl(app: CAApp) -> None:
    """Has a new CRL made when half of the newest one's time is over."""
    current = current_crl(app)
    if app.room.clock.now() >= from_text(current.this_update) + app.crl_lifetime / 2:
        app.room.execute(handlers.ask_for_crl, "half of its time is over", system("ca"))


def _publish(app: CAApp) -> bool:
    now = app.room.clock.now()
    next_update = now + app.crl_lifetime
    with app.room.query() as connection:
        number = app.room.streams.load(connection, CRL_STREAM, CRL).state.number + 1
        revoked = revoked_since(connection, to_text(now - KEEP_EXPIRED))
    entries = [RevokedEntry(each.serial, from_text(each.revoked_at), each.reason) for each in revoked]
    der = app.issuer.sign_crl(number=number, this_update=now, next_update=next_update, revoked=entries)
    record = partial(handlers.record_crl, issuer=app.issuer.name, der=der, this_update=now, next_update=next_update)
    return app.room.execute(record, number, system("ca"))
