# SPDX-License-Identifier: Apache-2.0
"""The gate to the CA: asked exactly once per CSR version, when everything is there, whatever arrived last.

Invariants I1 to I3: every name proved by an unexpired proof, one certificate per CSR version, key and names as ordered.
"""

from __future__ import annotations

from datetime import datetime

from services.orders.model.order import Issuance, Order, fold, years_later
from services.orders.model.status import ENDS, status_of
from shared.clock import derived_id, from_text, to_text
from shared.contracts import ca, dcv
from shared.contracts import orders as c
from shared.eventsourcing.event import Event
from shared.pki.certificate import CertificateUnreadableError, differences, parse_certificate
from shared.pki.rules import Rules

# What `differences` found, in words.
FAULTS = {
    "key": "its key is not the one of your request",
    "names": "its names are not those of the order",
    "not_yet_valid": "it is not valid yet",
    "expired": "it has already expired",
    "validity": "it lasts longer than the rules allow",
}


def issuance_id_of(order_id: str, csr_version: int) -> str:
    """One issuance per order and CSR version, for ever the same."""
    return derived_id("issuance", order_id, str(csr_version))


def with_issuance(order: Order, events: list[Event], now: datetime) -> list[Event]:
    """`events`, followed by IssuanceRequested when they complete what the CA needs."""
    after = fold(events, order)
    return [*events, *_due(after, now)] if events else events


def _due(order: Order, now: datetime) -> list[Event]:
    csr = order.csr
    ready = (
        csr is not None
        and status_of(order) in {"processing", "issued", "installed"}
        and not order.being_revoked
        and order.present_issuance is None
        and (not order.needs_organization or order.organization_validated)
        and all(order.authorized(name, now) for name in order.names)
    )
    if not ready or csr is None:
        return []
    return [
        c.IssuanceRequested(
            order_id=order.order_id,
            account_id=order.account_id,
            issuance_id=issuance_id_of(order.order_id, csr.version),
            csr_version=csr.version,
            csr_pem=csr.pem,
            common_name=order.common_name,
            names=order.names,
            validation_level=order.validation_level,
            not_after_limit=order.term_ends_at or to_text(years_later(now, order.term_years)),
            organization=order.named_organization,
            validation_methods={name: order.authorizations[name].method for name in order.names},
        )
    ]


def record_authorization(order: Order, event: dcv.DCVPassed, now: datetime) -> list[Event]:
    """A name was proved. Proofs for an older CSR, for other names and repetitions change nothing."""
    if status_of(order) in ENDS or event.fqdn not in order.names:
        return []
    if event.csr_version == order.csr_version:
        known = order.authorizations.get(event.fqdn)
    elif event.csr_version == order.reserved > order.csr_version:
        known = order.next_authorizations.get(event.fqdn)
    else:
        return []
    expires = from_text(event.expires_at)
    if known is not None and from_text(known.expires_at) >= expires:
        return []
    recorded = c.AuthorizationRecorded(
        order_id=order.order_id,
        csr_version=event.csr_version,
        fqdn=event.fqdn,
        authorization_id=event.authorization_id,
        method=event.method,
        rules_version=event.rules_version,
        expires_at=to_text(expires),
    )
    return with_issuance(order, [recorded], now)


def record_certificate(order: Order, event: ca.CertificateSigned, now: datetime) -> list[Event]:
    """The CA signed. What does not fit, or is no longer wanted, is refused and revoked, never installed."""
    issuance = order.issuances.get(event.issuance_id)
    if issuance is None or issuance.status != "requested":
        return []
    fault = _unwanted(order, issuance, event) or _misfit(order, event, now)
    serial = normal_serial(event.serial)
    if fault:
        return [
            c.IssuanceFailed(order_id=order.order_id, issuance_id=event.issuance_id, reason=fault[1], code=fault[0]),
            c.RevocationRequested(
                order_id=order.order_id,
                account_id=order.account_id,
                serials=[serial],
                reason="cessationOfOperation" if status_of(order) in ENDS else "superseded",
            ),
        ]
    return [
        c.CertIssued(
            order_id=order.order_id,
            account_id=order.account_id,
            issuance_id=event.issuance_id,
            csr_version=event.csr_version,
            serial=serial,
            fingerprint_sha256=event.fingerprint_sha256,
            spki_sha256=order.csr.spki_sha256 if order.csr else "",
            names=order.names,
            not_before=to_text(from_text(event.not_before)),
            not_after=to_text(from_text(event.not_after)),
            issuer=event.issuer,
            certificate_pem=event.certificate_pem,
            chain_pem=event.chain_pem,
        )
    ]


def record_refusal(order: Order, event: ca.IssuanceRefused) -> list[Event]:
    """The CA will not sign; another CSR may fare better."""
    issuance = order.issuances.get(event.issuance_id)
    if issuance is None or issuance.status != "requested":
        return []
    return [
        c.IssuanceFailed(order_id=order.order_id, issuance_id=event.issuance_id, reason=event.reason, code=event.code)
    ]


def record_delay(order: Order, event: ca.IssuanceDelayed) -> list[Event]:
    """The issuer lets us wait, for another reason than before."""
    issuance = order.issuances.get(event.issuance_id)
    if issuance is None or issuance.status != "requested" or issuance.reason == event.reason:
        return []
    return [
        c.IssuanceDelayed(
            order_id=order.order_id, issuance_id=event.issuance_id, reason=event.reason, until=event.until
        )
    ]


def normal_serial(serial: str) -> str:
    """A serial number as upper-case hexadecimal without leading zeros or separators."""
    return serial.replace(":", "").removeprefix("0x").upper().lstrip("0") or "0"


def _unwanted(order: Order, issuance: Issuance, event: ca.CertificateSigned) -> tuple[str, str] | None:
    if status_of(order) in ENDS:
        return (
            "issuance_order_ended",
            f"The order was {status_of(order)} while the certificate was being issued; the certificate is revoked.",
        )
    if issuance.csr_version != order.csr_version or event.csr_version != order.csr_version:
        return (
            "issuance_csr_replaced",
            "The request (CSR) was replaced while the certificate was being issued; the certificate is revoked.",
        )
    if order.being_revoked:
        return "issuance_being_revoked", "The order's certificates are being revoked; this one is revoked too."
    return None


def _misfit(order: Order, event: ca.CertificateSigned, now: datetime) -> tuple[str, str] | None:
    try:
        certificate = parse_certificate(event.certificate_pem)
    except CertificateUnreadableError:
        return "issuance_misfit", "The issuer sent something that is no certificate."
    rules = Rules.at(certificate.not_before)
    found = differences(
        certificate,
        spki_sha256=order.csr.spki_sha256 if order.csr else "",
        names=order.names,
        now=now,
        max_seconds=int(rules.longest.total_seconds()),
    )
    if normal_serial(event.serial) != normal_serial(certificate.serial):
        return "issuance_misfit", "The issuer's certificate has another serial number than it says."
    if found:
        return (
            "issuance_misfit",
            f"The issuer's certificate does not fit the order: {', '.join(FAULTS[one] for one in found)}.",
        )
    return None
