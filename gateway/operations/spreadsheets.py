# SPDX-License-Identifier: Apache-2.0
"""Lists as files for spreadsheets and calendars: the parameters of the list, all of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import calendar_file
from gateway.operations.billing import SHOP
from gateway.operations.certificates import CERTIFICATES, EVENTS
from gateway.operations.discovery import DISCOVERY
from gateway.operations.installer import SERVERS
from gateway.operations.orders import ORDERS
from gateway.route import Route
from gateway.spreadsheet import MEDIA, Column, fixed, money, sheet
from shared.contracts import alerts, billing, discovery, installer, orders
from shared.contracts.base import Request


def _field(name: str) -> Column:
    return Column(name, lambda item: getattr(item, name))


def _fields(*names: str) -> tuple[Column, ...]:
    return tuple(_field(name) for name in names)


def _places(found: discovery.InventoryCertificate) -> list[str]:
    return [f"{one.site_name} {one.address}:{one.port}".strip() for one in found.places if one.port]


def _bindings(site: installer.ListedSite) -> list[str]:
    return [f"{one.address}:{one.port}{' TLS' if one.tls else ''}" for one in site.bindings]


def _served(site: installer.ListedSite) -> installer.ServedCertificate | None:
    return next((one.certificate for one in site.bindings if one.certificate is not None), None)


def _of_served(name: str) -> Any:
    def value(site: installer.ListedSite) -> str:
        served = _served(site)
        return getattr(served, name) if served is not None else ""

    return value


ORDER_COLUMNS = (
    *_fields("number", "order_id", "kind", "product", "product_name", "common_name", "names", "status", "placed_at"),
    _field("expires_at"),
    Column("amount", lambda order: money(order.amount)),
    _field("currency"),
)
CERTIFICATE_COLUMNS = (
    *_fields("common_name", "names", "subject", "issuer", "serial", "fingerprint_sha256", "not_before", "not_after"),
    *_fields("days_left", "own", "self_signed", "form", "key_algorithm", "first_seen_at", "last_seen_at", "order_id"),
    *_fields("brand", "level", "spki_sha256", "bookmarked", "owner", "tags"),
    Column("places", _places),
)
SITE_COLUMNS = (
    *_fields("server_name", "web_server", "name", "names"),
    Column("bindings", _bindings),
    Column("certificate", _of_served("subject")),
    Column("certificate_issuer", _of_served("issuer")),
    Column("certificate_serial", _of_served("serial")),
    Column("certificate_not_after", _of_served("not_after")),
    *_fields("document_root", "config_path", "writable", "reason", "last_reported_at", "server_id", "site_id"),
)
FACTS = ("common_name", "names", "subject", "issuer", "brand", "level", "serial", "fingerprint_sha256", "not_before",
    "not_after", "days_left", "own", "self_signed", "key_algorithm")  # fmt: skip


def _of_certificate(name: str) -> Column:
    return Column(name, lambda result: getattr(result.certificate, name))


RESULT_COLUMNS = (
    *_fields("address", "port", "name", "state"),
    *(_of_certificate(name) for name in FACTS),
    *_fields("protocol", "starttls", "proved", "previous_sha256"),
)
STATEMENT_COLUMNS = (
    *_fields("at", "text"),
    Column("amount", lambda entry: money(entry.amount)),
    Column("balance", lambda entry: money(entry.balance)),
    *_fields("currency", "order_id", "id"),
)
AUDIT_COLUMNS = _fields("position", "at", "actor", "type", "subject", "summary", "remote_address", "account_id")


def _file(path: str, request: type[Request[Any]], tag: str, name: str, columns: Sequence[Column]) -> Route:
    return Route(
        method="GET",
        path=path,
        request=request,
        tag=tag,
        name=f"export_{name}",
        summary="The list as a CSV file, at most 100,000 rows",
        fixed=fixed(request),
        call=sheet(name, columns),
        media=MEDIA,
    )


ROUTES = (
    _file("/api/v1/orders.csv", orders.ListOrders, ORDERS, "orders", ORDER_COLUMNS),
    _file("/api/v1/certificates.csv", discovery.ListInventory, CERTIFICATES, "certificates", CERTIFICATE_COLUMNS),
    Route(
        method="GET",
        path="/api/v1/certificates.ics",
        request=discovery.ListInventory,
        tag=CERTIFICATES,
        name="export_certificate_ends",
        summary="When certificates end, as a calendar file; those that have ended are not in it",
        fixed=fixed(discovery.ListInventory, expired=False),
        call=calendar_file.export,
        media=calendar_file.MEDIA,
    ),
    _file("/api/v1/sites.csv", installer.ListSites, SERVERS, "sites", SITE_COLUMNS),
    _file("/api/v1/scans/{scan_id}/results.csv", discovery.ListScanResults, DISCOVERY, "scan_results", RESULT_COLUMNS),
    _file("/api/v1/statement.csv", billing.ListStatement, SHOP, "statement", STATEMENT_COLUMNS),
    _file("/api/v1/audit.csv", alerts.ListAudit, EVENTS, "audit", AUDIT_COLUMNS),
)
