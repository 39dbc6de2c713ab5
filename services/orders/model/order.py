# SPDX-License-Identifier: Apache-2.0
"""What an order is, folded from its events (ADR 0005). Nothing here decides or refuses: history is fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.eventsourcing.fold import Fold


class CSR(msgspec.Struct, frozen=True):
    """The newest accepted CSR. `server_id` is empty when it was pasted."""

    version: int
    pem: str
    spki_sha256: str
    server_id: str
    key_reused: bool = False


class CSRAttempt(msgspec.Struct, frozen=True):
    """A key and CSR being made on a server."""

    request_id: str
    server_id: str
    key_algorithm: str


class Authorization(msgspec.Struct, frozen=True):
    """The proof of one FQDN for the present CSR."""

    authorization_id: str
    method: str
    expires_at: str


class Issuance(msgspec.Struct, frozen=True):
    """One request to the CA. `status`: requested, issued, failed. `reason` is why it failed, or why it takes long."""

    csr_version: int
    status: str
    reason: str = ""
    code: str = ""


class Certificate(msgspec.Struct, frozen=True):
    """A certificate that was accepted for this order."""

    serial: str
    fingerprint_sha256: str
    spki_sha256: str
    names: list[str]
    not_before: str
    not_after: str
    issuer: str
    csr_version: int
    certificate_pem: str
    chain_pem: str
    revoked_at: str | None = None


class Installation(msgspec.Struct, frozen=True):
    """A certificate on its way to, or on, one site. `status`: queued, requested, installed, failed, not_begun.
    `automatic`: the service asked by itself; what failed is tried again at `again_at`, if that is not empty.
    `findings` are what is amiss with the site, as report number `report` of its server said: `there` tells whether it
    still serves the certificate, `by` and `path` what took its place."""

    installation_id: str
    server_id: str
    site_id: str
    serial: str
    csr_version: int
    status: str = "requested"
    served_serial: str = ""
    reason: str = ""
    code: str = ""
    automatic: bool = False
    again_at: str = ""
    rollout_id: str = ""
    plan_id: str = ""
    plan_sha256: str = ""
    approved_by: str = ""
    findings: tuple[str, ...] = ()
    there: bool = True
    by: str = ""
    path: str = ""
    report: int = 0


class Suggestion(msgspec.Struct, frozen=True):
    """When the issuer wants the certificate with `serial` replaced (RFC 3339). `renew_at` as in `RenewalSuggested`."""

    serial: str
    start: str
    end: str
    explanation_url: str
    renew_at: str
    version: int


class Replacing(msgspec.Struct, frozen=True):
    """A mass replacement that hits this order's certificate with `serial`, asked for `at` (RFC 3339)."""

    replacement_id: str
    serial: str
    at: str
    way: str
    begun: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order's state. An empty `order_id` means that it was never placed.

    `ended` is empty, cancelled, rejected or expired. `authorizations` are those of the present CSR version only.
    `reserved` is the CSR version that the newest ACME order has taken for a CSR to come, `next_authorizations` are its
    proofs. `reissuing` holds from the request for a new certificate until it is there. Dictionaries are replaced, never
    changed.
    """

    order_id: str = ""
    number: int = 0
    account_id: str = ""
    kind: str = ""
    product: str = ""
    product_name: str = ""
    amount: int = 0
    currency: str = ""
    validation_level: str = ""
    common_name: str = ""
    names: list[str] = []
    term_years: int = 0
    dcv_method: str = ""
    organization: c.Organization | None = None
    deposit: bool = False
    renews: str | None = None
    renewed_by: str | None = None
    paid: bool = False
    organization_validated: bool = False
    channel: str = ""
    csr: CSR | None = None
    csr_attempt: CSRAttempt | None = None
    key_algorithm: str = ""
    csr_failure: str = ""
    csr_failure_code: str = ""
    authorizations: dict[str, Authorization] = {}
    reserved: int = 0
    next_authorizations: dict[str, Authorization] = {}
    issuances: dict[str, Issuance] = {}
    certificates: list[Certificate] = []
    term_ends_at: str | None = None
    reissuing: bool = False
    installations: dict[str, Installation] = {}
    revoking: frozenset[str] = frozenset()
    replacing: Replacing | None = None
    suggestion: Suggestion | None = None
    ended: str = ""
    last_failure: str = ""
    last_failure_code: str = ""

    @property
    def certificate(self) -> Certificate | None:
        """The newest certificate."""
        return self.certificates[-1] if self.certificates else None

    @property
    def csr_version(self) -> int:
        """The version of the newest CSR, 0 before the first."""
        return self.csr.version if self.csr else 0

    @property
    def next_version(self) -> int:
        """The version of the next CSR that is nobody's yet."""
        return max(self.csr_version, self.reserved) + 1

    @property
    def named_organization(self) -> c.Organization | None:
        """What of the organization stands in the certificate: all that the CA and an agent need to know of it."""
        if self.organization is None:
            return None
        return replace(self.organization, address1="", address2="", address3="", po_box="", postal_code="")

    @property
    def needs_organization(self) -> bool:
        """Whether an operator has to validate the organization (OV and EV)."""
        return self.validation_level in {"OV", "EV"}

    @property
    def being_revoked(self) -> bool:
        """Whether the order's own certificates are to be revoked: not one that was refused and goes away by itself."""
        return any(one.serial in self.revoking for one in self.certificates)

    @property
    def usable(self) -> bool:
        """Whether the newest certificate is neither revoked nor about to be."""
        newest = self.certificate
        return newest is not None and newest.revoked_at is None and newest.serial not in self.revoking

    @property
    def to_be_replaced(self) -> Replacing | None:
        """The mass replacement that the newest certificate still waits for."""
        newest, wanted = self.certificate, self.replacing
        return wanted if newest is not None and wanted is not None and wanted.serial == newest.serial else None

    @property
    def suggested(self) -> Suggestion | None:
        """What the issuer wants of the newest certificate."""
        newest, found = self.certificate, self.suggestion
        return found if newest is not None and found is not None and found.serial == newest.serial else None

    @property
    def present_issuance(self) -> Issuance | None:
        """The issuance for the present CSR version, if one was requested."""
        for issuance in self.issuances.values():
            if issuance.csr_version == self.csr_version:
                return issuance
        return None

    def installed(self, csr_version: int) -> list[Installation]:
        """The last installation on each site that a certificate was brought to."""
        latest = {
            (one.server_id, one.site_id): one
            for one in self.installations.values()
            if one.status == "installed" and one.csr_version == csr_version
        }
        return list(latest.values())

    def authorized(self, fqdn: str, now: datetime) -> bool:
        """Whether the FQDN is proved for the present CSR and the proof has not grown too old."""
        found = self.authorizations.get(fqdn)
        return found is not None and from_text(found.expires_at) > now

    def authorized_next(self, fqdn: str, now: datetime) -> bool:
        """The same for the CSR that an ACME client will send."""
        found = self.next_authorizations.get(fqdn)
        return found is not None and from_text(found.expires_at) > now


def years_later(moment: datetime, years: int) -> datetime:
    """The same day and time so many years later; 29 February becomes 1 March."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def stream_of(order_id: str) -> str:
    """The name of an order's stream."""
    return f"order-{order_id}"


fold: Fold[Order] = Fold(Order)


@fold.on(c.OrderPlaced)
def _placed(_state: Order, event: c.OrderPlaced) -> Order:
    return Order(
        order_id=event.order_id,
        number=event.number,
        account_id=event.account_id,
        kind=event.kind,
        product=event.product,
        product_name=event.product_name,
        amount=event.amount,
        currency=event.currency,
        validation_level=event.validation_level,
        common_name=event.common_name,
        names=event.names,
        term_years=event.term_years,
        dcv_method=event.dcv_method,
        organization=event.organization,
        deposit=event.deposit,
        renews=event.renews_order_id,
        channel=event.channel,
    )


@fold.on(c.OrderPaid)
def _paid(state: Order, _event: c.OrderPaid) -> Order:
    return replace(state, paid=True)


@fold.on(c.PaymentRefused)
def _refused(state: Order, event: c.PaymentRefused) -> Order:
    return replace(state, ended="rejected", last_failure=event.reason, last_failure_code="")


@fold.on(c.CSRRequested)
def _csr_requested(state: Order, event: c.CSRRequested) -> Order:
    attempt = CSRAttempt(event.request_id, event.server_id, event.key_algorithm)
    return replace(state, csr_attempt=attempt, key_algorithm=event.key_algorithm, csr_failure="")


@fold.on(c.CSRSubmitted)
def _csr_submitted(state: Order, event: c.CSRSubmitted) -> Order:
    csr = CSR(event.csr_version, event.csr_pem, event.spki_sha256, event.server_id, event.key_reused)
    # Proofs belong to one CSR: a replaced one ends them (BR §3.2.2.4.7, the request token is made of the CSR). Those of
    # an ACME order were made for the CSR that it would send.
    proofs = state.next_authorizations if event.csr_version == state.reserved else {}
    return replace(
        state,
        csr=csr,
        csr_attempt=None,
        csr_failure="",
        authorizations=proofs,
        next_authorizations={},
        last_failure="",
        last_failure_code="",
    )


@fold.on(c.ACMEOrderOpened)
def _acme_opened(state: Order, event: c.ACMEOrderOpened) -> Order:
    return replace(state, reserved=event.csr_version, next_authorizations={})


@fold.on(c.CSRRejected)
def _csr_rejected(state: Order, event: c.CSRRejected) -> Order:
    failed = replace(state, csr_attempt=None, csr_failure=event.reason, csr_failure_code=event.code)
    return replace(failed, last_failure=event.reason, last_failure_code=event.code)


@fold.on(c.AuthorizationRecorded)
def _authorized(state: Order, event: c.AuthorizationRecorded) -> Order:
    proof = Authorization(event.authorization_id, event.method, event.expires_at)
    if event.csr_version == state.reserved > state.csr_version:
        return replace(state, next_authorizations={**state.next_authorizations, event.fqdn: proof})
    if event.csr_version != state.csr_version:
        return state
    return replace(state, authorizations={**state.authorizations, event.fqdn: proof})


@fold.on(c.OrganizationValidated)
def _organization_validated(state: Order, _event: c.OrganizationValidated) -> Order:
    return replace(state, organization_validated=True)


@fold.on(c.IssuanceRequested)
def _issuance_requested(state: Order, event: c.IssuanceRequested) -> Order:
    return _with_issuance(state, event.issuance_id, Issuance(event.csr_version, "requested"))


@fold.on(c.IssuanceDelayed)
def _issuance_delayed(state: Order, event: c.IssuanceDelayed) -> Order:
    known = state.issuances.get(event.issuance_id)
    if known is None or known.status != "requested":
        return state
    return _with_issuance(state, event.issuance_id, Issuance(known.csr_version, "requested", event.reason))


@fold.on(c.IssuanceFailed)
def _issuance_failed(state: Order, event: c.IssuanceFailed) -> Order:
    known = state.issuances.get(event.issuance_id)
    version = known.csr_version if known else 0
    failed = _with_issuance(state, event.issuance_id, Issuance(version, "failed", event.reason, event.code))
    if version != state.csr_version:
        return failed
    return replace(failed, last_failure=event.reason, last_failure_code=event.code)


@fold.on(c.CertIssued)
def _issued(state: Order, event: c.CertIssued) -> Order:
    certificate = Certificate(
        serial=event.serial,
        fingerprint_sha256=event.fingerprint_sha256,
        spki_sha256=event.spki_sha256,
        names=event.names,
        not_before=event.not_before,
        not_after=event.not_after,
        issuer=event.issuer,
        csr_version=event.csr_version,
        certificate_pem=event.certificate_pem,
        chain_pem=event.chain_pem,
    )
    return replace(
        _with_issuance(state, event.issuance_id, Issuance(event.csr_version, "issued")),
        certificates=[*state.certificates, certificate],
        # The term that was paid for begins with the first certificate.
        term_ends_at=state.term_ends_at or to_text(years_later(from_text(event.not_before), state.term_years)),
        reissuing=False,
        last_failure="",
        last_failure_code="",
    )


@fold.on(c.RenewalSuggested)
def _suggested(state: Order, event: c.RenewalSuggested) -> Order:
    wanted = Suggestion(event.serial, event.start, event.end, event.explanation_url, event.renew_at, event.version)
    return replace(state, suggestion=wanted)


@fold.on(c.InstallationRequested)
def _installation_requested(state: Order, event: c.InstallationRequested) -> Order:
    return _with_installation(state, _wanted(event, "requested"))


@fold.on(c.InstallationQueued)
def _installation_queued(state: Order, event: c.InstallationQueued) -> Order:
    return _with_installation(state, _wanted(event, "queued"))


@fold.on(c.InstallationNotBegun)
def _installation_not_begun(state: Order, event: c.InstallationNotBegun) -> Order:
    known = state.installations.get(event.installation_id)
    if known is None:
        return state
    return _with_installation(state, replace(known, status="not_begun", reason=event.reason, code=event.code))


@fold.on(c.CertInstalled)
def _installed(state: Order, event: c.CertInstalled) -> Order:
    known = state.installations.get(event.installation_id)
    if known is None:
        return state
    done = replace(known, status="installed", served_serial=event.served_serial, reason="", code="")
    return replace(_with_installation(state, done), last_failure="", last_failure_code="")


@fold.on(c.InstallationWatched)
def _watched(state: Order, event: c.InstallationWatched) -> Order:
    known = state.installations.get(event.installation_id)
    if known is None:
        return state
    found = {name: getattr(event, name) for name in ("there", "by", "path", "report")}
    return _with_installation(state, replace(known, findings=tuple(event.findings), **found))


@fold.on(c.InstallationFailed)
def _installation_failed(state: Order, event: c.InstallationFailed) -> Order:
    known = state.installations.get(event.installation_id)
    if known is None:
        return state
    failed = replace(known, status="failed", reason=event.reason, code=event.code, again_at=event.again_at)
    return replace(_with_installation(state, failed), last_failure=event.reason, last_failure_code=event.code)


@fold.on(c.ReissueRequested)
def _reissue(state: Order, _event: c.ReissueRequested) -> Order:
    return replace(state, reissuing=True, csr_failure="")


@fold.on(c.ReplacementAsked)
def _replacement_asked(state: Order, event: c.ReplacementAsked) -> Order:
    return replace(state, replacing=Replacing(event.replacement_id, event.serial, event.at, event.way))


@fold.on(c.ReplacementBegun)
def _replacement_begun(state: Order, event: c.ReplacementBegun) -> Order:
    wanted = state.replacing
    if wanted is None or wanted.replacement_id != event.replacement_id:
        return state
    return replace(state, replacing=replace(wanted, begun=True))


@fold.on(c.ReplacementWithdrawn)
def _replacement_withdrawn(state: Order, event: c.ReplacementWithdrawn) -> Order:
    wanted = state.replacing
    return replace(state, replacing=None) if wanted and wanted.replacement_id == event.replacement_id else state


@fold.on(c.OrderRenewed)
def _renewed(state: Order, event: c.OrderRenewed) -> Order:
    return replace(state, renewed_by=event.by_order_id)


@fold.on(c.RevocationRequested)
def _revocation(state: Order, event: c.RevocationRequested) -> Order:
    return replace(state, revoking=state.revoking | set(event.serials))


@fold.on(c.CertRevoked)
def _revoked(state: Order, event: c.CertRevoked) -> Order:
    certificates = [
        replace(one, revoked_at=event.revoked_at) if one.serial == event.serial else one for one in state.certificates
    ]
    return replace(state, certificates=certificates, revoking=state.revoking - {event.serial})


@fold.on(c.OrderCancelled)
def _cancelled(state: Order, _event: c.OrderCancelled) -> Order:
    return replace(state, ended="cancelled", csr_attempt=None)


@fold.on(c.OrderRejected)
def _rejected(state: Order, event: c.OrderRejected) -> Order:
    return replace(state, ended="rejected", csr_attempt=None, last_failure=event.reason, last_failure_code="")


@fold.on(c.OrderExpired)
def _expired(state: Order, _event: c.OrderExpired) -> Order:
    return replace(state, ended="expired", csr_attempt=None, reissuing=False)


def _with_issuance(state: Order, issuance_id: str, issuance: Issuance) -> Order:
    return replace(state, issuances={**state.issuances, issuance_id: issuance})


def _wanted(event: c.InstallationRequested | c.InstallationQueued, status: str) -> Installation:
    return Installation(
        installation_id=event.installation_id,
        server_id=event.server_id,
        site_id=event.site_id,
        serial=event.serial,
        csr_version=event.csr_version,
        status=status,
        automatic=event.automatic,
        rollout_id=event.rollout_id,
        plan_id=event.plan_id,
        plan_sha256=event.plan_sha256,
        approved_by=event.approved_by,
    )


def _with_installation(state: Order, installation: Installation) -> Order:
    changed: dict[str, Any] = {**state.installations, installation.installation_id: installation}
    return replace(state, installations=changed)
