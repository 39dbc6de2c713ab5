# SPDX-License-Identifier: Apache-2.0
"""What replies about certificate orders look like."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import View


class Organization(View):
    """The organization named in OV and EV certificates, and its address, by which an operator finds it in registers.

    Name, country, state and locality stand in the certificate for everyone to read, in EV certificates also the
    registration number and where it is registered (`country` when empty). The address stays in the order.
    """

    name: str
    country: str  # ISO 3166-1 alpha-2
    state: str = ""
    locality: str = ""
    registration_number: str = ""
    jurisdiction_country: str = ""
    address1: str = ""
    address2: str = ""
    address3: str = ""
    po_box: str = ""
    postal_code: str = ""


class BlockedOn(View):
    """One reason why an order does not move: who must act, and how, in words a customer understands.

    `actor` is `customer`, `operator`, `certwright` or `agent`; `reason` is a stable word for programs;
    `subject` names the FQDN, server or site that it is about. `facts` are what `text` says beside that, for
    texts in other languages: `code` and `detail` of what failed, `level` of validation, `until` (RFC 3339), `by` and
    `path` of what took a certificate's place.
    """

    reason: str
    actor: str
    text: str
    action: str = ""
    subject: str = ""
    facts: dict[str, str] = {}


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
    """One site that the certificate was, or should be, installed on.

    Those of one `rollout_id` were asked for together; its `canary` came first. `approved_by` looked at the plan with
    `plan_sha256` before.
    `findings` are kinds of `SiteFinding` that are amiss with it; `there`: what was installed is still served.
    """

    installation_id: str
    server_id: str
    site_id: str
    status: str  # queued, requested, installed, failed, not_begun
    csr_version: int
    requested_at: str
    finished_at: str | None = None
    served_serial: str = ""
    reason: str = ""
    code: str = ""  # of the reason, where it has one
    rollout_id: str = ""
    canary: bool = False
    plan_id: str = ""
    plan_sha256: str = ""
    approved_by: str = ""
    findings: list[str] = []
    there: bool = True


class RenewalSuggestion(View):
    """When an issuer wants its certificate replaced. `explanation_url` is an https page of it, or empty."""

    start: str
    end: str
    explanation_url: str = ""


class OrderView(View):
    """An order as its customer sees it. `amount` is in minor units of `currency`.

    `status` and `allowed_actions` are those of ARCHITECTURE §4: `complete_payment`, `cancel`, `generate_request`,
    `request_invoice`, `domain_control_validation`, `replace_csr`, `auto_install`, `save`, `installation_check`,
    `renew`, `reissue`, `revoke`; operators have `validate_organization` and `reject`. `renewable_from` is when `renew`
    begins to be allowed, None when it never is. `reissue_at` is when the newest certificate is to be replaced inside
    its term, None when it is not; `suggested` is what its issuer says of that, where it is another CA (RFC 9773).
    `key_reused`: the key of the newest CSR was in an earlier one.
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
    renewable_from: str | None = None
    reissue_at: str | None = None
    suggested: RenewalSuggestion | None = None
    last_failure: str = ""
    last_failure_code: str = ""
    channel: str = ""  # acme when an ACME client ordered, else empty
    key_reused: bool = False


class OrderSummary(View):
    """A row of the orders list. Operators find no `allowed_actions` here: they look at an order before they act."""

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


class OrderCounts(View):
    """`by_status` has every status word, those that nothing is in too."""

    total: int
    by_status: dict[str, int]


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
    problem_codes: list[str] = []  # of the problems, in their order
    warnings: list[str] = []  # what speaks against it without forbidding it
    warning_codes: list[str] = []


class HistoryEntry(View):
    """One event of an order's history, with who did it and a sentence for people.

    `actor_kind` is person, token (a program with a person's API token), agent, acme (an ACME client) or system (a
    service of ours).
    """

    event_id: str
    version: int
    type: str
    occurred_at: str
    actor: str
    summary: str
    data: dict[str, Any]
    actor_kind: str = "system"


class CertificateFile(View):
    """A certificate to download. `chain_pem` holds the issuers, leaf's issuer first; the root is left out."""

    serial: str
    pem: str
    chain_pem: str
    root_pem: str = ""
    common_name: str = ""
    number: int = 0  # of the order
