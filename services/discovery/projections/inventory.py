# SPDX-License-Identifier: Apache-2.0
"""Writing the inventory's tables, and showing their rows; `selection` chooses the rows of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.discovery.model.sighting import Sighting, days_left, details_of
from services.discovery.projections.rows import insert_certificates, keep_bytes, words_of
from services.discovery.tables import ON_A_SERVER, certificate_bytes, certificate_words, certificates, places, reports
from shared.contracts.discovery import InventoryCertificate, Place


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
        facts = ("key_algorithm", "brand", "level", "spki")
        change |= {name: getattr(sighting, name) for name in facts}
    if connection.execute(sa.update(certificates).where(mine).values(**change)).rowcount:
        keep_bytes(connection, account_id, [(sighting, chain_pem)])
        return False
    insert_certificates(connection, account_id, [sighting], at, order_id=order_id)
    keep_bytes(connection, account_id, [(sighting, chain_pem)])
    return True


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
    connection.execute(
        sa.delete(places).where(places.c.server_id == server_id, places.c.account_id == account_id, ON_A_SERVER)
    )
    for place_id, each in seen:
        add_place(connection, place_id, account_id, each.sighting.fingerprint, each.place)


def rsa_certificates(connection: sa.Connection, account_id: str, after: str, limit: int) -> list[tuple[str, str]]:
    """Fingerprint and PEM of the account's certificates with RSA keys, from a fingerprint on."""
    chosen = (
        sa.select(certificates.c.fingerprint, certificate_bytes.c.pem)
        .join(
            certificate_bytes,
            sa.and_(
                certificate_bytes.c.account_id == certificates.c.account_id,
                certificate_bytes.c.fingerprint == certificates.c.fingerprint,
            ),
        )
        .where(certificates.c.account_id == account_id, certificates.c.fingerprint > after)
        .where(certificates.c.key_algorithm.startswith("rsa"))
        .order_by(certificates.c.fingerprint)
        .limit(limit)
    )
    return [(row.fingerprint, row.pem) for row in connection.execute(chosen)]


def servers_of_agent(connection: sa.Connection, agent_id: str) -> list[str]:
    """The servers that an agent ever reported."""
    return list(connection.execute(sa.select(reports.c.server_id).where(reports.c.agent_id == agent_id)).scalars())


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
    mine = _is(row.account_id, row.fingerprint)
    connection.execute(sa.update(certificates).where(mine).values(owner=owner, tags=list(tags)))
    said = words_of(row.names, row.common_name, row.subject, row.issuer, owner, *tags)
    here = _is(row.account_id, row.fingerprint, certificate_words)
    connection.execute(sa.update(certificate_words).where(here).values(words=said))


def drop_if_only_scanned(connection: sa.Connection, account_id: str, fingerprint: str) -> None:
    """Takes a certificate out of the inventory that neither an issuance, an agent nor an upload told of."""
    here = sa.and_(places.c.account_id == account_id, places.c.fingerprint == fingerprint)
    known = sa.select(places.c.id).where(here, places.c.source != "scan").limit(1)
    if connection.execute(known).first() is None:
        connection.execute(sa.delete(places).where(here))
        _drop(connection, account_id, fingerprint)


def drop_if_unseen(connection: sa.Connection, account_id: str, fingerprint: str) -> None:
    """Takes a certificate out of the inventory that nobody tells of any more, unless somebody set a flag on it."""
    here = sa.and_(places.c.account_id == account_id, places.c.fingerprint == fingerprint)
    if connection.execute(sa.select(places.c.id).where(here).limit(1)).first() is not None:
        return
    flagged = sa.select(certificates.c.bookmarked).where(_is(account_id, fingerprint))
    if not connection.execute(flagged).scalar():
        _drop(connection, account_id, fingerprint)


def _drop(connection: sa.Connection, account_id: str, fingerprint: str) -> None:
    gone = sa.delete(certificates).where(_is(account_id, fingerprint), certificates.c.own.is_(sa.false()))
    if connection.execute(gone).rowcount:
        for table in (certificate_bytes, certificate_words):
            connection.execute(sa.delete(table).where(_is(account_id, fingerprint, table)))


def remove_place(connection: sa.Connection, place_id: str) -> bool:
    """Nothing stands there any more. False when nothing did."""
    return connection.execute(sa.delete(places).where(places.c.id == place_id)).rowcount > 0


def find_certificate(connection: sa.Connection, account_id: str, fingerprint: str) -> sa.Row[Any] | None:
    """One certificate of an account."""
    return connection.execute(sa.select(certificates).where(_is(account_id, fingerprint))).first()


def views(
    connection: sa.Connection, account_id: str, rows: Sequence[sa.Row[Any]], now: datetime, *, with_pem: bool
) -> list[InventoryCertificate]:
    """The rows as people see them, with the places of each."""
    bytes_of = _bytes_of(connection, account_id, [row.fingerprint for row in rows]) if with_pem else {}
    found: dict[str, list[Place]] = {row.fingerprint: [] for row in rows}
    chosen = sa.select(places).where(places.c.account_id == account_id, places.c.fingerprint.in_(found))
    for place in sorted(connection.execute(chosen), key=lambda row: (row.source, row.site_name, row.id)):
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
            pem=(pem := bytes_of.get(row.fingerprint, ("", ""))[0]),
            self_signed=row.self_signed,
            details=details_of(pem) if pem else None,
            brand=row.brand,
            level=row.level,
            spki_sha256=row.spki,
            bookmarked=row.bookmarked,
            owner=row.owner,
            tags=row.tags,
            chain_pem=bytes_of.get(row.fingerprint, ("", ""))[1],
        )
        for row in rows
    ]


def _bytes_of(connection: sa.Connection, account_id: str, fingerprints: Sequence[str]) -> dict[str, tuple[str, str]]:
    mine = sa.and_(certificate_bytes.c.account_id == account_id, certificate_bytes.c.fingerprint.in_(fingerprints))
    rows = connection.execute(sa.select(certificate_bytes).where(mine))
    return {row.fingerprint: (row.pem, row.chain_pem) for row in rows}


def _is(account_id: str, fingerprint: str, table: sa.Table = certificates) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.account_id == account_id, table.c.fingerprint == fingerprint)
