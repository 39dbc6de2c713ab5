# SPDX-License-Identifier: Apache-2.0
"""One issuance: accepted or refused, then signed once, then perhaps revoked. And the list of what was revoked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.contracts.ca import (
    CertificateRevoked,
    CertificateSigned,
    ChallengesOpened,
    CRLPublished,
    IssuanceAccepted,
    IssuanceDelayed,
    IssuanceRefused,
    RenewalSuggested,
    UpstreamChallenge,
    UpstreamOrderIntended,
    UpstreamOrderOpened,
)
from shared.eventsourcing.fold import Fold

# Baseline Requirements 7.2.2 with RFC 5280 §5.3.1; certificateHold is forbidden for TLS certificates.
REASONS = {
    "unspecified": 0,
    "keyCompromise": 1,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    "privilegeWithdrawn": 9,
}


@dataclass(frozen=True, slots=True)
class Issuance:
    """`status`: new, accepted, refused, signed, revoked. What follows `accepted` is how far another CA is with it;
    `delayed` is why it waits, `suggested` when it wants its certificate replaced.
    """

    status: str = "new"
    accepted: IssuanceAccepted | None = None
    intended: bool = False
    order_url: str = ""
    challenges: tuple[UpstreamChallenge, ...] = ()
    delayed: str = ""
    certificate_pem: str = ""
    serial: str = ""
    not_after: str = ""
    suggested: RenewalSuggested | None = None


ISSUANCE: Fold[Issuance] = Fold(Issuance)


@ISSUANCE.on(IssuanceAccepted)
def _accepted(state: Issuance, event: IssuanceAccepted) -> Issuance:
    return replace(state, status="accepted", accepted=event)


@ISSUANCE.on(IssuanceRefused)
def _refused(state: Issuance, _event: IssuanceRefused) -> Issuance:
    return replace(state, status="refused")


@ISSUANCE.on(CertificateSigned)
def _signed(state: Issuance, event: CertificateSigned) -> Issuance:
    signed = replace(state, status="signed", delayed="")
    return replace(signed, certificate_pem=event.certificate_pem, serial=event.serial, not_after=event.not_after)


@ISSUANCE.on(RenewalSuggested)
def _suggested(state: Issuance, event: RenewalSuggested) -> Issuance:
    return replace(state, suggested=event)


@ISSUANCE.on(UpstreamOrderIntended)
def _intended(state: Issuance, _event: UpstreamOrderIntended) -> Issuance:
    return replace(state, intended=True)


@ISSUANCE.on(UpstreamOrderOpened)
def _opened(state: Issuance, event: UpstreamOrderOpened) -> Issuance:
    return replace(state, order_url=event.url)


@ISSUANCE.on(ChallengesOpened)
def _challenged(state: Issuance, event: ChallengesOpened) -> Issuance:
    return replace(state, challenges=tuple(event.challenges))


@ISSUANCE.on(IssuanceDelayed)
def _delayed(state: Issuance, event: IssuanceDelayed) -> Issuance:
    return replace(state, delayed=event.reason)


@ISSUANCE.on(CertificateRevoked)
def _revoked(state: Issuance, _event: CertificateRevoked) -> Issuance:
    return replace(state, status="revoked")


@dataclass(frozen=True, slots=True)
class CRLState:
    """The number of the newest CRL; 0 before the first."""

    number: int = 0


CRL: Fold[CRLState] = Fold(CRLState)


@CRL.on(CRLPublished)
def _published(_state: CRLState, event: CRLPublished) -> CRLState:
    return CRLState(event.number)


def stream(issuance_id: str) -> str:
    """The stream of one issuance."""
    return f"issuance-{issuance_id}"


def crl_stream(number: int) -> str:
    """The stream of the revocation lists of an issuing CA."""
    return "crl-issuing" if number == 1 else f"crl-issuing-{number}"


def known_reason(reason: str) -> str:
    """The reason as it may stand in a CRL; what is not allowed there becomes `unspecified`."""
    return reason if reason in REASONS else "unspecified"
