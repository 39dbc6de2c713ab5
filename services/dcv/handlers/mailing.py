# SPDX-License-Identifier: Apache-2.0
"""Validation by mail: one random value per mail, good once, for 30 days (BR 3.2.2.4.4). Only hashes are kept.

A mail to a contact in the DNS (BR 3.2.2.4.13, .14) goes out once enough perspectives have seen the record.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.dcv import tables
from services.dcv.handlers.views import find, show
from services.dcv.model import authorization as model
from services.dcv.model import contacts
from services.dcv.model.authorization import Authorization
from services.dcv.model.judging import Outcome
from services.dcv.ports import SecretMint, Target
from services.dcv.settings import DCVSettings
from shared.clock import to_text
from shared.contracts.dcv import AuthorizationView, ConfirmDCVMail, GetMailConfirmation, MailConfirmation, SubmitDCVCode
from shared.errors import Code, ServiceError, invalid
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.pki.rules import Rules

GOOD_FOR = timedelta(days=30)  # BR 3.2.2.4.4: a random value is good for no more than 30 days
TRIES = 5
SEND, LOOK_UP = "mail", "contact"


class MailJob(msgspec.Struct, frozen=True, kw_only=True):
    """Which mail to send; `nonce` and the rest make its secrets again."""

    authorization_id: str
    account_id: str
    order_id: str
    csr_version: int
    fqdn: str
    address: str
    nonce: str
    expires_at: str
    method: str = "email"


def prepare(
    uow: UnitOfWork, state: Authorization, order_id: str, address: str, *, settings: DCVSettings, mint: SecretMint
) -> None:
    """Leaves a mail to be sent, or its contact to be looked up first. Errors: invalid (no such mailbox),
    rate_limited."""
    need = model.need_of(state, order_id)
    rules = Rules.at(uow.now)
    if not model.usable(need.method, state.fqdn, rules):
        raise invalid(f"The rules forbid this method ({rules.methods[need.method].source}).", "/method")
    if need.method not in contacts.CONTACT_METHODS:
        offered = model.mailboxes(state.fqdn)
        if address not in offered:
            raise invalid(f"Choose one of: {', '.join(offered)}. Other addresses prove nothing.", "/email")
    elif not contacts.is_address(address):
        raise invalid("Name the address that the record in the DNS holds.", "/email")
    _refuse_too_many(uow, state, settings)
    job = MailJob(
        authorization_id=state.authorization_id,
        account_id=state.account_id,
        order_id=order_id,
        csr_version=need.csr_version,
        fqdn=state.fqdn,
        address=address,
        nonce=uow.new_id(),
        expires_at=to_text(uow.now + GOOD_FOR),
        method=need.method,
    )
    secrets = mint.mint(job.authorization_id, job.order_id, str(job.csr_version), job.address, job.nonce)
    tables.add_mail(
        uow.connection,
        token_hash=digest(secrets.token),
        code_hash=digest(secrets.code),
        authorization_id=job.authorization_id,
        account_id=state.account_id,
        order_id=order_id,
        csr_version=job.csr_version,
        address=address,
        method=job.method,
        made_at=to_text(uow.now),
        expires_at=job.expires_at,
    )
    kind = LOOK_UP if need.method in contacts.CONTACT_METHODS else SEND
    uow.schedule(kind, job.nonce, msgspec.to_builtins(job))


class ContactSeen(MailJob, frozen=True, kw_only=True):
    """What the look for the contact of a mail showed."""

    outcome: Outcome


def contact_of(uow: UnitOfWork, job: MailJob) -> Target | None:
    """Which record to look for; None when the mail is not wanted any more."""
    state = uow.load(model.stream_of(job.authorization_id), model.authorization).state
    need = state.needs.get(job.order_id)
    if need is None or not need.waits or need.csr_version != job.csr_version or need.method != job.method:
        return None
    return Target(job.fqdn, job.method, "", "", "", address=job.address)


def record_contact(uow: UnitOfWork, seen: ContactSeen) -> None:
    """Keeps what the look showed; the mail goes out if the record names the address."""
    loaded = uow.load(model.stream_of(seen.authorization_id), model.authorization)
    events = model.contact_looked_up(
        loaded.state,
        seen.order_id,
        seen.address,
        seen.outcome,
        uow.now,
        csr_version=seen.csr_version,
        method=seen.method,
    )
    uow.append(loaded, *events)
    if any(event.found for event in events):
        job = {name: getattr(seen, name) for name in MailJob.__struct_fields__}
        uow.schedule(SEND, seen.nonce, job)


def record_sent(uow: UnitOfWork, job: MailJob) -> None:
    """The mail is out."""
    loaded = uow.load(model.stream_of(job.authorization_id), model.authorization)
    uow.append(loaded, model.mail_sent(loaded.state, job.order_id, job.address, job.expires_at))


def look_at_link(room: Room, request: GetMailConfirmation) -> MailConfirmation:
    """What the page behind a link shows; changes nothing, since mail scanners open links."""
    now = room.clock.now()
    with room.query() as connection:
        row = tables.mail_by_token(connection, digest(request.token))
        if row is None:
            return MailConfirmation(fqdn="", address="", state="unknown")
        state = room.streams.load(connection, model.stream_of(row.authorization_id), model.authorization).state
    return _confirmation(row, state, _state_of(row, state, now))


def account_of(room: Room, token: str) -> str | None:
    """Whose mail a token came in; None for a token that nobody was sent."""
    with room.query() as connection:
        row = tables.mail_by_token(connection, digest(token))
    return str(row.account_id) if row is not None else None


def confirm_link(uow: UnitOfWork, request: ConfirmDCVMail) -> MailConfirmation:
    """Uses a link. The token alone says for which account, name and CSR."""
    row = tables.mail_by_token(uow.connection, digest(request.token))
    if row is None:
        return MailConfirmation(fqdn="", address="", state="unknown")
    loaded = uow.load(model.stream_of(row.authorization_id), model.authorization)
    state = _state_of(row, loaded.state, uow.now)
    if state == "open":
        _prove(uow, loaded, row, via="link")
        state = "confirmed"
    return _confirmation(row, loaded.state, state)


def count_try(uow: UnitOfWork, request: SubmitDCVCode) -> None:
    """Counts a try before the code is looked at, in a transaction of its own: a refusal must not undo it."""
    need = find(uow.connection, uow.context, request.order_id, request.fqdn)
    tables.count_try(uow.connection, _key(need))


def submit_code(uow: UnitOfWork, request: SubmitDCVCode, *, settings: DCVSettings) -> AuthorizationView:
    """Uses the code of any open mail for this name. Errors: invalid."""
    need = find(uow.connection, uow.context, request.order_id, request.fqdn)
    given = digest(request.code.strip().upper())
    found = tables.mails_for(uow.connection, _key(need), most_tries=TRIES)
    row = next((each for each in found if hmac.compare_digest(each.code_hash, given)), None)
    loaded = uow.load(model.stream_of(need.authorization_id), model.authorization)
    if row is None or _state_of(row, loaded.state, uow.now) not in {"open", "confirmed"}:
        raise invalid(
            f"This code is wrong, used or too old. A mail's code may be tried {TRIES} times; send another mail.",
            "/code",
        )
    if row.used_at is None:
        _prove(uow, loaded, row, via="code")
    return show(uow.connection, find(uow.connection, uow.context, need.order_id, need.fqdn), settings, uow.now)


def digest(secret: str) -> str:
    """How a secret is kept. They are random and long, so that a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _prove(uow: UnitOfWork, loaded: Any, row: Any, *, via: str) -> None:
    outcome = Outcome(passed=True, evidence={"address": row.address, "via": via})
    uow.append(
        loaded,
        *model.record(loaded.state, row.order_id, outcome, uow.now, csr_version=row.csr_version, method=row.method),
    )
    tables.use_mail(uow.connection, row.token_hash, to_text(uow.now))


def _state_of(row: Any, state: Authorization, now: datetime) -> str:
    if row.used_at is not None:
        return "confirmed"
    need = state.needs.get(row.order_id)
    stale = need is None or need.csr_version != row.csr_version or need.method != row.method or not need.waits
    ended = not Rules.at(now).methods[row.method].allowed  # BR 3.2.2.4.4 ends on a date, also for mails sent before it
    return "expired" if stale or ended or row.expires_at <= to_text(now) else "open"


def _confirmation(row: Any, state: Authorization, word: str) -> MailConfirmation:
    return MailConfirmation(fqdn=state.fqdn, address=row.address, state=word)


def _key(need: Any) -> tables.MailKey:
    return tables.MailKey(need.authorization_id, need.order_id, need.csr_version)


def _refuse_too_many(uow: UnitOfWork, state: Authorization, settings: DCVSettings) -> None:
    since = to_text(uow.now - timedelta(hours=1))
    for_name, for_account = tables.mails_since(
        uow.connection, since, authorization_id=state.authorization_id, account_id=state.account_id
    )
    if for_name >= settings.mails_per_name_and_hour or for_account >= settings.mails_per_account_and_hour:
        raise ServiceError(
            Code.RATE_LIMITED,
            "Too many validation mails in an hour. Look into the mailbox, or try later.",
            extra={"retry_after": "3600"},
        )
