# SPDX-License-Identifier: Apache-2.0
"""An order as its customer sees it, now or as it was: made from its events and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.orders.model.blocked_on import blocked_on
from services.orders.model.order import Certificate, Order, fold
from services.orders.model.status import actions_of, operator_actions, reissue_at, renewable_from, status_of
from shared.clock import to_text
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope


def order_view(envelopes: Sequence[Envelope[Any]], now: datetime, *, operator: bool = False) -> c.OrderView:
    """The view after these events of one stream (at least one), with what its customer or an operator may do."""
    order = fold(envelope.data for envelope in envelopes)
    moments = _moments(envelopes)
    newest, replaced, suggested = order.certificate, reissue_at(order), order.suggested
    return c.OrderView(
        order_id=order.order_id,
        number=order.number,
        account_id=order.account_id,
        kind=order.kind,
        product=order.product,
        product_name=order.product_name,
        validation_level=order.validation_level,
        common_name=order.common_name,
        names=order.names,
        term_years=order.term_years,
        amount=order.amount,
        currency=order.currency,
        status=status_of(order),
        allowed_actions=operator_actions(order) if operator else actions_of(order, now),
        blocked_on=blocked_on(order, now),
        placed_at=envelopes[0].occurred_at,
        version=envelopes[-1].version,
        dcv_method=order.dcv_method,
        csr_version=order.csr_version,
        csr_pem=order.csr.pem if order.csr else "",
        spki_sha256=order.csr.spki_sha256 if order.csr else "",
        term_ends_at=order.term_ends_at,
        expires_at=newest.not_after if newest else None,
        authorizations=[_name(order, fqdn, now) for fqdn in order.names] if order.csr else [],
        certificate=_certificate(newest, moments) if newest else None,
        certificates=[_certificate(one, moments) for one in reversed(order.certificates)],
        installations=_installations(order, moments),
        organization=order.organization,
        renews=order.renews,
        renewed_by=order.renewed_by,
        renewable_from=renewable_from(order),
        reissue_at=to_text(replaced) if replaced and not order.reissuing else None,
        suggested=c.RenewalSuggestion(
            start=suggested.start, end=suggested.end, explanation_url=suggested.explanation_url
        )
        if suggested
        else None,
        last_failure=order.last_failure,
        last_failure_code=order.last_failure_code,
        channel=order.channel,
        key_reused=order.csr.key_reused if order.csr else False,
    )


def _moments(envelopes: Sequence[Envelope[Any]]) -> dict[tuple[str, str], str]:
    """When certificates were issued and installations asked for and finished, by (what, which)."""
    moments: dict[tuple[str, str], str] = {}
    for envelope in envelopes:
        match envelope.data:
            case c.CertIssued(serial=serial):
                moments["issued", serial] = envelope.occurred_at
            case (
                c.InstallationRequested(installation_id=installation_id)
                | c.InstallationQueued(installation_id=installation_id)
            ):
                moments.setdefault(("requested", installation_id), envelope.occurred_at)
            case (
                c.CertInstalled(installation_id=installation_id)
                | c.InstallationFailed(installation_id=installation_id)
                | c.InstallationNotBegun(installation_id=installation_id)
            ):
                moments["finished", installation_id] = envelope.occurred_at
            case _:
                pass
    return moments


def _name(order: Order, fqdn: str, now: datetime) -> c.NameStatus:
    proof = order.authorizations.get(fqdn)
    return c.NameStatus(
        fqdn=fqdn,
        authorized=order.authorized(fqdn, now),
        method=proof.method if proof else "",
        expires_at=proof.expires_at if proof else None,
    )


def _certificate(one: Certificate, moments: dict[tuple[str, str], str]) -> c.CertificateView:
    return c.CertificateView(
        serial=one.serial,
        fingerprint_sha256=one.fingerprint_sha256,
        names=one.names,
        not_before=one.not_before,
        not_after=one.not_after,
        issued_at=moments["issued", one.serial],
        csr_version=one.csr_version,
        issuer=one.issuer,
        spki_sha256=one.spki_sha256,
        revoked_at=one.revoked_at,
    )


def _installations(order: Order, moments: dict[tuple[str, str], str]) -> list[c.InstallationView]:
    first: dict[str, str] = {}
    for one in order.installations.values():
        first.setdefault(one.rollout_id, one.installation_id)
    return [
        c.InstallationView(
            installation_id=one.installation_id,
            server_id=one.server_id,
            site_id=one.site_id,
            status=one.status,
            csr_version=one.csr_version,
            requested_at=moments["requested", one.installation_id],
            finished_at=moments.get(("finished", one.installation_id)),
            served_serial=one.served_serial,
            reason=one.reason,
            code=one.code,
            rollout_id=one.rollout_id,
            canary=one.rollout_id != "" and first[one.rollout_id] == one.installation_id,
            plan_id=one.plan_id,
            plan_sha256=one.plan_sha256,
            approved_by=one.approved_by,
            findings=list(one.findings),
            there=one.there,
        )
        for one in reversed(order.installations.values())
    ]
