# SPDX-License-Identifier: Apache-2.0
"""The outside world of this room: something that signs, at once or after steps, here or at another CA."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from services.ca.model.authorities import Installed
from shared.contracts.ca import CAChain, IssuanceAccepted, UpstreamChallenge


class IssuerUnavailableError(Exception):
    """No answer: ask again. What was signed meanwhile is found by its serial or request."""


class IssuerRefusedError(Exception):
    """The issuer will never sign this; the text is for people."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and the issuers above it, leaf's issuer first, without the root.

    `not_before` and `not_after` are RFC 3339; empty where they are those that were accepted. `lint` is what a linter
    calls an error in a certificate that somebody else signed.
    """

    certificate_pem: str
    chain_pem: str
    serial: str
    fingerprint_sha256: str
    not_before: str = ""
    not_after: str = ""
    lint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """A line of a CRL."""

    serial: str
    revoked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OCSPAnswer:
    """An OCSP response in DER. `for_all`: others may be given the same answer while it lasts. `foreign`: a refusal,
    since the question is about another CA.
    """

    response: bytes
    for_all: bool
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class RenewalInfo:
    """When another CA suggests to replace a certificate (RFC 9773 §4.2); moments are RFC 3339. It is to be asked again
    after `again_s` seconds. `explanation_url` is an https page for people, or empty.
    """

    start: str
    end: str
    explanation_url: str
    again_s: float


@dataclass(frozen=True, slots=True)
class OrderIntended:
    """An order is to be opened next."""


@dataclass(frozen=True, slots=True)
class OrderOpened:
    """The issuer has an order of ours, by that URL."""

    url: str


@dataclass(frozen=True, slots=True)
class ChallengesMade:
    """What the issuer wants to see."""

    challenges: tuple[UpstreamChallenge, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do for `seconds`. `reason` is for people; empty while everything goes its usual way."""

    seconds: float
    reason: str = ""


Step = Signed | OrderIntended | OrderOpened | ChallengesMade | Wait


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an issuance is, as it was recorded. `fresh`: the intention was recorded a moment ago by the same caller,
    so that no order can have been lost since. `taken` says of an order's URL whether it belongs to another issuance.
    `predecessor_pem` is the certificate of the same issuer that this one is to replace; empty for the first.
    """

    intended: bool = False
    fresh: bool = False
    order_url: str = ""
    challenges: Sequence[UpstreamChallenge] = ()
    taken: Callable[[str], bool] = lambda _url: False
    predecessor_pem: str = ""


class CAADecision(NamedTuple):
    """Whether the names may be signed for by their CAA records. `outcome`: allowed, forbidden, unknown (ask again
    later). `findings` is what was asked and answered for each name; empty when nothing had to be asked."""

    outcome: str
    code: str = ""
    reason: str = ""
    rules_version: str = ""
    findings: tuple[dict[str, Any], ...] = ()


class CAAGate(Protocol):
    """Looks CAA records up. What the DNS does is a decision, never an exception."""

    def check(self, accepted: IssuanceAccepted) -> CAADecision:
        """For every name of an issuance, at this moment (BR 3.2.2.8: not longer ago than 8 hours when it is signed)."""
        ...


class Issuer(Protocol):
    """Comes from an accepted issuance to one certificate. Asked again with the same progress, it makes no other."""

    @property
    def name(self) -> str:
        """What `IssuanceAccepted.issuer` and `CertificateSigned.issuer` say."""
        ...

    def advance(self, accepted: IssuanceAccepted, progress: Progress) -> Step:
        """The next step; the caller records it before it asks again.

        Raises IssuerUnavailableError (ask again) or IssuerRefusedError (never).
        """
        ...

    def revoke(self, certificate_pem: str, reason: int) -> None:
        """Makes the certificate count no more; done before is done. `reason` as in RFC 5280 §5.3.1.

        Raises IssuerUnavailableError or IssuerRefusedError.
        """
        ...


class Upstream(Issuer, Protocol):
    """An issuer elsewhere."""

    def renewal_info(self, certificate_pem: str) -> RenewalInfo | None:
        """When it suggests to replace a certificate of its own; None where it offers no such thing.

        Raises IssuerUnavailableError, also for an answer that is none (RFC 9773 §4.3.3: asked again, and nothing else).
        """
        ...


class Authority(Issuer, Protocol):
    """An issuer whose keys are here: it also answers for what it signed."""

    @property
    def expires_at(self) -> datetime:
        """The end of the issuing certificate."""
        ...

    @property
    def number(self) -> int:
        """Its place among the issuing CAs of this installation, from 1."""
        ...

    def installed(self) -> Installed:
        """Its certificate, as it is recorded."""
        ...

    def sign(self, accepted: IssuanceAccepted) -> Signed:
        """Signs exactly what an accepted issuance says; asked twice for the same, it gives the same certificate.

        Raises IssuerUnavailableError or IssuerRefusedError.
        """
        ...

    def sign_crl(
        self, *, number: int, this_update: datetime, next_update: datetime, revoked: Iterable[RevokedEntry]
    ) -> bytes:
        """A CRL in DER."""
        ...

    def answer_ocsp(
        self,
        request: bytes,
        standing_of: Callable[[str], RevokedEntry | bool],
        *,
        this_update: datetime,
        next_update: datetime,
    ) -> OCSPAnswer:
        """The answer to an OCSP request; `standing_of` says of a serial how it was revoked, or whether it is good."""
        ...

    def chain(self) -> CAChain:
        """The certificates that relying parties need."""
        ...


class Authorities(Protocol):
    """The issuing CAs of this installation: one signs, former ones speak for what they signed. What an operator changed
    on disk is seen at the next look, without a restart.
    """

    @property
    def active(self) -> Authority:
        """The one that signs."""
        ...

    @property
    def former(self) -> Sequence[Authority]:
        """Those before it, the newest first."""
        ...

    @property
    def root_is_offline(self) -> bool:
        """Whether no process with this installation's own secrets can sign with the root."""
        ...

    @property
    def root_list(self) -> bytes | None:
        """The root's CRL in DER, where there is one."""
        ...

    @property
    def generation(self) -> object:
        """Equal as long as nothing of this has changed."""
        ...


class Delivery(Protocol):
    """Puts what another CA wants to see where it looks. Each call may be made twice."""

    def deliver(self, challenge: UpstreamChallenge) -> None:
        """Writes the record, where that is ours to write. Raises IssuerUnavailableError with what to do."""
        ...

    def unseen(self, challenge: UpstreamChallenge) -> str:
        """Empty when it can be seen; else what is missing, and what to do, in words."""
        ...

    def withdraw(self, challenge: UpstreamChallenge) -> None:
        """Takes the record away again, where it was ours to write; what fails is left there."""
        ...
