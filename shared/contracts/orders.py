# SPDX-License-Identifier: Apache-2.0
"""Certificate orders: what a customer bought, what it waits for, and what became of it."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "orders"

# --- parts ---------------------------------------------------------------------------------------------------------


class Organization(View):
    """The organization named in OV and EV certificates. Public by nature: it stands in the certificate."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    state: str = ""
    locality: str = ""
    registration_number: str = ""


class BlockedOn(View):
    """One reason why an order does not move: who must act, and how, in words a customer understands.

    `actor` is `customer`, `operator`, `certwright` or `agent`; `reason` is a stable word for programs;
    `subject` names the FQDN, server or site that it is about.
    """

    reason: str
    actor: str
    text: str
    action: str = ""
    subject: str = ""


class CertificateView(View):
    """One certificate of an order. `serial` is upper-case hex; moments are RFC 3339."""

    serial: str
    fingerprint_sha256: str
    names: list[str]
    not_before: str
    not_after: str
    issued_at: str
    csr_version: int
    issuer: str
    spki_sha256: str
    revoked_at: str | None = None


class NameStatus(View):
    """How far one FQDN of the order is authorized."""

    fqdn: str
    authorized: bool
    method: str = ""
    expires_at: str | None = None


class InstallationView(View):
    """One site that the certificate was, or should be, installed on."""

    installation_id: str
    server_id: str
    site_id: str
    status: str  # requested, installed, failed
    csr_version: int
    requested_at: str
    finished_at: str | None = None
    served_serial: str = ""
    reason: str = ""


class OrderView(View):
    """An order as its customer sees it. `amount` is in minor units of `currency`.

    `status` and `allowed_actions` are those of ARCHITECTURE §4: `complete_payment`, `cancel`, `generate_request`,
    `request_invoice`, `domain_control_validation`, `replace_csr`, `auto_install`, `save`, `installation_check`,
    `renew`, `reissue`, `revoke`.
    """

    order_id: str
    number: int
    account_id: str
    kind: str  # certificate or topup
    product: str
    product_name: str
    validation_level: str  # DV, OV, EV, or empty for a top-up
    common_name: str
    names: list[str]
    term_years: int
    amount: int
    currency: str
    status: str
    allowed_actions: list[str]
    blocked_on: list[BlockedOn]
    placed_at: str
    version: int
    dcv_method: str = ""
    csr_version: int = 0
    csr_pem: str = ""
    spki_sha256: str = ""
    term_ends_at: str | None = None
    expires_at: str | None = None
    authorizations: list[NameStatus] = []
    certificate: CertificateView | None = None
    certificates: list[CertificateView] = []
    installations: list[InstallationView] = []
    organization: Organization | None = None
    renews: str | None = None
    renewed_by: str | None = None
    last_failure: str = ""


class OrderSummary(View):
    """A row of the orders list."""

    order_id: str
    number: int
    account_id: str
    kind: str
    product: str
    product_name: str
    common_name: str
    names: list[str]
    status: str
    placed_at: str
    expires_at: str | None
    amount: int
    currency: str
    allowed_actions: list[str]
    version: int


class ParsedCSR(View):
    """What a CSR says, for people to check before they send it."""

    names: list[str]
    common_name: str
    organization: str
    organizational_unit: str
    country: str
    state: str
    locality: str
    email: str
    key_algorithm: str
    key_size: int
    signature_hash: str
    spki_sha256: str
    md5: str
    sha256: str
    problems: list[str] = []


class HistoryEntry(View):
    """One event of an order's history, with who did it and a sentence for people."""

    event_id: str
    version: int
    type: str
    occurred_at: str
    actor: str
    summary: str
    data: dict[str, Any]


class CertificateFile(View):
    """A certificate to download. `chain_pem` holds the issuers, leaf's issuer first; the root is left out."""

    serial: str
    pem: str
    chain_pem: str
    root_pem: str = ""


# --- requests ------------------------------------------------------------------------------------------------------


@command(SERVICE, Permission.CREATE_ORDER)
class PlaceOrder(Request[OrderView]):
    """Orders what a quote priced. `names` are those of the quote; `common_name` must be one of them.

    Errors: quote_expired, insufficient_funds (deposit customers; extra: missing, currency), invalid.
    """

    quote_id: str
    common_name: str
    dcv_method: str = "http_csr_hash"
    organization: Organization | None = None
    renews_order_id: str | None = None
    agreement_accepted: bool = False


@command(SERVICE, Permission.REPLENISH_BALANCE)
class PlaceTopUp(Request[OrderView]):
    """Orders a deposit of `amount` minor units (1 … 100 000 00 in major terms of a two-digit currency)."""

    amount: int
    currency: str = "USD"


@query(SERVICE, Permission.VIEW)
class ListOrders(Request[Page[OrderSummary]]):
    """Newest first. `search` matches number, FQDN and product; `status` is a status word."""

    status: str | None = None
    search: str | None = None
    kind: str | None = None
    limit: int = 25
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetOrder(Request[OrderView]):
    """One order, now or as it was at `as_of` (RFC 3339)."""

    order_id: str
    as_of: str | None = None


@query(SERVICE, Permission.VIEW)
class GetOrderHistory(Request[Page[HistoryEntry]]):
    """The order's events, oldest first."""

    order_id: str
    limit: int = 100
    cursor: str | None = None


@query(SERVICE, Permission.SIGNED_IN)
class ParseCSR(Request[ParsedCSR]):
    """Reads a CSR without storing it; with `order_id`, `problems` also says what does not fit that order."""

    csr: str
    order_id: str | None = None


@command(SERVICE, Permission.CREATE_ORDER)
class SubmitCSR(Request[OrderView]):
    """Gives the order its CSR, or replaces it while processing. Errors: invalid with the reason, action_not_allowed."""

    order_id: str
    csr: str


@command(SERVICE, Permission.CREATE_ORDER)
class RequestCSR(Request[OrderView]):
    """Has the key and the CSR made on a server by its agent. `key_algorithm`: ec-p256, ec-p384, rsa-2048, rsa-3072."""

    order_id: str
    server_id: str
    key_algorithm: str = "ec-p256"


@command(SERVICE, Permission.OPERATOR)
class ValidateOrganization(Request[OrderView]):
    """An operator has checked the organization of an OV or EV order; `note` says how (no personal data)."""

    order_id: str
    note: str = ""


@command(SERVICE, Permission.OPERATOR)
class RejectOrder(Request[OrderView]):
    """An operator refuses the order for good; what was paid is given back."""

    order_id: str
    reason: str


@command(SERVICE, Permission.CREATE_ORDER)
class RequestInstallation(Request[OrderView]):
    """Installs the newest certificate on sites of one server."""

    order_id: str
    server_id: str
    site_ids: list[str]


@command(SERVICE, Permission.CREATE_ORDER)
class RequestSave(Request[Done]):
    """Has the certificate saved as a zip on a server; the reply's id is the save's."""

    order_id: str
    server_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class CancelOrder(Request[OrderView]):
    """Gives an order up before issuance; what was paid is given back exactly once."""

    order_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class ReissueCertificate(Request[OrderView]):
    """Asks for a new certificate in the same term with a new CSR (pasted, or made on `server_id`)."""

    order_id: str
    csr: str | None = None
    server_id: str | None = None
    key_algorithm: str = "ec-p256"


@command(SERVICE, Permission.CREATE_ORDER)
class RevokeCertificate(Request[OrderView]):
    """Revokes every certificate of the order. `reason` is an RFC 5280 word, such as `keyCompromise`."""

    order_id: str
    reason: str = "unspecified"


@query(SERVICE, Permission.VIEW)
class GetCertificate(Request[CertificateFile]):
    """The newest certificate of an order, or the one with `serial`. Errors: not_found."""

    order_id: str
    serial: str | None = None


# --- events --------------------------------------------------------------------------------------------------------


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


@event("orders.CSRRejected")
class CSRRejected(Event):
    """A CSR that came from a server did not fit, or could not be made."""

    order_id: str
    request_id: str
    reason: str


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

    `not_after_limit` is the end of the term that was paid for, as RFC 3339, or empty.
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


@event("orders.InstallationRequested")
class InstallationRequested(Event):
    """The certificate goes on one site. One event per site."""

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


@event("orders.CertInstalled")
class CertInstalled(Event):
    """The site serves the certificate: `served_serial` was seen in a handshake."""

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    served_serial: str
    csr_version: int


@event("orders.InstallationFailed")
class InstallationFailed(Event):
    """The site kept, or went back to, what it served before."""

    order_id: str
    installation_id: str
    server_id: str
    site_id: str
    reason: str
    rolled_back: bool


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
    """A new certificate in the same term; the next CSR opens it."""

    order_id: str
    reason: str


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
