# SPDX-License-Identifier: Apache-2.0
"""What is watched, and what a look at it leads to: alerts raised, told again, resolved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from services.alerts.handlers.telling import tell
from services.alerts.model.expiry import MAX_DAYS, judge, stream
from services.alerts.projections import channels
from services.alerts.projections import watching as store
from shared.clock import derived_id, from_text, to_text
from shared.contracts import discovery, installer, orders
from shared.contracts.alerts import AlertRaised, AlertResolved, AlertSettings, NotificationSent
from shared.errors import not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

GONE = 2**62  # newer than any report of a removed agent


class Watched(NamedTuple):
    """Which certificate of which account."""

    account_id: str
    fingerprint: str

    @property
    def alert_id(self) -> str:
        """The one alert about its end."""
        return derived_id("expiry", self.account_id, self.fingerprint)


# --- reactions -----------------------------------------------------------------------------------------------------


def on_cert_issued(uow: UnitOfWork, envelope: Envelope[orders.CertIssued]) -> None:
    """Our own certificates are watched; the one that this replaces is missed by nobody any more."""
    event = envelope.data
    store.watch(
        uow.connection,
        event.account_id,
        event.fingerprint_sha256.lower(),
        serial=event.serial,
        names=event.names,
        not_after=to_text(from_text(event.not_after)),
        own=True,
        order_id=event.order_id,
        csr_version=event.csr_version,
        revoked=store.is_revoked(uow.connection, event.order_id, event.serial),
    )
    _review_order(uow, event.order_id)


def on_cert_revoked(uow: UnitOfWork, envelope: Envelope[orders.CertRevoked]) -> None:
    """A revoked certificate needs no renewal."""
    event = envelope.data
    store.revoke(uow.connection, event.order_id, event.serial)
    _review_order(uow, event.order_id)


def on_order_renewed(uow: UnitOfWork, envelope: Envelope[orders.OrderRenewed]) -> None:
    """A later order continues this one; its alerts end when that order has a certificate."""
    event = envelope.data
    store.renew(uow.connection, event.order_id, event.by_order_id)
    _review_order(uow, event.order_id)


def on_cert_discovered(uow: UnitOfWork, envelope: Envelope[discovery.CertDiscovered]) -> None:
    """A certificate that the inventory did not know."""
    _discovered(uow, envelope.data.account_id, envelope.data)


def on_certs_discovered(uow: UnitOfWork, envelope: Envelope[discovery.CertsDiscovered]) -> None:
    """Hundreds of them, found by one scan."""
    for one in envelope.data.certificates:
        _discovered(uow, envelope.data.account_id, one)


def _discovered(uow: UnitOfWork, account_id: str, one: discovery.CertDiscovered | discovery.SeenFirst) -> None:
    fingerprint = one.fingerprint_sha256.lower()
    if not store.is_watched(uow.connection, account_id, fingerprint):
        not_after = to_text(from_text(one.not_after))
        store.watch(uow.connection, account_id, fingerprint, serial=one.serial, not_after=not_after)


def on_sites_reported(uow: UnitOfWork, envelope: Envelope[installer.SitesReported]) -> None:
    """What a server serves now: those certificates are missed when they end, those that it left are not."""
    event = envelope.data
    uow.lock(f"server-{event.server_id}")
    if not store.is_newer_report(uow.connection, event.server_id, event.agent_id, envelope.version):
        return
    seen = {
        binding.certificate.fingerprint_sha256.lower(): binding.certificate
        for site in event.sites
        for binding in site.bindings
        if binding.certificate is not None
    }
    for fingerprint, certificate in seen.items():
        try:
            not_after = to_text(from_text(certificate.not_after))
        except ValueError:
            continue  # an agent that reports nonsense; the inventory leaves it out too
        facts = {"serial": certificate.serial, "names": certificate.names, "not_after": not_after}
        store.watch(uow.connection, event.account_id, fingerprint, **facts)
    for fingerprint in sorted(store.serve(uow.connection, event.server_id, event.account_id, seen)):
        review(uow, Watched(event.account_id, fingerprint))


def on_agent_removed(uow: UnitOfWork, envelope: Envelope[installer.AgentRemoved]) -> None:
    """Nobody sees any more what its servers serve."""
    event = envelope.data
    for server_id in store.servers_of_agent(uow.connection, event.agent_id):
        uow.lock(f"server-{server_id}")
        store.is_newer_report(uow.connection, server_id, event.agent_id, GONE)
        for fingerprint in sorted(store.serve(uow.connection, server_id, event.account_id, ())):
            review(uow, Watched(event.account_id, fingerprint))


def _review_order(uow: UnitOfWork, order_id: str) -> None:
    for account_id, fingerprint in store.related(uow.connection, order_id):
        review(uow, Watched(account_id, fingerprint))


# --- the look ------------------------------------------------------------------------------------------------------


def review(uow: UnitOfWork, which: Watched) -> None:
    """Raises, tells again or resolves the alert about one certificate, whatever is due now."""
    uow.lock(stream(which.alert_id))
    certificate = store.find_watched(uow.connection, which.account_id, which.fingerprint)
    if certificate is None:
        return
    standing = store.standing_of(uow.connection, which.alert_id)
    rule = listened_rule(uow.connection, which.account_id)
    verdict = judge(rule, certificate.not_after, uow.now, standing)
    open_ = standing is not None and standing.state != "resolved"
    if verdict.step is None or not store.needs_attention(uow.connection, certificate):
        if open_:
            store.keep_alert(uow.connection, which.alert_id, state="resolved", resolved_at=to_text(uow.now))
            record(uow, AlertResolved(alert_id=which.alert_id, account_id=which.account_id))
        return
    store.keep_alert(
        uow.connection,
        which.alert_id,
        account_id=which.account_id,
        fingerprint=which.fingerprint,
        kind="expiry",
        severity=verdict.severity,
        step=verdict.step,
        **({} if open_ else {"state": "open", "raised_at": to_text(uow.now), "resolved_at": None}),
    )
    if not open_:
        raised = AlertRaised(
            alert_id=which.alert_id,
            account_id=which.account_id,
            kind="expiry",
            fingerprint_sha256=which.fingerprint,
            not_after=certificate.not_after,
            severity=verdict.severity,
        )
        record(uow, raised)
    if verdict.notify:
        notify(uow, which.alert_id)


def listened_rule(connection: Any, account_id: str) -> AlertSettings:
    """The rule with `email` as: somebody wants to be told, by mail or over a channel."""
    rule = store.rule_of(connection, account_id)
    if rule.email:
        return rule
    return msgspec.structs.replace(rule, email=channels.is_listening(connection, account_id))


def notify(uow: UnitOfWork, alert_id: str) -> None:
    """Leaves mail and messages to be sent; the alert counts as told, and the next look does not repeat it."""
    row = store.find_alert(uow.connection, alert_id)
    if row is None or row.muted:
        return
    number, now = row.notifications + 1, to_text(uow.now)
    store.keep_alert(uow.connection, alert_id, notifications=number, last_notified_at=now)
    if store.rule_of(uow.connection, row.account_id).email:
        uow.schedule("mail", f"{alert_id}-{number}", {"alert_id": alert_id, "number": number, "at": now})
    tell(uow, row, number)


def record_notified(uow: UnitOfWork, alert_id: str) -> None:
    """The mail is out. Who got it is no part of history."""
    row = store.find_alert(uow.connection, alert_id)
    if row is None:
        raise not_found("alert")
    record(uow, NotificationSent(alert_id=alert_id, account_id=row.account_id, channel="email"))


def record(uow: UnitOfWork, fact: AlertRaised | AlertResolved | NotificationSent) -> None:
    """Into the stream of the alert."""
    uow.append_anywhere(stream(fact.alert_id), fact)


def due(room: Room) -> list[Watched]:
    """Every certificate that a review would do something about now; reading tells, so that a look costs no writing."""
    now = room.clock.now()
    rules: dict[str, AlertSettings] = {}
    found = []
    with room.query() as connection:
        for certificate, standing in store.candidates(connection, to_text(now + timedelta(days=MAX_DAYS))):
            account_id = certificate.account_id
            if account_id not in rules:
                rules[account_id] = listened_rule(connection, account_id)
            verdict = judge(rules[account_id], certificate.not_after, now, standing)
            open_ = standing is not None and standing.state != "resolved"
            wanted = verdict.step is not None and store.needs_attention(connection, certificate)
            same = standing is not None and (standing.severity, standing.step) == (verdict.severity, verdict.step)
            if wanted != open_ or (wanted and (verdict.notify or not same)):
                found.append(Watched(account_id, certificate.fingerprint))
    return found
