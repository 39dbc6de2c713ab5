# SPDX-License-Identifier: Apache-2.0
"""The inventory: one certificate, many places, however it came to be known."""

from __future__ import annotations

from shared.contracts.base import Done, Page, Permission, Request, View, command, query

SERVICE = "discovery"


class Place(View):
    """Where a certificate was seen. `source`: issued, agent, scan or uploaded. A scan tells the address, the port and,
    as `site_name`, the name that it asked for; issued and uploaded say no more than that."""

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

    `self_signed`: its issuer and its subject are the same name. `brand` is who issued it, as people call them, and
    `level` DV, OV, IV or EV by the policies that it names; both are empty where nothing says so. `bookmarked`: somebody
    took it over from a scan. `owner` and `tags` are the account's own words. `pem`, `chain_pem` (what stands above the
    certificate) and `details` are in the answer about one certificate only, and only where the bytes are known.
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
    brand: str = ""
    level: str = ""
    spki_sha256: str = ""
    bookmarked: bool = False
    owner: str = ""
    tags: list[str] = []
    chain_pem: str = ""


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
    """`search` (FQDN, subject, issuer, owner, tags), `own` (issued through Certwright), `self_signed`, `form`,
    `expired`, `server_id`, `fingerprint` (SHA-256, up to 200 of them), `brand`, `level` (DV, OV, IV, EV), `key` (such
    as `rsa 2048`), `source` (issued, agent, scan, uploaded), `bookmarked`, `spki_sha256` (every certificate of one key)
    and `expires_within_days`, which lets expired ones through too, narrow it. `reused`: its key is in another
    certificate too. `search` finds text anywhere in these words, whatever its case.

    `sort` is not_after, not_before, common_name, subject, issuer or last_seen_at, descending with a leading `-`. Turn
    pages by `cursor` (by expiry, soonest first, only) or by `offset`. `total` false: the answer does not count.
    """

    search: str | None = None
    expires_within_days: int | None = None
    server_id: str | None = None
    own: bool | None = None
    form: str | None = None
    expired: bool | None = None
    self_signed: bool | None = None
    fingerprint: list[str] = []
    brand: str | None = None
    level: str | None = None
    key: str | None = None
    source: str | None = None
    bookmarked: bool | None = None
    spki_sha256: str | None = None
    reused: bool | None = None
    sort: str = "not_after"
    offset: int = 0
    limit: int = 50
    cursor: str | None = None
    total: bool = True


@query(SERVICE, Permission.VIEW)
class GetInventoryCertificate(Request[InventoryCertificate]):
    """One certificate of the inventory."""

    fingerprint_sha256: str


@query(SERVICE, Permission.VIEW)
class CountExpiring(Request[Expiring]):
    """How many certificates end within 30, 60, 90 and 180 days. What has expired already is not counted."""


class InventoryWords(View):
    """What the filters of the inventory can be set to, each list in the order of the alphabet."""

    brands: list[str]
    levels: list[str]
    keys: list[str]


@query(SERVICE, Permission.VIEW)
class GetInventoryWords(Request[InventoryWords]):
    """The issuers' brands, validation levels and keys that the account's certificates have."""


@command(SERVICE, Permission.CREATE_ORDER)
class BookmarkCertificates(Request[Done]):
    """Takes certificates of the inventory over: they stand on the sites pane with a flag. Errors: not_found."""

    fingerprints: list[str]


@command(SERVICE, Permission.CREATE_ORDER)
class RemoveBookmark(Request[Done]):
    """Takes the flag away; a certificate that only scans know leaves the inventory. Errors: not_found."""

    fingerprint_sha256: str


@command(SERVICE, Permission.CREATE_ORDER)
class DescribeCertificate(Request[InventoryCertificate]):
    """Who looks after a certificate, and the account's own words for it. Errors: not_found, invalid."""

    fingerprint_sha256: str
    owner: str = ""
    tags: list[str] = []


class UploadedCertificate(View):
    """A certificate of an upload. `known`: the account had it already, whoever told of it."""

    fingerprint_sha256: str
    common_name: str
    names: list[str]
    not_after: str
    known: bool


class UploadedCertificates(View):
    """What an upload held, in its order. Issuers that came along are the chain of what they issued."""

    items: list[UploadedCertificate]


@command(SERVICE, Permission.CREATE_ORDER)
class UploadCertificates(Request[UploadedCertificates]):
    """Takes certificates into the inventory that no agent and no scan sees. `content` is PEM with one or many, or
    base64 of one in DER or of PKCS#7; all of it is taken over or nothing. A private key among it is refused, and
    neither stored nor logged. The same again changes nothing. Errors: invalid."""

    content: str


@command(SERVICE, Permission.CREATE_ORDER)
class RemoveUpload(Request[Done]):
    """Takes an upload back. What an issuance, an agent or a scan tells of stays in the inventory. Errors: not_found."""

    fingerprint_sha256: str
