# SPDX-License-Identifier: Apache-2.0
"""The alert about what is amiss with a site: one for each site."""

from __future__ import annotations

from services.alerts.handlers.lasting import About, settle
from services.alerts.handlers.watching import listened_rule
from services.alerts.model import site_drift as model
from services.alerts.projections import watching as store
from shared.clock import derived_id
from shared.contracts import installer
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


def on_site_findings_changed(uow: UnitOfWork, envelope: Envelope[installer.SiteFindingsChanged]) -> None:
    """Raised when something is amiss, kept up to date, resolved when all is well."""
    event = envelope.data
    alert_id = derived_id(model.KIND, event.account_id, event.site_id)
    uow.lock(f"site-{event.site_id}")
    if not store.is_newer_report(uow.connection, event.site_id, "", envelope.version):
        return
    newest = store.newest_of_order(uow.connection, event.order_id) if event.order_id else None
    findings = model.told(event.findings)
    about = About(
        alert_id,
        event.account_id,
        model.KIND,
        model.severity(findings),
        fingerprint=newest.fingerprint if newest is not None else "",
        not_after=newest.not_after if newest is not None else "",
    )
    told = listened_rule(uow.connection, event.account_id).email
    settle(uow, about, model.sentence(event.site_name, findings), told=told)
