# SPDX-License-Identifier: Apache-2.0
"""What may be asked about certificate orders, and by whom."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query
from shared.contracts.orders.forecast import ForecastView
from shared.contracts.orders.views import (
    CertificateFile,
    HistoryEntry,
    OrderCounts,
    OrderSummary,
    OrderView,
    Organization,
    ParsedCSR,
)

SERVICE = "orders"


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
    """`search` matches number, FQDN and product; `status` is one or more status words with commas between.

    `sort` is number, product, placed_at, expires_at, common_name, status or amount, descending with a leading `-`; what
    has no such value comes last. Turn pages by `cursor` (newest first only) or by `offset`.
    """

    status: str | None = None
    search: str | None = None
    kind: str | None = None
    sort: str = "-number"
    offset: int = 0
    limit: int = 25
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class CountOrders(Request[OrderCounts]):
    """How many orders there are of each status, as far as `search` and `kind` let them through."""

    search: str | None = None
    kind: str | None = None


@query(SERVICE, Permission.VIEW)
class GetForecast(Request[ForecastView]):
    """What the rules known today will ask of the orders in use until a day (such as 2029-12-31, the default).

    With `order_id` only of that order, and step by step. Errors: invalid (until), not_found.
    """

    until: str = "2029-12-31"
    order_id: str | None = None


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


class ApprovedPlan(View):
    """The plan of a site that was looked at: its id and its hash. On a host where it is another one by then, nothing
    is changed.
    """

    site_id: str
    plan_id: str
    plan_sha256: str


@command(SERVICE, Permission.CREATE_ORDER)
class RequestInstallation(Request[OrderView]):
    """Installs the newest certificate on sites of one server.

    Of several sites one is the `canary`, the first where none is named: the others begin when a handshake has shown
    the certificate there, and are not begun when it fails. `plans` binds sites to what was approved for them.
    """

    order_id: str
    server_id: str
    site_ids: list[str]
    canary: str = ""
    plans: list[ApprovedPlan] = []


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
