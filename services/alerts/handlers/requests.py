# SPDX-License-Identifier: Apache-2.0
"""What customers and operators ask of alerts."""

from __future__ import annotations

from typing import Any

from services.alerts.handlers import low_balance
from services.alerts.model.expiry import check_rule, stream
from services.alerts.model.low_balance import check_threshold
from services.alerts.projections import watching as store
from shared.context import Context
from shared.contracts.alerts import (
    AcknowledgeAlert,
    AlertAcknowledged,
    AlertMuted,
    AlertSettings,
    AlertView,
    GetAlertSettings,
    GetMail,
    ListAlerts,
    ListMails,
    MailView,
    MuteAlert,
    SetAlertSettings,
)
from shared.contracts.base import Page
from shared.contracts.paging import cursor_at, pair_after
from shared.contracts.tenancy import account_of
from shared.errors import Code, ServiceError, invalid, not_found
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork
from shared.mail.folder import MailFolder, StoredMail
from shared.mail.message import MailRefusedError, check_address

MAX_PAGE = 200
STATES = ("open", "acknowledged", "resolved")


def get_settings(room: Room, _request: GetAlertSettings, context: Context) -> AlertSettings:
    """The rule of the own account."""
    with room.query() as connection:
        return store.rule_of(connection, account_of(context))


def set_settings(uow: UnitOfWork, request: SetAlertSettings) -> AlertSettings:
    """Changes the rule; the next look goes by it."""
    days = check_rule(request.days_before, request.repeat_days, request.addresses)
    for index, address in enumerate(request.addresses):
        try:
            check_address(address)
        except MailRefusedError as error:
            raise invalid(str(error), f"/addresses/{index}") from None
    account_id = account_of(uow.context)
    before = store.rule_of(uow.connection, account_id).low_balance
    rule = AlertSettings(
        days_before=days,
        email=request.email,
        repeat_days=request.repeat_days,
        addresses=list(dict.fromkeys(request.addresses)),
        low_balance=check_threshold(request.low_balance, before),
    )
    store.keep_rule(uow.connection, account_id, rule)
    if rule.low_balance != before:
        low_balance.ask(uow, account_id)
    return rule


def list_alerts(room: Room, request: ListAlerts, context: Context) -> Page[AlertView]:
    """Newest first. Errors: invalid (state, limit, cursor), forbidden."""
    account_id = account_of(context)
    check_limit(request.limit)
    if request.state is not None and request.state not in STATES:
        raise invalid(f"A state is one of {', '.join(STATES)}.", "/state")
    after = pair_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        rows, total = store.list_alerts(
            connection, account_id, state=request.state, limit=request.limit + 1, after=after
        )
    shown = rows[: request.limit]
    cursor = cursor_at(shown[-1].raised_at, shown[-1].alert_id) if len(rows) > request.limit else None
    now = room.clock.now()
    return Page(items=[store.alert_view(row, now) for row in shown], next_cursor=cursor, total=total)


def acknowledge(uow: UnitOfWork, request: AcknowledgeAlert) -> AlertView:
    """Somebody looks after it. Errors: not_found, action_not_allowed (it is resolved)."""
    row = _own(uow, request.alert_id)
    if row.state == "resolved":
        raise ServiceError(Code.ACTION_NOT_ALLOWED, "This alert is resolved; there is nothing left to look after.")
    if row.state == "open":
        store.keep_alert(uow.connection, request.alert_id, state="acknowledged")
        fact = AlertAcknowledged(alert_id=request.alert_id, account_id=row.account_id)
        uow.append_anywhere(stream(request.alert_id), fact)
    return store.alert_view(_own(uow, request.alert_id), uow.now)


def mute(uow: UnitOfWork, request: MuteAlert) -> AlertView:
    """Ends mails about it, or lets them come again. Errors: not_found."""
    row = _own(uow, request.alert_id)
    if bool(row.muted) != request.muted:
        store.keep_alert(uow.connection, request.alert_id, muted=int(request.muted))
        fact = AlertMuted(alert_id=request.alert_id, account_id=row.account_id, muted=request.muted)
        uow.append_anywhere(stream(request.alert_id), fact)
    return store.alert_view(_own(uow, request.alert_id), uow.now)


def _own(uow: UnitOfWork, alert_id: str) -> Any:
    row = store.find_alert(uow.connection, alert_id)
    if row is None or row.account_id != account_of(uow.context):
        raise not_found("alert")
    return row


def list_mails(folder: MailFolder, request: ListMails) -> Page[MailView]:
    """Mails in the folder, newest first, without their text."""
    check_limit(request.limit)
    found = folder.newest(limit=request.limit + 1, before=request.cursor)
    shown = found[: request.limit]
    return Page(items=[_view(mail) for mail in shown], next_cursor=shown[-1].id if len(found) > request.limit else None)


def get_mail(folder: MailFolder, request: GetMail) -> MailView:
    """One mail with its text. Errors: not_found."""
    mail = folder.read(request.mail_id)
    if mail is None:
        raise not_found("mail")
    return _view(mail)


def check_limit(limit: int) -> None:
    """Refuses pages of nothing and of too much."""
    if not 1 <= limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE}.", "/limit")


def _view(mail: StoredMail) -> MailView:
    return MailView(mail_id=mail.id, at=mail.at, to=[mail.to], subject=mail.subject, text=mail.text)
