# SPDX-License-Identifier: Apache-2.0
"""An order's history in plain words, one sentence an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope
from shared.eventsourcing.event import Event

_KINDS = {"user": "person", "token": "token", "agent": "agent", "acme": "acme"}
SOURCES = {"card": "by card", "funds": "from the funds of the account", "free": "at no cost"}


def history_entry(envelope: Envelope[Any]) -> c.HistoryEntry:
    """One event for people and programs."""
    return c.HistoryEntry(
        event_id=envelope.event_id,
        version=envelope.version,
        type=envelope.type,
        occurred_at=envelope.occurred_at,
        actor=envelope.metadata.actor,
        actor_kind=actor_kind(envelope.metadata.actor),
        summary=summary_of(envelope.data),
        data=msgspec.to_builtins(envelope.data),
    )


def actor_kind(actor: str) -> str:
    """Person, token, agent or system, by the form of the actor (shared.context)."""
    return _KINDS.get(actor.partition(":")[0], "system")


def summary_of(fact: Event) -> str:
    """The sentence for an event; its type's name when there is none."""
    say = _SENTENCES.get(type(fact))
    return say(fact) if say else fact.TYPE


def money(amount: int, currency: str) -> str:
    """`4595`, `USD` → `USD 45.95`."""
    return f"{currency} {amount // 100}.{amount % 100:02d}"


def _placed(event: c.OrderPlaced) -> str:
    price = money(event.amount, event.currency)
    if event.kind == "topup":
        return f"Funds of {price} were ordered."
    return f"{event.product_name} for {event.common_name} was ordered for {price}."


def _submitted(event: c.CSRSubmitted) -> str:
    origin = "made on the server" if event.server_id else "sent"
    again = " Its key was used before." if event.key_reused else ""
    if event.csr_version == 1:
        return f"The certificate request (CSR) was {origin} and accepted.{again}"
    return f"Certificate request (CSR) number {event.csr_version} was {origin} and replaces the one before.{again}"


def _watched(event: c.InstallationWatched) -> str:
    if event.there:
        return f"Amiss with its site: {', '.join(event.findings)}." if event.findings else "All is well with its site."
    return f"The site does not serve the certificate any more: {', '.join(event.findings)}."


def _ended(words: str, refund: int, currency: str) -> str:
    return f"{words} {money(refund, currency)} is given back." if refund else words


_SENTENCES: dict[type[Event], Callable[[Any], str]] = {
    c.OrderPlaced: _placed,
    c.OrderPaid: lambda e: f"{money(e.amount, e.currency)} was paid {SOURCES.get(e.source, e.source)}.",
    c.PaymentRefused: lambda e: f"The payment cannot be taken: {e.reason}",
    c.CSRRequested: lambda e: f"Key ({e.key_algorithm}) and certificate request (CSR) are to be made on a server.",
    c.CSRSubmitted: _submitted,
    c.ACMEOrderOpened: lambda e: (
        f"An ACME client asked for certificate number {e.csr_version} and is to prove its names."
    ),
    c.CSRRejected: lambda e: f"The certificate request (CSR) from the server could not be used: {e.reason}",
    c.AuthorizationRecorded: lambda e: f"Control over {e.fqdn} was proved by {e.method}.",
    c.OrganizationValidated: lambda _: "The organization was validated.",
    c.IssuanceRequested: lambda e: f"Everything is there: the CA was asked for certificate number {e.csr_version}.",
    c.CertIssued: lambda e: f"The certificate with serial {e.serial} was issued, valid until {e.not_after[:10]}.",
    c.IssuanceDelayed: lambda e: (
        f"The certificate takes longer: {e.reason}" if e.reason else "The CA goes on with the certificate."
    ),
    c.RenewalSuggested: lambda e: (
        f"The CA suggests to replace the certificate between {e.start[:10]} and {e.end[:10]}."
    ),
    c.IssuanceFailed: lambda e: f"No certificate was issued: {e.reason}",
    c.InstallationRequested: lambda e: (
        f"The installation on a site was asked for, by the approved plan {e.plan_sha256[:12]}."
        if e.plan_sha256
        else "The installation on a site was asked for."
    ),
    c.InstallationQueued: lambda _: "A site waits until the first one serves the certificate.",
    c.InstallationNotBegun: lambda e: f"The installation on a site was not begun: {e.reason}",
    c.CertInstalled: lambda e: f"The site serves the certificate with serial {e.served_serial}.",
    c.InstallationWatched: _watched,
    c.InstallationFailed: lambda e: f"The installation on a site failed: {e.reason}",
    c.CertificateSaveRequested: lambda _: "The certificate is to be saved on a server.",
    c.ReissueRequested: lambda e: f"A new certificate in the same term was asked for: {e.reason}",
    c.MassReplacementStarted: lambda e: (
        f"A mass replacement of {e.orders} certificates on {e.sites} sites was started: {e.reason}"
    ),
    c.MassReplacementPaused: lambda _: "The mass replacement was paused.",
    c.MassReplacementResumed: lambda _: "The mass replacement goes on.",
    c.MassReplacementCancelled: lambda e: (
        f"The mass replacement was given up; {e.withdrawn} orders keep their certificates."
    ),
    c.MassReplacementCompleted: lambda e: (
        f"The mass replacement is over: {e.seen} were seen on the wire, {e.unseen} issued only, "
        f"{e.ended} ended meanwhile."
    ),
    c.ReplacedRevocationRequested: lambda e: (
        f"The old certificates of a mass replacement are to be revoked as their replacements are seen ({e.reason})."
    ),
    c.ReplacementAsked: lambda e: f"A mass replacement hits the certificate with serial {e.serial}.",
    c.ReplacementBegun: lambda _: "The replacement of the certificate was begun.",
    c.ReplacementWithdrawn: lambda _: "The mass replacement was given up; the order keeps its certificate.",
    c.OrderRenewed: lambda _: "Another order continues this one.",
    c.RevocationRequested: lambda e: f"The revocation of {len(e.serials)} certificate(s) was asked for ({e.reason}).",
    c.CertRevoked: lambda e: f"The certificate with serial {e.serial} was revoked ({e.reason}).",
    c.OrderCancelled: lambda e: _ended("The order was cancelled.", e.refund, e.currency),
    c.OrderRejected: lambda e: _ended(f"The order was rejected: {e.reason}", e.refund, e.currency),
    c.OrderExpired: lambda _: "The order expired.",
}
