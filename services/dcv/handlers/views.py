# SPDX-License-Identifier: Apache-2.0
"""How an authorization is shown: challenges ready to copy, options, attempts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from services.dcv import projections
from services.dcv.model import authorization as model
from services.dcv.model import contacts, persist, tokens
from services.dcv.ports import Contacts
from services.dcv.settings import DCVSettings
from shared.clock import to_text
from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.dcv import (
    MAIL_METHODS,
    AttemptView,
    AuthorizationView,
    DNSChallenge,
    FileChallenge,
    ListAuthorizations,
    ListMailContacts,
    MailContact,
    MailContactsView,
)
from shared.contracts.paging import cursor_at, pair_after
from shared.errors import not_found
from shared.eventstore.room import Room
from shared.pki.fqdn import FQDN
from shared.pki.rules import Rules

if TYPE_CHECKING:
    import sqlalchemy as sa

MAX_PAGE = 200


def tenant_of(context: Context) -> str | None:
    """Whose authorizations the context may see; None = every account's, for operators and the system itself."""
    return (
        None
        if context.account_id is None and context.permissions & {"operator", "internal"}
        else context.account_id or ""
    )


def find(connection: sa.Connection, context: Context, order_id: str, fqdn: str) -> Any:
    """The row of what an order needs of a name. Raises not_found, also for other accounts' orders."""
    row = projections.find_need(connection, order_id, fqdn.lower(), tenant_of(context))
    if row is None:
        raise not_found("authorization")
    return row


def show(connection: sa.Connection, row: Any, settings: DCVSettings, now: datetime) -> AuthorizationView:
    """The view of one row of `needs`."""
    wildcard = row.fqdn.startswith("*.")
    base = FQDN.parse(row.fqdn).base.text
    scheme, port = ("https", settings.https_port) if row.method == "https_csr_hash" else ("http", settings.http_port)
    return AuthorizationView(
        authorization_id=row.authorization_id,
        order_id=row.order_id,
        fqdn=row.fqdn,
        status=_status(row, now),
        method=row.passed_method if row.passed else row.method,
        csr_version=row.csr_version,
        file=None
        if wildcard or not row.md5
        else FileChallenge(
            url=tokens.file_url(scheme, row.fqdn, port, row.md5),
            path=tokens.file_path(row.md5),
            content=tokens.file_content(row.sha256, settings.ca_name, row.unique_value),
        ),
        cname=DNSChallenge(
            name=tokens.cname_name(row.md5, base),
            type="CNAME",
            value=tokens.cname_value(row.sha256, settings.ca_name, row.unique_value),
        )
        if row.md5
        else None,  # an ACME client proves the name before there is a CSR
        txt=DNSChallenge(
            name=tokens.cname_name(row.md5, base),
            type="TXT",
            value=tokens.txt_value(row.sha256, settings.ca_name, row.unique_value),
        )
        if row.md5
        else None,
        persist=DNSChallenge(
            name=persist.record_name(base),
            type="TXT",
            value=persist.record_value(
                settings.ca_name, persist.account_uri(settings.ca_name, row.account_id), wildcard=wildcard
            ),
        )
        if row.md5
        else None,
        email_addresses=model.mailboxes(row.fqdn) if row.md5 else [],
        email=row.email,
        email_sent_at=row.email_sent_at,
        options=model.options(row.fqdn, now) if row.md5 else [],
        expires_at=row.expires_at,
        reused=row.reused,
        next_check_at=None if row.passed else _next("validate", connection, row),
        next_placement_at=None if row.passed else _next("place", connection, row),
        attempts=[
            AttemptView(
                at=each.at,
                method=each.method,
                passed=each.passed,
                reason=each.reason,
                advice=each.advice,
                evidence=msgspec.json.decode(each.evidence),
            )
            for each in projections.attempts_of(connection, row.order_id, row.authorization_id)
        ],
    )


def list_authorizations(
    room: Room, settings: DCVSettings, request: ListAuthorizations, context: Context
) -> Page[AuthorizationView]:
    """A page by order and name. The cursor is the last pair."""
    after = pair_after(request.cursor) if request.cursor is not None else None
    limit = min(max(request.limit, 1), MAX_PAGE)
    now = room.clock.now()
    with room.query() as connection:
        rows = projections.list_needs(
            connection, account_id=tenant_of(context), order_id=request.order_id, after=after, limit=limit + 1
        )
        items = [show(connection, row, settings, now) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    return Page(items=items, next_cursor=cursor_at(last.order_id, last.fqdn) if last else None)


def list_contacts(room: Room, port: Contacts, request: ListMailContacts, context: Context) -> MailContactsView:
    """The constructed addresses and those in the DNS, while the rules allow them. Raises not_found."""
    with room.query() as connection:
        fqdn = str(find(connection, context, request.order_id, request.fqdn).fqdn)
    now = room.clock.now()
    rules = Rules.at(now)
    allowed = [method for method in MAIL_METHODS if model.usable(method, fqdn, rules)]
    found = [MailContact(address=each, method="email") for each in model.mailboxes(fqdn) if "email" in allowed]
    # The transaction is over before anything outside is asked.
    for method, contact, outcome in port.offered(fqdn) if set(allowed) & set(contacts.CONTACT_METHODS) else ():
        found.append(
            MailContact(
                address=contact.address,
                method=method,
                at=contact.at,
                usable=outcome.passed,
                reason=outcome.reason,
                advice=outcome.advice,
            )
        )
    return MailContactsView(
        fqdn=fqdn,
        contacts=[each for each in found if each.method in allowed],
        records=contacts.records_to_make(FQDN.parse(fqdn).registrable),
        rules_version=rules.version,
        checked_at=to_text(now),
    )


def _next(kind: str, connection: sa.Connection, row: Any) -> str | None:
    return projections.next_run_at(connection, kind, look_key(row.order_id, row.fqdn))


def look_key(order_id: str, fqdn: str) -> str:
    """The key of the job that looks: one per order and name."""
    return f"{order_id}/{fqdn}"


def _status(row: Any, now: datetime) -> str:
    if row.passed:
        return "expired" if row.expires_at and row.expires_at <= to_text(now) else "valid"
    return "validating" if row.validating else "open"
