# SPDX-License-Identifier: Apache-2.0
"""The alert about a site that goes on refusing a reissued certificate: one for each order and site."""

from __future__ import annotations

from services.alerts.handlers.lasting import About, is_open, settle
from services.alerts.handlers.watching import listened_rule
from services.alerts.model import installation_failing as model
from services.alerts.projections import watching as store
from shared.clock import derived_id
from shared.contracts import orders
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


def on_installation_failed(uow: UnitOfWork, envelope: Envelope[orders.InstallationFailed]) -> None:
    """Raised when it lasts; its words follow each further try."""
    event = envelope.data
    newest = store.newest_of_order(uow.connection, event.order_id)
    if newest is None or not model.lasting(event.tries, event.again_at):
        return
    about = About(
        alert_of(event),
        newest.account_id,
        model.KIND,
        model.SEVERITY,
        fingerprint=newest.fingerprint,
        not_after=newest.not_after,
    )
    told = listened_rule(uow.connection, newest.account_id).email
    settle(uow, about, model.sentence(event.reason, event.again_at), told=told)


def on_cert_installed(uow: UnitOfWork, envelope: Envelope[orders.CertInstalled]) -> None:
    """The site serves it."""
    newest = store.newest_of_order(uow.connection, envelope.data.order_id)
    if newest is not None and is_open(uow, alert_of(envelope.data)):
        _resolve(uow, alert_of(envelope.data), newest.account_id)


def on_order_over(
    uow: UnitOfWork,
    envelope: Envelope[orders.OrderExpired] | Envelope[orders.CertRevoked] | Envelope[orders.CertIssued],
) -> None:
    """Nobody waits for that certificate on any site any more."""
    for alert_id, account_id in store.open_about_order(uow.connection, model.KIND, envelope.data.order_id):
        _resolve(uow, alert_id, account_id)


def alert_of(event: orders.InstallationFailed | orders.CertInstalled) -> str:
    """The id of the one alert about an order's certificate on a site."""
    return derived_id(model.KIND, event.order_id, event.server_id, event.site_id)


def _resolve(uow: UnitOfWork, alert_id: str, account_id: str) -> None:
    settle(uow, About(alert_id, account_id, model.KIND, model.SEVERITY), "", told=False)
