# SPDX-License-Identifier: Apache-2.0
"""Issuers: what was signed, for which order, and what was revoked."""

from __future__ import annotations

from shared.contracts.base import Permission, Request, View, query
from shared.contracts.orders import Organization
from shared.eventsourcing.event import Event, event

SERVICE = "ca"


class CAChain(View):
    """The certificates that relying parties need. `issuers_pem`: issuing CA first; the root apart."""

    name: str
    root_pem: str
    issuers_pem: list[str]
    test: bool  # not in any public trust store


class CRLFile(View):
    """A certificate revocation list, DER in base64."""

    der_base64: str
    number: int
    this_update: str
    next_update: str


class DatedDays(View):
    """A number of days that holds from a day on (ISO 8601, UTC) until the next entry of its list."""

    since: str
    days: int
    source: str


class DatedMethod(View):
    """A validation method. `ends` is the first day on which it is forbidden."""

    name: str
    allowed: bool
    wildcard: bool
    ends: str | None
    source: str


class RulesView(View):
    """The rules of the field that change on a date: what holds on `day`, and what is known to come.

    `validity` says how long a certificate may last, `dcv_reuse` how long the proof of control over a name counts; the
    first entry of each is in force.
    """

    day: str
    document: str
    version: str
    validity_days: int
    dcv_reuse_days: int
    validity: list[DatedDays]
    dcv_reuse: list[DatedDays]
    methods: list[DatedMethod]


@query(SERVICE, Permission.PUBLIC)
class GetRules(Request[RulesView]):
    """The dated rules that customers meet."""


@query(SERVICE, Permission.PUBLIC)
class GetChain(Request[CAChain]):
    """The built-in CA's root and issuing certificates."""


@query(SERVICE, Permission.PUBLIC)
class GetCRL(Request[CRLFile]):
    """The newest CRL of the issuing CA."""


class OCSPFile(View):
    """An OCSP response, DER in base64. For `max_age` seconds others may be given the same answer."""

    der_base64: str
    max_age: int = 0


@query(SERVICE, Permission.PUBLIC)
class AnswerOCSP(Request[OCSPFile]):
    """Whether one certificate of the issuing CA is good, revoked or unknown: an OCSP request, DER in base64
    (RFC 6960). What cannot be read is answered by an OCSP error.
    """

    ocsp_request: str


@event("ca.IssuanceAccepted")
class IssuanceAccepted(Event):
    """The intention: all that will be signed is written down, serial included, before the key is used."""

    issuance_id: str
    order_id: str
    account_id: str
    csr_version: int
    issuer: str
    serial: str
    profile: str
    common_name: str
    names: list[str]
    csr_pem: str
    not_before: str
    not_after: str
    rules_version: str
    organization: Organization | None = None


@event("ca.IssuanceRefused")
class IssuanceRefused(Event):
    """The request breaks a rule of the issuer; `reason` is for people, `code` for programs."""

    issuance_id: str
    order_id: str
    account_id: str
    csr_version: int
    reason: str
    code: str = ""


@event("ca.CertificateSigned")
class CertificateSigned(Event):
    """One per issuance, ever."""

    issuance_id: str
    order_id: str
    account_id: str
    csr_version: int
    serial: str
    fingerprint_sha256: str
    not_before: str
    not_after: str
    issuer: str
    certificate_pem: str
    chain_pem: str


@event("ca.CertificateRevoked")
class CertificateRevoked(Event):
    """The serial is on the next CRL."""

    serial: str
    order_id: str
    account_id: str
    reason: str
    revoked_at: str


@event("ca.CRLPublished")
class CRLPublished(Event):
    """A CRL with this number was signed."""

    issuer: str
    number: int
    this_update: str
    next_update: str
    der_base64: str
