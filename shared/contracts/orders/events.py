# SPDX-License-Identifier: Apache-2.0
"""What is said about certificate orders: facts, past tense."""

from __future__ import annotations

from shared.contracts.orders.replacement_views import PlacedSite, ReplacementSelection
from shared.contracts.orders.views import Organization
from shared.eventsourcing.event import Event, event


@event("orders.OrderPlaced")
class OrderPlaced(Event):
    """A customer ordered. `kind` is certificate or topup; `amount` is in minor units."""

    order_id: str
    number: int
    account_id: str
    kind: str
    product: str
    product_name: str
    amount: int
    currency: str
    quote_id: str = ""
    validation_level: str = ""
    common_name: str = ""
    names: list[str] = []
    term_years: int = 0
    dcv_method: str = ""
    organization: Organization | None = None
    renews_order_id: str | None = None
    deposit: bool = False  # to be drawn from the deposit account
    channel: str = ""  # acme when an ACME client ordered, else empty


@event("orders.OrderPaid")
class OrderPaid(Event):
    """`source` is card, funds or free."""

    order_id: str
    amount: int
    currency: str
    source: str


@event("orders.PaymentRefused")
class PaymentRefused(Event):
    """Billing would not take the payment for this order, ever; `reason` is for people."""

    order_id: str
    reason: str


@event("orders.CSRRequested")
class CSRRequested(Event):
    """The key is to be made on a server. `request_id` names the attempt."""

    order_id: str
    account_id: str
    request_id: str
    server_id: str
    common_name: str
    names: list[str]
    key_algorithm: str
    organization: Organization | None = None


@event("orders.CSRSubmitted")
class CSRSubmitted(Event):
    """A CSR was accepted. `csr_version` counts 1, 2, 3 … per order: a replaced CSR ends the tokens of the one before.

    `md5` (upper-case hex) and `sha256` (lower-case hex) are of the DER; `unique_value` makes the request token
    usable once (CA/B BR 3.2.2.4.7, .18).
    """

    order_id: str
    account_id: str
    csr_version: int
    csr_pem: str
    spki_sha256: str
    md5: str
    sha256: str
    unique_value: str
    names: list[str]
    dcv_method: str
    server_id: str = ""
    request_id: str = ""
    acme_order_id: str = ""
    key_reused: bool = False  # the account sent a CSR with this key before


@event("orders.ACMEOrderOpened")
class ACMEOrderOpened(Event):
    """An ACME client asks for a certificate of this order. `csr_version` is reserved for the CSR that it will send.

    `thumbprint` is that of the client's key (RFC 7638), `replaces` names a certificate as RFC 9773 §4.1 does.
    """

    order_id: str
    account_id: str
    acme_order_id: str
    acme_account_id: str
    thumbprint: str
    csr_version: int
    names: list[str]
    expires_at: str
    replaces: str = ""


@event("orders.CSRRejected")
class CSRRejected(Event):
    """A CSR that came from a server did not fit, or could not be made; `code` of the reason where it has one."""

    order_id: str
    request_id: str
    reason: str
    code: str = ""


@event("orders.AuthorizationRecorded")
class AuthorizationRecorded(Event):
    """One FQDN of the order is proved for its present CSR."""

    order_id: str
    csr_version: int
    fqdn: str
    authorization_id: str
    method: str
    rules_version: str
    expires_at: str


@event("orders.OrganizationValidated")
class OrganizationValidated(Event):
    """An operator vouches for the organization. `by` is the actor."""

    order_id: str
    by: str
    note: str = ""


@event("orders.IssuanceRequested")
class IssuanceRequested(Event):
    """Everything is there: the CA is to issue. One issuance per (order, csr_version).

    `not_after_limit` is the end of the term that was paid for, as RFC 3339, or empty. `validation_methods` says of each
    name how it was proved.
    """

    order_id: str
    account_id: str
    issuance_id: str
    csr_version: int
    csr_pem: str
    common_name: str
    names: list[str]
    validation_level: str
    not_after_limit: str = ""
    organization: Organization | None = None
    validation_methods: dict[str, str] = {}


@event("orders.CertIssued")
class CertIssued(Event):
    """The certificate is there and fits the order."""

    order_id: str
    account_id: str
    issuance_id: str
    csr_version: int
    serial: str
    fingerprint_sha256: str
    spki_sha256: str
    names: list[str]
    not_before: str
    not_after: str
    issuer: str
    certificate_pem: str
    chain_pem: str


@event("orders.IssuanceFailed")
class IssuanceFailed(Event):
    """The CA refused, or what it gave does not fit the order."""

    order_id: str
    issuance_id: str
    reason: str
    code: str = ""


@event("orders.RenewalSuggested")
class RenewalSuggested(Event):
    """The issuer wants the certificate with `serial` replaced between `start` and `end` (RFC 9773 §4.2). `renew_at` is
    the moment in that time at which it is; empty where that is not for this service to begin. `explanation_url` is an
    https page of the issuer for people, or empty. A higher `version` is the newer suggestion.
    """

    order_id: str
    serial: str
    start: str
    end: str
    explanation_url: str
    renew_at: str
    version: int


@event("orders.IssuanceDelayed")
class IssuanceDelayed(Event):
    """The issuer lets us wait, or does not see yet what it wants to see; `reason` is for people. Empty: it goes on."""

    order_id: str
    issuance_id: str
    reason: str
    until: str


@event("orders.InstallationRequested")
class InstallationRequested(Event):
    """The certificate goes on one site. One event per site. `automatic`: the service asks by itself.

    Several sites at once are a rollout. With a `plan_sha256` it is bound to the plan that `approved_by` looked at.
    """

    order_id: str
    account_id: str
    installation_id: str
    server_id: str
    site_id: str
    csr_version: int
    serial: str
    names: list[str]
    spki_sha256: str
    certificate_pem: str
    chain_pem: str
    automatic: bool = False
    rollout_id: str = ""
    plan_id: str = ""
    plan_sha256: str = ""
    approved_by: str = ""


@event("orders.InstallationQueued")
class InstallationQueued(Event):
    """A site of a rollout waits until another one of it was seen to serve the certificate."""

    order_id: str
    account_id: str
    installation_id: str
    rollout_id: str
    server_id: str
    site_id: str
    csr_version: int
    serial: str
    automatic: bool = False
    plan_id: str = ""
    plan_sha256: str = ""
    approved_by: str = ""


@event("orders.InstallationNotBegun")
class InstallationNotBegun(Event):
    """A site of a rollout that waited is left as it is, and nobody touches it any more."""

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    reason: str
    code: str = ""


@event("orders.CertInstalled")
class CertInstalled(Event):
    """The site serves the certificate: `served_serial` was seen in a handshake."""

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    served_serial: str
    csr_version: int


@event("orders.InstallationWatched")
class InstallationWatched(Event):
    """What is amiss with a site that serves, or served, the certificate is something else than before.

    `findings` are kinds of `installer.SiteFinding`, none when all is well again. `there`: the site serves it, or did so
    when it was last seen. `by` and `path`: which tool put another one into which place. `report` is the version of the
    server's stream that said so: an older one counts no more.
    """

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    csr_version: int
    there: bool
    findings: list[str]
    by: str = ""
    path: str = ""
    report: int = 0


@event("orders.InstallationFailed")
class InstallationFailed(Event):
    """The site kept, or went back to, what it served before. It is tried again by itself at `again_at`, if it is;
    `tries` is how often the service has asked by itself, 0 where a person did.
    """

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    reason: str
    rolled_back: bool
    code: str = ""
    again_at: str = ""
    tries: int = 0


@event("orders.CertificateSaveRequested")
class CertificateSaveRequested(Event):
    """The certificate is to be saved as a zip on a server."""

    order_id: str
    account_id: str
    save_id: str
    number: int
    server_id: str
    common_name: str
    certificate_pem: str
    chain_pem: str


@event("orders.ReissueRequested")
class ReissueRequested(Event):
    """A new certificate in the same term; the next CSR opens it. `automatic`: the service asks by itself."""

    order_id: str
    reason: str
    automatic: bool = False


@event("orders.OrderRenewed")
class OrderRenewed(Event):
    """A later order continues this one."""

    order_id: str
    by_order_id: str


@event("orders.RevocationRequested")
class RevocationRequested(Event):
    """These certificates are to be revoked."""

    order_id: str
    account_id: str
    serials: list[str]
    reason: str


@event("orders.CertRevoked")
class CertRevoked(Event):
    """The CA confirmed the revocation of one certificate."""

    order_id: str
    serial: str
    reason: str
    revoked_at: str


@event("orders.OrderCancelled")
class OrderCancelled(Event):
    """The customer gave up before issuance. `refund` is what was paid, in minor units."""

    order_id: str
    account_id: str
    refund: int
    currency: str


@event("orders.OrderRejected")
class OrderRejected(Event):
    """The operator refused. `refund` is what was paid, in minor units."""

    order_id: str
    account_id: str
    reason: str
    refund: int
    currency: str


@event("orders.OrderExpired")
class OrderExpired(Event):
    """The last certificate's time ran out."""

    order_id: str


@event("orders.MassReplacementStarted")
class MassReplacementStarted(Event):
    """Every certificate that the selection hits is to be replaced. An operator's has no account: it spans all of them.

    `orders` and `sites` say how many; an `exercise` replaces as an incident does, and never revokes.
    """

    replacement_id: str
    account_id: str
    selection: ReplacementSelection
    reason: str
    exercise: bool
    orders: int
    sites: int


@event("orders.MassReplacementPaused")
class MassReplacementPaused(Event):
    """No further order is begun; what was begun goes on."""

    replacement_id: str
    account_id: str


@event("orders.MassReplacementResumed")
class MassReplacementResumed(Event):
    """Further orders are begun again."""

    replacement_id: str
    account_id: str


@event("orders.MassReplacementCancelled")
class MassReplacementCancelled(Event):
    """Given up: what was not begun keeps its certificate (`withdrawn` orders), what was begun goes on."""

    replacement_id: str
    account_id: str
    withdrawn: int


@event("orders.MassReplacementCompleted")
class MassReplacementCompleted(Event):
    """Nothing is left to be done. `seen` orders serve the new certificate, `unseen` ones have it where no agent looks,
    `ended` ones were revoked or expired meanwhile."""

    replacement_id: str
    account_id: str
    seen: int
    unseen: int
    ended: int


@event("orders.ReplacedRevocationRequested")
class ReplacedRevocationRequested(Event):
    """The old certificates are to be revoked, each once its replacement was seen on the wire; `reason`: RFC 5280."""

    replacement_id: str
    account_id: str
    reason: str


@event("orders.ReplacementAsked")
class ReplacementAsked(Event):
    """A mass replacement hits the newest certificate of this order, which `sites` serve by an agent.

    `way` is who makes the next key: agent (of `server_id`), client (an ACME client) or hand.
    """

    order_id: str
    account_id: str
    replacement_id: str
    number: int
    common_name: str
    serial: str
    csr_version: int
    way: str
    server_id: str
    sites: list[PlacedSite]
    at: str


@event("orders.ReplacementBegun")
class ReplacementBegun(Event):
    """The replacement of this order's certificate was set going, once for ever."""

    order_id: str
    replacement_id: str


@event("orders.ReplacementWithdrawn")
class ReplacementWithdrawn(Event):
    """The mass replacement was given up before it came to this order, which keeps its certificate."""

    order_id: str
    account_id: str
    replacement_id: str
