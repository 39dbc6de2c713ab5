# SPDX-License-Identifier: Apache-2.0
"""The uses of the key, and of other CAs: signing what was accepted, revoking, CRLs, OCSP answers. Each may run twice or
die anywhere.
"""

from __future__ import annotations

import base64
import binascii
import logging
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from cryptography import x509

from services.ca import handlers
from services.ca.model.issuance import CRL, ISSUANCE, REASONS, Issuance, crl_stream, stream
from services.ca.ports import (
    Authorities,
    Authority,
    CAAGate,
    Issuer,
    IssuerRefusedError,
    IssuerUnavailableError,
    OrderIntended,
    Progress,
    RevokedEntry,
    Signed,
    Step,
    Upstream,
    Wait,
)
from services.ca.projections import (
    challenge_answer,
    last_end,
    newest_crl,
    newest_upstream,
    order_is_taken,
    revoked_since,
    standing_of,
)
from shared.clock import from_text, to_text
from shared.context import Context, system
from shared.contracts.ca import AnswerOCSP, ChallengeAnswerFile, CRLFile, GetChallengeAnswer, IssuanceAccepted, OCSPFile
from shared.crashpoint import crash_point
from shared.errors import not_found
from shared.eventstore.jobs import Jobs, Retry
from shared.eventstore.room import Room

_log = logging.getLogger(__name__)
jobs = Jobs()

# A revoked certificate stays on the list until it has expired and every older list has too (RFC 5280 §3.3).
KEEP_EXPIRED = timedelta(days=11)
BACKOFF = (0.5, 2, 10, 60, 600)
CAA_AGAIN_S = 300  # name servers that fail do so for a while; 40 attempts are more than three hours


class CAApp(Protocol):
    """What jobs need of the app."""

    room: Room
    authorities: Authorities
    recorded: object
    upstream: Upstream | None
    caa: CAAGate
    crl_lifetime: timedelta
    ocsp_lifetime: timedelta


@jobs.kind("sign", attempts=40, backoff=BACKOFF, timeout=120)
def sign(app: CAApp, payload: dict[str, Any]) -> None:
    """Brings an accepted issuance to its certificate, step by step; each step is recorded before the next."""
    issuance_id: str = payload["issuance_id"]
    fresh = False
    while True:
        state = _load(app, issuance_id)
        if state.status != "accepted" or state.accepted is None:
            return
        context = system("ca", account_id=state.accepted.account_id)
        # Another CA asks for its own name in CAA records, and does so itself.
        if state.accepted.serial and not _caa_allows(app, state.accepted, context):
            return
        try:
            step = _advance(app, state, state.accepted, fresh=fresh)
        except IssuerRefusedError as error:
            app.room.execute(partial(handlers.record_refused, reason=str(error)), issuance_id, context)
            return
        if isinstance(step, Signed):
            if step.lint:
                _log.warning("%s sent serial %s with faults: %s", state.accepted.issuer, step.serial, step.lint)
            app.room.execute(partial(handlers.record_signed, signed=step), issuance_id, context)
            return
        recorded = app.room.execute(partial(handlers.record_step, step=step), issuance_id, context)
        fresh = recorded and isinstance(step, OrderIntended)
        if isinstance(step, Wait):
            raise Retry(step.seconds, step.reason or "the issuer is at work", free=True)


def _advance(app: CAApp, state: Issuance, accepted: IssuanceAccepted, *, fresh: bool) -> Step:
    issuer = _issuer_of(app, accepted)

    def taken(url: str) -> bool:
        with app.room.query() as connection:
            return order_is_taken(connection, url)

    before = "" if accepted.serial or state.order_url else _predecessor(app, accepted)
    progress = Progress(state.intended, fresh, state.order_url, state.challenges, taken, before)
    step = issuer.advance(accepted, progress)
    crash_point(f"ca/advance/{type(step).__name__}")
    return step


def _predecessor(app: CAApp, accepted: IssuanceAccepted) -> str:
    """The certificate that a new one of another CA replaces, in PEM."""
    with app.room.query() as connection:
        issuance_id = newest_upstream(connection, accepted.order_id, accepted.issuer)
    return _load(app, issuance_id).certificate_pem if issuance_id else ""


@jobs.kind("renewal_info", attempts=10_000, backoff=(60, 600, 3600, 6 * 3600), timeout=60)
def ask_for_renewal_info(app: CAApp, payload: dict[str, Any]) -> None:
    """Asks another CA when it wants a certificate of its own replaced (RFC 9773), again and again while that counts."""
    issuance_id: str = payload["issuance_id"]
    state = _load(app, issuance_id)
    if state.status != "signed" or state.accepted is None or from_text(state.not_after) <= app.room.clock.now():
        return  # RFC 9773 §4.3: never after its end
    upstream = app.upstream
    known = upstream is not None and upstream.name == state.accepted.issuer
    info = upstream.renewal_info(state.certificate_pem) if upstream is not None and known else None
    record = partial(handlers.record_renewal_info, info=info)
    app.room.execute(record, issuance_id, system("ca", account_id=state.accepted.account_id))


@jobs.kind("revoke", attempts=200, backoff=BACKOFF, timeout=60)
def revoke(app: CAApp, payload: dict[str, Any]) -> None:
    """Tells another CA to revoke what it signed, and records it when it has."""
    issuance_id: str = payload["issuance_id"]
    state = _load(app, issuance_id)
    if state.status != "signed" or state.accepted is None:
        return
    _issuer_of(app, state.accepted).revoke(state.certificate_pem, REASONS[payload["reason"]])
    crash_point("ca/revoke/told")
    record = partial(handlers.record_revoked, serial=payload["serial"], reason=payload["reason"])
    app.room.execute(record, issuance_id, system("ca", account_id=state.accepted.account_id))


def get_challenge_answer(app: CAApp, request: GetChallengeAnswer) -> ChallengeAnswerFile:
    """The file for a token. Raises ServiceError `not_found`."""
    with app.room.query() as connection:
        content = challenge_answer(connection, request.token)
    if content is None:
        raise not_found("challenge")
    return ChallengeAnswerFile(content=content)


def _load(app: CAApp, issuance_id: str) -> Issuance:
    with app.room.query() as connection:
        return app.room.streams.load(connection, stream(issuance_id), ISSUANCE).state


def _issuer_of(app: CAApp, accepted: IssuanceAccepted) -> Issuer:
    """Who accepted it, whatever the settings say by now. Raises IssuerUnavailableError when they know it no more."""
    # A former issuing CA finishes what it had accepted: the same signature, whenever a crash let it be made.
    for issuer in (app.authorities.active, app.upstream, *app.authorities.former):
        if issuer is not None and issuer.name == accepted.issuer:
            return issuer
    if accepted.serial:
        return app.authorities.active  # which refuses what is not its own
    raise IssuerUnavailableError(
        f"{accepted.issuer} is not in the settings any more; put it back to finish its orders."
    )


def _caa_allows(app: CAApp, accepted: IssuanceAccepted, context: Context) -> bool:
    """Asks now, so that no answer is older than the signature. Raises Retry when the DNS gave no answer to go by."""
    decision = app.caa.check(accepted)
    if decision.findings:
        app.room.execute(partial(handlers.record_caa, decision=decision), accepted.issuance_id, context)
    if decision.outcome == "unknown":
        wait = Wait(CAA_AGAIN_S, decision.reason)
        app.room.execute(partial(handlers.record_step, step=wait), accepted.issuance_id, context)
        raise Retry(CAA_AGAIN_S, decision.reason)
    return decision.outcome == "allowed"


@jobs.kind("publish_crl", attempts=40, backoff=BACKOFF, timeout=120)
def publish_crl(app: CAApp, payload: dict[str, Any]) -> None:
    """Signs a list of everything that an issuing CA (of all of them, without `issuer`) has revoked until now."""
    for authority in _authorities(app):
        if payload.get("issuer", "") in {"", authority.name} and not _publish(app, authority):
            raise Retry(0.1, "another list was made at the same time", free=True)


def current_crl(app: CAApp, number: int = 0) -> CRLFile:
    """The newest CRL of an issuing CA, made now when there is none yet. Raises ServiceError `not_found`."""
    authority = authority_of(app, number)
    for _ in range(3):
        with app.room.query() as connection:
            found = newest_crl(connection, authority.name)
        if found is not None:
            return found
        _publish(app, authority)
    raise RuntimeError("no CRL could be recorded")


def root_crl(app: CAApp) -> CRLFile:
    """The root's CRL. Raises ServiceError `not_found`."""
    der = app.authorities.root_list
    if der is None:
        raise not_found("revocation list of the root")
    read = x509.load_der_x509_crl(der)
    return CRLFile(
        der_base64=base64.b64encode(der).decode("ascii"),
        number=read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        this_update=to_text(read.last_update_utc),
        next_update=to_text(read.next_update_utc or read.last_update_utc),
    )


def numbered(issuer: str) -> int:
    """The number of an issuing CA as it stands in addresses; 0 without one, -1 for what is none."""
    return int(issuer or 0) if len(issuer) < 5 and (not issuer or (issuer.isdecimal() and issuer != "0")) else -1


def authority_of(app: CAApp, number: int) -> Authority:
    """An issuing CA by its number, the one that signs for 0. Raises ServiceError `not_found`."""
    for authority in _authorities(app):
        if number in {0, authority.number}:
            return authority
    raise not_found("issuing CA")


def answer_ocsp(app: CAApp, request: AnswerOCSP) -> OCSPFile:
    """A response to whatever was sent, since OCSP has its own errors. The issuing CA in question answers itself."""
    try:
        asked = base64.b64decode(request.ocsp_request, validate=True)
    except (binascii.Error, ValueError):
        asked = b""

    def standing(issuer: str, serial: str) -> RevokedEntry | bool:
        with app.room.query() as connection:
            found = standing_of(connection, issuer, serial)
        return (
            found if isinstance(found, bool) else RevokedEntry(found.serial, from_text(found.revoked_at), found.reason)
        )

    now = app.room.clock.now().replace(microsecond=0)
    for authority in _authorities(app):
        answer = authority.answer_ocsp(
            asked, partial(standing, authority.name), this_update=now, next_update=now + app.ocsp_lifetime
        )
        if not answer.foreign:
            break
    return OCSPFile(
        der_base64=base64.b64encode(answer.response).decode("ascii"),
        # Half of its time, so that nobody is handed an answer that is about to end.
        max_age=int(app.ocsp_lifetime.total_seconds()) // 2 if answer.for_all else 0,
    )


def renew_crl(app: CAApp) -> None:
    """Has new CRLs made when half of the newest ones' time is over. A former issuing CA makes them until its last
    certificate has ended."""
    now = app.room.clock.now()
    context = system("ca")
    for authority in _authorities(app):
        if authority is not app.authorities.active and _has_ended(app, authority):
            app.room.execute(partial(handlers.record_ended, issuer=authority.name), authority.number, context)
            continue
        current = current_crl(app, authority.number)
        if now >= from_text(current.this_update) + app.crl_lifetime / 2:
            app.room.execute(handlers.ask_for_crl, authority.name, context)


def notice_authorities(app: CAApp) -> None:
    """Records what an operator has changed on disk since the last look: another issuing CA, a root taken offline."""
    generation = app.authorities.generation
    if generation is None or generation == app.recorded:
        return
    installed = [authority.installed() for authority in _authorities(app)]
    record = partial(handlers.record_authorities, root_is_offline=app.authorities.root_is_offline)
    app.room.execute(record, installed, system("ca"))
    app.recorded = generation


def _authorities(app: CAApp) -> list[Authority]:
    """The one that signs, then those before it."""
    return [app.authorities.active, *app.authorities.former]


def _has_ended(app: CAApp, authority: Authority) -> bool:
    with app.room.query() as connection:
        last = last_end(connection, authority.name)
    return last is None or app.room.clock.now() > from_text(last) + KEEP_EXPIRED


def _publish(app: CAApp, authority: Authority) -> bool:
    now = app.room.clock.now()
    next_update = now + app.crl_lifetime
    with app.room.query() as connection:
        number = app.room.streams.load(connection, crl_stream(authority.number), CRL).state.number + 1
        revoked = revoked_since(connection, authority.name, to_text(now - KEEP_EXPIRED))
    entries = [RevokedEntry(each.serial, from_text(each.revoked_at), each.reason) for each in revoked]
    der = authority.sign_crl(number=number, this_update=now, next_update=next_update, revoked=entries)
    record = partial(
        handlers.record_crl,
        authority=authority.number,
        issuer=authority.name,
        der=der,
        this_update=now,
        next_update=next_update,
    )
    return app.room.execute(record, number, system("ca"))
