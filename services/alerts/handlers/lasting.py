# SPDX-License-Identifier: Apache-2.0
"""An alert that stands as long as its reason does: raised once, its words kept up to date, resolved with the reason."""

from __future__ import annotations

from typing import NamedTuple

from services.alerts.handlers.watching import notify, record
from services.alerts.model.expiry import stream
from services.alerts.projections import watching as store
from shared.clock import to_text
from shared.contracts.alerts import AlertRaised, AlertResolved
from shared.eventstore.unit_of_work import UnitOfWork


class About(NamedTuple):
    """Which alert of which account; the certificate that it is about, where it is about one."""

    alert_id: str
    account_id: str
    kind: str
    severity: str
    fingerprint: str = ""
    not_after: str = ""


def is_open(uow: UnitOfWork, alert_id: str) -> bool:
    """Whether the alert stands."""
    standing = store.standing_of(uow.connection, alert_id)
    return standing is not None and standing.state != "resolved"


def settle(uow: UnitOfWork, about: About, text: str, *, told: bool) -> None:
    """Has the alert say `text`, or resolves it where that is empty. `told`: somebody wants to hear of a new one."""
    alert_id = about.alert_id
    uow.lock(stream(alert_id))
    open_ = is_open(uow, alert_id)
    if not text:
        if open_:
            store.keep_alert(uow.connection, alert_id, state="resolved", resolved_at=to_text(uow.now))
            record(uow, AlertResolved(alert_id=alert_id, account_id=about.account_id))
        return
    if open_:
        store.keep_alert(uow.connection, alert_id, text=text, severity=about.severity)
        return
    store.keep_alert(
        uow.connection,
        alert_id,
        account_id=about.account_id,
        fingerprint=about.fingerprint,
        kind=about.kind,
        severity=about.severity,
        step=0,
        text=text,
        state="open",
        raised_at=to_text(uow.now),
        resolved_at=None,
    )
    raised = AlertRaised(
        alert_id=alert_id,
        account_id=about.account_id,
        kind=about.kind,
        fingerprint_sha256=about.fingerprint,
        not_after=about.not_after,
        severity=about.severity,
    )
    record(uow, raised)
    if told:
        notify(uow, alert_id)
