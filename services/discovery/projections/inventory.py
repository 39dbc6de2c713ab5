# SPDX-License-Identifier: Apache-2.0
"""Reading and writing the inventory's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.discovery.model.sighting import Sighting, days_left, details_of, form_of
from services.discovery.tables import certificates, places, reports
from shared.contracts.discovery import InventoryCertificate, ListInventory, Place
from shared.contracts.paging import Ordering

SORTS: dict[str, sa.Column[str]] = {
    "not_after": certificates.c.not_after,
    "not_before": certificates.c.not_before,
    "common_name": certificates.c.common_name,
    "subject": certificates.c.subject,
    "issuer": certificates.c.issuer,
    "last_seen_at": certificates.c.last_seen_at,
}
SELF_SIGNED = certificates.c.issuer == certificates.c.subject


class Seen(NamedTuple):
    """A certificate at a place."""

    sighting: Sighting
    place: Place


def remember(
    connection: sa.Connection,
    account_id: str,
    sighting: Sighting,
    at: str,
    *,
    order_id: str | None = None,
    chain_pem: str = "",
) -> bool:
    """Takes a certificate into the inventory; True when the account did not know it. `order_id` marks it as our own."""
    own = order_id is not None
    mine = _is(account_id, sighting.fingerprint)
    first, last = certificates.c.first_seen_at, certificates.c.last_seen_at
    change: dict[str, Any] = {
        # Messages may come in any order; the dates only ever widen.
        "first_seen_at": sa.case((first > at, at), else_=first),
        "last_seen_at": sa.case((last < at, at), else_=last),
    }
    if own:
        change |= {"own": True, "order_id": order_id}
    if sighting.pem:
        change |= {"pem": sighting.pem, "key_algorithm": sighting.key_algorithm, **_of_bytes(sighting)}
    if chain_pem:
        change["chain_pem"] = chain_pem
    if connection.execute(sa.update(certificates).where(mine).values(**change)).rowcount:
        return False
    for table, row in rows_of(account_id, sighting, at, order_id=order_id, chain_pem=chain_pem).items():
        connection.execute(sa.insert(table), row)
    return True


def rows_of(
    account_id: str, sighting: Sighting, at: str, *, order_id: str | None = None, chain_pem: str = ""
) -> dict[sa.Table, dict[str, Any]]:
    """A certificate that the account did not know, as rows of the tables that hold it."""
    row = {
        "account_id": account_id,
        "fingerprint": sighting.fingerprint,
        "serial": sighting.serial,
        "common_name": sighting.common_name,
        "names": list(sighting.names),
        "subject": sighting.subject,
        "issuer": sighting.issuer,
        "not_before": sighting.not_before,
        "not_after": sighting.not_after,
        "form": form_of(sighting.names),
        "key_algorithm": sighting.key_algorithm,
        "own": order_id is not None,
        "order_id": order_id or "",
        "pem": sighting.pem,
        "chain_pem": chain_pem,
        **_of_bytes(sighting),
        "search": _search_text((*sighting.names, sighting.common_name, sighting.subject, sighting.issuer)),
        "first_seen_at": at,
        "last_seen_at": at,
    }
    return {certificates: row}


def _search_text(words: Iterable[str]) -> str:
    return "\n".join(words).lower()


def _of_bytes(sighting: Sighting) -> dict[str, str]:
    return {"brand": sighting.brand, "level": sighting.level, "spki": sighting.spki}


def add_place(connection: sa.Connection, place_id: str, account_id: str, fingerprint: str, place: Place) -> None:
    """Notes where a certificate was seen; the same `place_id` once."""
    if connection.execute(sa.select(places.c.id).where(places.c.id == place_id)).first() is None:
        row = {"id": place_id, "account_id": account_id, "fingerprint": fingerprint}
        fields = {name: getattr(place, name) for name in Place.__struct_fields__}
        connection.execute(sa.insert(places), {**row, **fields})


def is_newer_report(connection: sa.Connection, server_id: str, agent_id: str, version: int) -> bool:
    """Whether a server's report is newer than the last one taken over; if so, it is the last one from now on."""
    known = connection.execute(sa.select(reports.c.version).where(reports.c.server_id == server_id)).scalar()
    if known is None:
        connection.execute(sa.insert(reports), {"server_id": server_id, "agent_id": agent_id, "version": version})
        return True
    if version <= known:
        return False
    connection.execute(sa.update(reports).where(reports.c.server_id == server_id).values(version=version))
    return True


def replace_places(
    connection: sa.Connection, server_id: str, account_id: str, seen: Iterable[tuple[str, Seen]]
) -> None:
    """What a server serves now, instead of what it served before; each with the id of its place."""
    connection.execute(sa.delete(places).where(places.c.server_id == server_id, places.c.account_id == account_id))
    for place_id, each in seen:
        add_place(connection, place_id, account_id, each.sighting.fingerprint, each.place)


def servers_of_agent(connection: sa.Connection, agent_id: str) -> list[str]:
    """The servers that an agent ever reported."""
    return list(connection.execute(sa.select(reports.c.server_id).where(reports.c.agent_id == agent_id)).scalars())


def list_inventory(
    connection: sa.Connection,
    account_id: str,
    request: ListInventory,
    place: Ordering,
    *,
    now: str,
    until: str | None,
    after: tuple[str, str] | None,
) -> tuple[Sequence[sa.Row[Any]], int]:
    """Up to `limit` + 1 rows from a place on, and how many there are on all pages.

    `after` is (not_after, fingerprint) in the order by expiry; `now` decides what has expired.
    """
    conditions: list[sa.ColumnElement[bool]] = [certificates.c.account_id == account_id]
    if request.search:
        conditions.append(certificates.c.search.contains(request.search.strip().lower(), autoescape=True))
    if until is not None:
        conditions.append(certificates.c.not_after <= until)
    if request.own is not None:
        conditions.append(certificates.c.own.is_(request.own))
    if request.form is not None:
        conditions.append(certificates.c.form == request.form)
    if request.expired is not None:
        conditions.append(certificates.c.not_after <= now if request.expired else certificates.c.not_after > now)
    if request.self_signed is not None:
        conditions.append(SELF_SIGNED if request.self_signed else sa.not_(SELF_SIGNED))
    if request.fingerprint:
        conditions.append(certificates.c.fingerprint.in_([one.lower() for one in request.fingerprint]))
    conditions += _words(request, account_id)
    total = connection.execute(sa.select(sa.func.count()).select_from(certificates).where(*conditions)).scalar_one()
    if after is not None:
        end, fingerprint = after
        same = sa.and_(certificates.c.not_after == end, certificates.c.fingerprint > fingerprint)
        conditions.append(sa.or_(certificates.c.not_after > end, same))
    column, tie = SORTS[place.key], certificates.c.fingerprint
    order = (column.desc(), tie.desc()) if place.descending else (column, tie)
    # The page is chosen by its key alone: sorting whole rows would carry every PEM along.
    chosen = sa.select(tie).where(*conditions).order_by(*order).limit(request.limit + 1).offset(place.offset).subquery()
    shown = sa.select(certificates).join(chosen, chosen.c.fingerprint == tie)
    rows = connection.execute(shown.where(certificates.c.account_id == account_id).order_by(*order)).all()
    return rows, total


def _words(request: ListInventory, account_id: str) -> list[sa.ColumnElement[bool]]:
    """The filters by place, issuer, validation level and key."""
    found: list[sa.ColumnElement[bool]] = []
    here = sa.and_(places.c.account_id == account_id, places.c.fingerprint == certificates.c.fingerprint)
    if request.server_id is not None:
        found.append(sa.exists().where(here, places.c.server_id == request.server_id))
    if request.source is not None:
        found.append(sa.exists().where(here, places.c.source == request.source))
    pairs = (
        (certificates.c.brand, request.brand),
        (certificates.c.level, request.level),
        (certificates.c.key_algorithm, request.key),
        (certificates.c.spki, request.spki_sha256 and request.spki_sha256.lower()),
    )
    found += [column == wanted for column, wanted in pairs if wanted is not None]
    if request.bookmarked is not None:
        found.append(certificates.c.bookmarked.is_(request.bookmarked))
    if request.reused is not None:
        other = certificates.alias("other")
        same = sa.and_(
            other.c.account_id == account_id,
            other.c.spki == certificates.c.spki,
            other.c.fingerprint != certificates.c.fingerprint,
        )
        shared = sa.and_(certificates.c.spki != "", sa.exists().where(same))
        found.append(shared if request.reused else sa.not_(shared))
    return found


def words(connection: sa.Connection, account_id: str) -> tuple[list[str], list[str], list[str]]:
    """The brands, levels and keys of an account's certificates."""
    mine = certificates.c.account_id == account_id

    def values(column: sa.Column[str]) -> list[str]:
        return sorted(connection.execute(sa.select(column).where(mine, column != "").distinct()).scalars())

    return values(certificates.c.brand), values(certificates.c.level), values(certificates.c.key_algorithm)


def known_of(connection: sa.Connection, account_id: str, fingerprints: Sequence[str]) -> set[str]:
    """Those of the fingerprints that the account has."""
    mine = sa.select(certificates.c.fingerprint).where(
        certificates.c.account_id == account_id, certificates.c.fingerprint.in_(fingerprints)
    )
    return set(connection.execute(mine).scalars())


def bookmark(connection: sa.Connection, account_id: str, fingerprints: Sequence[str], flag: bool) -> None:
    """Sets the flag of some certificates, or takes it away."""
    mine = sa.and_(certificates.c.account_id == account_id, certificates.c.fingerprint.in_(fingerprints))
    connection.execute(sa.update(certificates).where(mine).values(bookmarked=flag))


def describe(connection: sa.Connection, row: sa.Row[Any], owner: str, tags: Sequence[str]) -> None:
    """Writes down who looks after a certificate, and its tags; both can be searched for."""
    search = _search_text((*row.names, row.common_name, row.subject, row.issuer, owner, *tags))
    mine = _is(row.account_id, row.fingerprint)
    connection.execute(sa.update(certificates).where(mine).values(owner=owner, tags=list(tags), search=search))


def drop_if_only_scanned(connection: sa.Connection, account_id: str, fingerprint: str) -> None:
    """Takes a certificate out of the inventory that neither an issuance nor an agent told of."""
    here = sa.and_(places.c.account_id == account_id, places.c.fingerprint == fingerprint)
    known = sa.select(places.c.id).where(here, places.c.source != "scan").limit(1)
    if connection.execute(known).first() is None:
        connection.execute(sa.delete(places).where(here))
        gone = sa.delete(certificates).where(_is(account_id, fingerprint), certificates.c.own.is_(sa.false()))
        connection.execute(gone)


def remove_place(connection: sa.Connection, place_id: str) -> None:
    """Nothing stands there any more."""
    connection.execute(sa.delete(places).where(places.c.id == place_id))


def count_expiring(connection: sa.Connection, account_id: str, now: str, until: Sequence[str]) -> list[tuple[int, ...]]:
    """For each moment: how many certificates that are good `now` end by then; own, self-signed, of other issuers."""
    own = certificates.c.own
    kinds = (own, sa.and_(sa.not_(own), SELF_SIGNED), sa.and_(sa.not_(own), sa.not_(SELF_SIGNED)))
    counts = [
        sa.func.count(sa.case((sa.and_(certificates.c.not_after <= end, kind), 1))) for end in until for kind in kinds
    ]
    good = (certificates.c.account_id == account_id, certificates.c.not_after > now)
    found = connection.execute(sa.select(*counts).where(*good, certificates.c.not_after <= max(until))).one()
    return [tuple(found[start : start + len(kinds)]) for start in range(0, len(counts), len(kinds))]


def find_certificate(connection: sa.Connection, account_id: str, fingerprint: str) -> sa.Row[Any] | None:
    """One certificate of an account."""
    return connection.execute(sa.select(certificates).where(_is(account_id, fingerprint))).first()


def views(
    connection: sa.Connection, account_id: str, rows: Sequence[sa.Row[Any]], now: datetime, *, with_pem: bool
) -> list[InventoryCertificate]:
    """The rows as people see them, with the places of each."""
    found: dict[str, list[Place]] = {row.fingerprint: [] for row in rows}
    chosen = sa.select(places).where(places.c.account_id == account_id, places.c.fingerprint.in_(found))
    for place in connection.execute(chosen.order_by(places.c.source, places.c.site_name, places.c.id)):
        fields = {name: getattr(place, name) for name in Place.__struct_fields__}
        found[place.fingerprint].append(Place(**fields))
    return [
        InventoryCertificate(
            fingerprint_sha256=row.fingerprint,
            serial=row.serial,
            common_name=row.common_name,
            names=row.names,
            subject=row.subject,
            issuer=row.issuer,
            not_before=row.not_before,
            not_after=row.not_after,
            days_left=days_left(row.not_after, now),
            own=row.own,
            form=row.form,
            key_algorithm=row.key_algorithm,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            places=found[row.fingerprint],
            order_id=row.order_id,
            pem=row.pem if with_pem else "",
            self_signed=row.issuer == row.subject,
            details=details_of(row.pem) if with_pem and row.pem else None,
            brand=row.brand,
            level=row.level,
            spki_sha256=row.spki,
            bookmarked=row.bookmarked,
            owner=row.owner,
            tags=row.tags,
            chain_pem=row.chain_pem if with_pem else "",
        )
        for row in rows
    ]


def _is(account_id: str, fingerprint: str) -> sa.ColumnElement[bool]:
    return sa.and_(certificates.c.account_id == account_id, certificates.c.fingerprint == fingerprint)
