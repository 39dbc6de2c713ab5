# SPDX-License-Identifier: Apache-2.0
"""What feeds the inventory, and who reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from services.discovery.model.sighting import FORMS, Sighting, read_pem, read_served, stream
from services.discovery.projections.inventory import (
    Seen,
    add_place,
    bookmark,
    describe,
    drop_if_only_scanned,
    find_certificate,
    is_newer_report,
    known_of,
    remember,
    replace_places,
    rsa_certificates,
    servers_of_agent,
    views,
)
from services.discovery.projections.many import see_certificates
from services.discovery.projections.selection import BY_EXPIRY, SORTS, count_expiring, list_inventory, words
from shared.checker.shared_primes import modulus_of
from shared.clock import derived_id, to_text
from shared.context import Context
from shared.contracts import installer, orders
from shared.contracts.base import Done, Page
from shared.contracts.discovery import (
    BookmarkCertificates,
    CertDiscovered,
    CertsDiscovered,
    CountExpiring,
    DescribeCertificate,
    Expiring,
    ExpiringCount,
    GetInventoryCertificate,
    GetInventoryWords,
    InventoryCertificate,
    InventoryWords,
    ListInventory,
    Place,
    RemoveBookmark,
    SeenFirst,
)
from shared.contracts.paging import cursor_at, ordering, pair_after
from shared.contracts.tenancy import account_of
from shared.errors import invalid, not_found
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

MAX_PAGE = 200
MOST_TOLD = 500  # certificates in one event
MAX_TAGS, MAX_WORD = 20, 60
LEVELS = ("DV", "OV", "IV", "EV")
SOURCES = ("issued", "agent", "scan", "uploaded")
WINDOWS = (30, 60, 90, 180)  # days: the bars of the chart "Expiring certificates"
KEYS_AT_ONCE = 1000  # some tens of milliseconds of arithmetic for a check
GONE = 2**62  # newer than any report: a removed agent reports no more, and what it said before says nothing


def on_cert_issued(uow: UnitOfWork, envelope: Envelope[orders.CertIssued]) -> None:
    """Our own certificates are in the inventory from the moment of issuance."""
    event = envelope.data
    sighting = read_pem(event.certificate_pem)
    if sighting is None:
        raise ValueError(f"certificate {event.serial} of order {event.order_id} cannot be read")
    take_in(uow, event.account_id, sighting, envelope.occurred_at, "issued", order_id=event.order_id)
    place = Place(source="issued", seen_at=envelope.occurred_at)
    place_id = derived_id("issued", event.account_id, sighting.fingerprint)
    add_place(uow.connection, place_id, event.account_id, sighting.fingerprint, place)


def on_sites_reported(uow: UnitOfWork, envelope: Envelope[installer.SitesReported]) -> None:
    """What a server serves now replaces what it served before; sites that are gone are places no more."""
    event = envelope.data
    uow.lock(f"server-{event.server_id}")
    if not is_newer_report(uow.connection, event.server_id, event.agent_id, envelope.version):
        return
    seen: list[tuple[str, Seen]] = []
    for site in event.sites:
        for binding in site.bindings:
            sighting = read_served(binding.certificate) if binding.certificate else None
            if sighting is None:
                continue
            place = Place(
                source="agent",
                seen_at=envelope.occurred_at,
                server_id=event.server_id,
                site_id=site.site_id,
                site_name=site.name,
                address=binding.address,
                port=binding.port,
            )
            parts = (event.server_id, site.site_id, binding.address, str(binding.port), sighting.fingerprint)
            seen.append((derived_id("agent", *parts), Seen(sighting, place)))
    for _, each in seen:
        take_in(uow, event.account_id, each.sighting, envelope.occurred_at, "agent")
    replace_places(uow.connection, event.server_id, event.account_id, seen)


def on_agent_removed(uow: UnitOfWork, envelope: Envelope[installer.AgentRemoved]) -> None:
    """Nobody looks at its servers any more."""
    event = envelope.data
    for server_id in servers_of_agent(uow.connection, event.agent_id):
        uow.lock(f"server-{server_id}")
        is_newer_report(uow.connection, server_id, event.agent_id, GONE)
        replace_places(uow.connection, server_id, event.account_id, [])


def take_in(
    uow: UnitOfWork,
    account_id: str,
    sighting: Sighting,
    at: str,
    source: str,
    *,
    order_id: str | None = None,
    chain_pem: str = "",
) -> None:
    """Takes a certificate into the inventory, and tells when it is new there."""
    if remember(uow.connection, account_id, sighting, at, order_id=order_id, chain_pem=chain_pem):
        # It may have been in the inventory before and taken out.
        uow.append_anywhere(stream(account_id, sighting.fingerprint), _discovered(account_id, sighting, source))


def take_in_many(
    uow: UnitOfWork, scan: tuple[str, str], seen: Mapping[str, tuple[Sighting, str]], at: str, source: str
) -> None:
    """The same for what a scan found, certificates by fingerprint, each with the PEM of its chain; told in one event
    for hundreds of them. `scan` is its id and its account."""
    scan_id, account_id = scan
    new = see_certificates(uow.connection, account_id, seen, at)
    facts = [SeenFirst(fingerprint_sha256=one.fingerprint, serial=one.serial, not_after=one.not_after) for one in new]
    told = (facts[start : start + MOST_TOLD] for start in range(0, len(facts), MOST_TOLD))
    about = {"account_id": account_id, "scan_id": scan_id, "source": source}
    events = [CertsDiscovered(**about, count=len(some), certificates=some) for some in told]
    if events:
        uow.append_anywhere(f"scan-{scan_id}", *events)


def _discovered(account_id: str, sighting: Sighting, source: str) -> CertDiscovered:
    return CertDiscovered(
        account_id=account_id,
        fingerprint_sha256=sighting.fingerprint,
        serial=sighting.serial,
        not_after=sighting.not_after,
        source=source,
    )


def bookmark_certificates(uow: UnitOfWork, request: BookmarkCertificates) -> Done:
    """The flag of the sites pane. Errors: not_found, invalid."""
    account_id = account_of(uow.context)
    wanted = [one.lower() for one in request.fingerprints]
    if not 1 <= len(wanted) <= MAX_PAGE:
        raise invalid(f"Give 1 to {MAX_PAGE} fingerprints.", "/fingerprints")
    if known_of(uow.connection, account_id, wanted) != set(wanted):
        raise not_found("certificate")
    bookmark(uow.connection, account_id, wanted, True)
    return Done()


def remove_bookmark(uow: UnitOfWork, request: RemoveBookmark) -> Done:
    """Away with the flag, and with what only scans know. Errors: not_found."""
    account_id = account_of(uow.context)
    fingerprint = request.fingerprint_sha256.lower()
    row = find_certificate(uow.connection, account_id, fingerprint)
    if row is None or not row.bookmarked:
        raise not_found("bookmark")
    bookmark(uow.connection, account_id, [fingerprint], False)
    drop_if_only_scanned(uow.connection, account_id, fingerprint)
    return Done(id=fingerprint)


def describe_certificate(uow: UnitOfWork, request: DescribeCertificate) -> InventoryCertificate:
    """The account's own words. Errors: not_found, invalid."""
    account_id = account_of(uow.context)
    fingerprint = request.fingerprint_sha256.lower()
    known = find_certificate(uow.connection, account_id, fingerprint)
    if known is None:
        raise not_found("certificate")
    owner = request.owner.strip()
    if len(owner) > MAX_WORD or not owner.isprintable():
        raise invalid(f"An owner has at most {MAX_WORD} characters, on one line.", "/owner")
    tags = list(dict.fromkeys(tag.strip() for tag in request.tags if tag.strip()))
    if len(tags) > MAX_TAGS:
        raise invalid(f"Give at most {MAX_TAGS} tags.", "/tags")
    for number, tag in enumerate(request.tags):
        if len(tag.strip()) > MAX_WORD or not tag.isprintable():
            raise invalid(f"A tag has at most {MAX_WORD} characters, on one line.", f"/tags/{number}")
    describe(uow.connection, known, owner, tags)
    row = find_certificate(uow.connection, account_id, fingerprint)
    return views(uow.connection, account_id, [row] if row is not None else [], uow.now, with_pem=True)[0]


# --- queries -------------------------------------------------------------------------------------------------------


def inventory(room: Room, request: ListInventory, context: Context) -> Page[InventoryCertificate]:
    """One page in the order that was asked for. Errors: invalid, forbidden."""
    account_id = account_of(context)
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} certificates.", "/limit")
    days = request.expires_within_days
    if days is not None and not 0 <= days <= 3660:
        raise invalid("Give 0 to 3660 days.", "/expires_within_days")
    if request.form not in {None, *FORMS}:
        raise invalid(f"The form is one of {', '.join(FORMS)}.", "/form")
    if request.level not in {None, *LEVELS}:
        raise invalid(f"The level is one of {', '.join(LEVELS)}.", "/level")
    if request.source not in {None, *SOURCES}:
        raise invalid(f"The source is one of {', '.join(SOURCES)}.", "/source")
    if len(request.fingerprint) > MAX_PAGE:
        raise invalid(f"Give up to {MAX_PAGE} fingerprints.", "/fingerprint")
    place = ordering(request.sort, request.offset, request.cursor, keys=SORTS, default=BY_EXPIRY)
    now = room.clock.now()
    until = None if days is None else to_text(now + timedelta(days=days))
    after = pair_after(request.cursor) if request.cursor is not None else None
    with room.query() as connection:
        rows, total = list_inventory(connection, account_id, request, place, now=to_text(now), until=until, after=after)
        shown = rows[: request.limit]
        items = views(connection, account_id, shown, now, with_pem=False)
    more = len(rows) > request.limit and request.sort == BY_EXPIRY
    cursor = cursor_at(shown[-1].not_after, shown[-1].fingerprint) if more else None
    return Page(items=items, next_cursor=cursor, total=total)


def expiring(room: Room, _request: CountExpiring, context: Context) -> Expiring:
    """The counts by window. Errors: forbidden."""
    account_id = account_of(context)
    now = room.clock.now()
    until = [to_text(now + timedelta(days=days)) for days in WINDOWS]
    with room.query() as connection:
        counts = count_expiring(connection, account_id, to_text(now), until)
    return Expiring(
        items=[
            ExpiringCount(days=days, own=own, self_signed=self_signed, other=other)
            for days, (own, self_signed, other) in zip(WINDOWS, counts, strict=True)
        ]
    )


def inventory_certificate(room: Room, request: GetInventoryCertificate, context: Context) -> InventoryCertificate:
    """One certificate with its PEM. Errors: not_found, forbidden."""
    account_id = account_of(context)
    with room.query() as connection:
        row = find_certificate(connection, account_id, request.fingerprint_sha256.lower())
        if row is None:
            raise not_found("certificate")
        return views(connection, account_id, [row], room.clock.now(), with_pem=True)[0]


def inventory_words(room: Room, _request: GetInventoryWords, context: Context) -> InventoryWords:
    """What the filters can be set to. Errors: forbidden."""
    account_id = account_of(context)
    with room.query() as connection:
        brands, levels, keys = words(connection, account_id)
    return InventoryWords(brands=brands, levels=levels, keys=keys)


def moduli(room: Room, context: Context) -> Iterator[int]:
    """The RSA keys of the account's inventory, read a page at a time: in between, others have their turn. Errors:
    forbidden."""
    account_id, after = account_of(context), ""
    while True:
        with room.query() as connection:
            page = rsa_certificates(connection, account_id, after, KEYS_AT_ONCE)
        yield from filter(None, (modulus_of(pem) for _, pem in page))
        if len(page) < KEYS_AT_ONCE:
            return
        after = page[-1][0]
        time.sleep(0)
