# SPDX-License-Identifier: Apache-2.0
"""Issuers: what was signed, for which order, and what was revoked."""

from __future__ import annotations

from typing import Any

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
    """Root and issuing certificates. `issuer` is the number of an issuing CA, from 1; empty: the one that signs."""

    issuer: str = ""


@query(SERVICE, Permission.PUBLIC)
class GetCRL(Request[CRLFile]):
    """The newest CRL of an issuing CA. `issuer` is its number, from 1; empty: the one that signs."""

    issuer: str = ""


@query(SERVICE, Permission.PUBLIC)
class GetRootCRL(Request[CRLFile]):
    """The root's CRL, which tells of issuing CAs; `not_found` where the root was made without one."""


class OCSPFile(View):
    """An OCSP response, DER in base64. For `max_age` seconds others may be given the same answer."""

    der_base64: str
    max_age: int = 0


class ChallengeAnswerFile(View):
    """What the CA that is asked over ACME fetches from the name that is to be proved."""

    content: str


@query(SERVICE, Permission.PUBLIC)
class GetChallengeAnswer(Request[ChallengeAnswerFile]):
    """The key authorization of a token that another CA gave us (RFC 8555 §8.3); `not_found` when it is none of ours."""

    token: str


@query(SERVICE, Permission.PUBLIC)
class AnswerOCSP(Request[OCSPFile]):
    """Whether one certificate of the issuing CA is good, revoked or unknown: an OCSP request, DER in base64
    (RFC 6960). What cannot be read is answered by an OCSP error.
    """

    ocsp_request: str


class UpstreamChallenge(View):
    """What another CA wants to see before it signs (RFC 8555 §8). `kind`: http-01, dns-01.

    `name` is the URL of the file or the name of the TXT record, `value` its content; neither is secret. `url` is the
    challenge at that CA.
    """

    fqdn: str
    kind: str
    token: str
    name: str
    value: str
    url: str


@event("ca.IssuanceAccepted")
class IssuanceAccepted(Event):
    """The intention: all that will be signed is written down, serial included, before the key is used.

    Where another CA signs (`issuer` is its name), it chooses serial and validity: `serial` is empty then, and the
    moments are what the rules would allow.
    """

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
    validation_methods: dict[str, str] = {}


@event("ca.CAAChecked")
class CAAChecked(Event):
    """CAA records were looked up for every name, before the key is used. `outcome`: allowed, forbidden, or unknown
    (then it is asked again later). `findings` has for each name what each perspective asked and was told.
    """

    issuance_id: str
    order_id: str
    account_id: str
    outcome: str
    code: str
    reason: str
    rules_version: str
    findings: list[dict[str, Any]] = []


@event("ca.IssuanceRefused")
class IssuanceRefused(Event):
    """The request breaks a rule of the issuer; `reason` is for people, `code` for programs."""

    issuance_id: str
    order_id: str
    account_id: str
    csr_version: int
    reason: str
    code: str = ""


@event("ca.UpstreamOrderIntended")
class UpstreamOrderIntended(Event):
    """An order is about to be opened at another CA. Without UpstreamOrderOpened after it, look there before opening
    another.
    """

    issuance_id: str
    order_id: str
    account_id: str
    issuer: str


@event("ca.UpstreamOrderOpened")
class UpstreamOrderOpened(Event):
    """The order at the other CA; one per issuance, ever."""

    issuance_id: str
    order_id: str
    account_id: str
    issuer: str
    url: str


@event("ca.ChallengesOpened")
class ChallengesOpened(Event):
    """What the other CA wants to see; the files are answered by the gateway from now on."""

    issuance_id: str
    order_id: str
    account_id: str
    challenges: list[UpstreamChallenge]


@event("ca.IssuanceDelayed")
class IssuanceDelayed(Event):
    """The issuer lets us wait, or does not see yet what it wants to see. `reason` is for people; asked again at
    `until`. An empty reason: it goes on.
    """

    issuance_id: str
    order_id: str
    account_id: str
    reason: str
    until: str


@event("ca.CertificateSigned")
class CertificateSigned(Event):
    """One per issuance, ever. `lint` is what a linter calls an error in a certificate that another CA signed."""

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
    lint: list[str] = []


@event("ca.RenewalSuggested")
class RenewalSuggested(Event):
    """Another CA suggests when to replace a certificate of its own (RFC 9773 §4.2), for the first time or anew: between
    `start` and `end`, at once when both are past. `explanation_url` is an https page for people, or empty.
    """

    issuance_id: str
    order_id: str
    account_id: str
    serial: str
    start: str
    end: str
    explanation_url: str


@event("ca.CertificateRevoked")
class CertificateRevoked(Event):
    """The serial is on the next CRL."""

    serial: str
    order_id: str
    account_id: str
    reason: str
    revoked_at: str


@event("ca.IssuingAuthorityInstalled")
class IssuingAuthorityInstalled(Event):
    """The first issuing CA of this installation. Fingerprints are of certificates, lower-case hexadecimal."""

    issuer: str
    number: int
    fingerprint_sha256: str
    root_fingerprint_sha256: str
    not_after: str
    certificate_pem: str


@event("ca.IssuingAuthorityRotated")
class IssuingAuthorityRotated(Event):
    """From now on another issuing CA signs; `previous` speaks only for what it signed. `by` is who installed it."""

    issuer: str
    number: int
    previous: str
    fingerprint_sha256: str
    root_fingerprint_sha256: str
    not_after: str
    certificate_pem: str
    by: str


@event("ca.RootTakenOffline")
class RootTakenOffline(Event):
    """No secret of this installation opens the root's key any more."""

    root_fingerprint_sha256: str


@event("ca.IssuingAuthorityEnded")
class IssuingAuthorityEnded(Event):
    """The last certificate of a former issuing CA has ended; it makes no more lists, and its key can be destroyed."""

    issuer: str
    number: int


@event("ca.CRLPublished")
class CRLPublished(Event):
    """A CRL with this number was signed."""

    issuer: str
    number: int
    this_update: str
    next_update: str
    der_base64: str
