# SPDX-License-Identifier: Apache-2.0
"""The inventory: one certificate, many places, however it came to be known."""

from __future__ import annotations

from shared.contracts.base import Page, Permission, Request, View, query
from shared.eventsourcing.event import Event, event

SERVICE = "discovery"


class Place(View):
    """Where a certificate was seen. `source`: issued or agent."""

    source: str
    seen_at: str
    server_id: str = ""
    site_id: str = ""
    site_name: str = ""
    address: str = ""
    port: int = 0


class CertificateDetails(View):
    """What the certificate's own bytes say beyond its names and dates. `key_size` in bits, `curve` for ECDSA."""

    fingerprint_sha1: str
    spki_sha256: str
    signature_hash: str
    key_kind: str
    key_size: int
    curve: str
    organization: str


class InventoryCertificate(View):
    """A certificate known to the account, keyed by SHA-256. `form`: single, wildcard, multi_domain.

    `self_signed`: its issuer and its subject are the same name. `pem` and `details` stand in the answer about one
    certificate only, and only where its bytes are known.
    """

    fingerprint_sha256: str
    serial: str
    common_name: str
    names: list[str]
    subject: str
    issuer: str
    not_before: str
    not_after: str
    days_left: int
    own: bool  # issued through Certwright
    form: str
    key_algorithm: str
    first_seen_at: str
    last_seen_at: str
    places: list[Place]
    order_id: str = ""
    pem: str = ""
    self_signed: bool = False
    details: CertificateDetails | None = None


class ExpiringCount(View):
    """How many certificates end within so many days: issued through Certwright, self-signed, of other issuers."""

    days: int
    own: int
    self_signed: int
    other: int


class Expiring(View):
    """The counts by window, the shortest first. A longer window holds what the shorter ones hold."""

    items: list[ExpiringCount]


@query(SERVICE, Permission.VIEW)
class ListInventory(Request[Page[InventoryCertificate]]):
    """`search` (FQDN, subject, issuer), `own` (issued through Certwright), `self_signed`, `form`, `expired`,
    `server_id`, `fingerprint` (SHA-256, up to 200 of them) and `expires_within_days`, which lets expired ones through
    too, narrow it.

    `sort` is not_after, not_before, common_name, subject, issuer or last_seen_at, descending with a leading `-`. Turn
    pages by `cursor` (by expiry, soonest first, only) or by `offset`.
    """

    search: str | None = None
    expires_within_days: int | None = None
    server_id: str | None = None
    own: bool | None = None
    form: str | None = None
    expired: bool | None = None
    self_signed: bool | None = None
    fingerprint: list[str] = []
    sort: str = "not_after"
    offset: int = 0
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetInventoryCertificate(Request[InventoryCertificate]):
    """One certificate of the inventory."""

    fingerprint_sha256: str


@query(SERVICE, Permission.VIEW)
class CountExpiring(Request[Expiring]):
    """How many certificates end within 30, 60, 90 and 180 days. What has expired already is not counted."""


@event("discovery.CertDiscovered")
class CertDiscovered(Event):
    """A certificate that this account did not know yet."""

    account_id: str
    fingerprint_sha256: str
    serial: str
    not_after: str
    source: str
