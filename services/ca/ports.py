# SPDX-License-Identifier: Apache-2.0
"""The outside world of this room: something that signs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.ca import CAChain, IssuanceAccepted


class IssuerUnavailableError(Exception):
    """No answer: ask again. What was signed meanwhile is found by its serial or request."""


class IssuerRefusedError(Exception):
    """The issuer will never sign this; the text is for people."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and the issuers above it, leaf's issuer first, without the root."""

    certificate_pem: str
    chain_pem: str
    serial: str
    fingerprint_sha256: str


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """A line of a CRL."""

    serial: str
    revoked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OCSPAnswer:
    """An OCSP response in DER. `for_all`: others may be given the same answer while it lasts."""

    response: bytes
    for_all: bool


class Issuer(Protocol):
    """Signs exactly what an accepted issuance says. Asked twice for the same, it gives the same certificate."""

    @property
    def name(self) -> str:
        """What `IssuanceAccepted.issuer` and `CertificateSigned.issuer` say."""
        ...

    @property
    def expires_at(self) -> datetime:
        """The end of the issuing certificate."""
        ...

    def sign(self, accepted: IssuanceAccepted) -> Signed:
        """Raises IssuerUnavailableError or IssuerRefusedError."""
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
