# SPDX-License-Identifier: Apache-2.0
"""Choosing the rows of the inventory's lists, so that a hundred thousand certificates make little difference.

A page and its count are found by indexes that hold all that they ask for (`tables.py`); whole rows are read for the
page alone. Text is looked for anywhere in a certificate's words: a short table is read through for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from services.discovery.tables import certificate_words, certificates, places
from shared.contracts.discovery import ListInventory
from shared.contracts.paging import Ordering

SORTS: dict[str, sa.Column[str]] = {
    "not_after": certificates.c.not_after,
    "not_before": certificates.c.not_before,
    "common_name": certificates.c.common_name,
    "subject": certificates.c.subject,
    "issuer": certificates.c.issuer,
    "last_seen_at": certificates.c.last_seen_at,
}
BY_EXPIRY = "not_after"
FEW = 2000  # so many fingerprints are named one by one: they are found by their keys, both for the page and the count
Conditions = list[sa.ColumnElement[bool]]
Fingerprints = list[str] | sa.Select[str]


def list_inventory(
    connection: sa.Connection,
    account_id: str,
    request: ListInventory,
    place: Ordering,
    *,
    now: str,
    until: str | None,
    after: tuple[str, str] | None,
) -> tuple[Sequence[sa.Row[Any]], int | None]:
    """Up to `limit` + 1 rows from a place on, and how many there are on all pages (None where nobody asked).

    `after` is (not_after, fingerprint) in the order by expiry; `now` decides what has expired.
    """
    tie, mine = certificates.c.fingerprint, certificates.c.account_id == account_id
    own = _own(request, now=now, until=until)
    if request.reused is not None:
        own.append(_reused(connection, account_id, request.reused))
    sets = _sets(connection, account_id, request)
    conditions = [mine, *own, *(tie.in_(one) for one in sets)]
    if own and place.key != BY_EXPIRY and (few := _few(connection, sa.select(tie).where(*conditions))) is not None:
        own, sets, conditions = [], [few], [mine, tie.in_(few)]
    total = None
    if request.total:
        alone = request.reused is not None and len(own) == 1 and not sets
        total = _count_reused(connection, account_id) if alone else _count(connection, own, sets, account_id)
        if alone and not request.reused:
            total = _count(connection, [], [], account_id) - total
    if after is not None:
        end, fingerprint = after
        conditions.append(certificates.c.not_after >= end)
        conditions.append(sa.or_(certificates.c.not_after > end, tie > fingerprint))
    column = SORTS[place.key]
    order = (column.desc(), tie.desc()) if place.descending else (column, tie)
    chosen = sa.select(tie).where(*conditions)
    if place.key != BY_EXPIRY and own:
        # One index holds what is filtered by, another what is sorted by; neither choice reads a row.
        chosen = sa.select(tie).where(mine, tie.in_(sa.select(chosen.subquery("matching").c.fingerprint)))
    chosen = chosen.order_by(*order).limit(request.limit + 1).offset(place.offset)
    page = list(connection.execute(chosen).scalars())
    # Put in order here: told to, SQLite would walk the whole of the order's index for them.
    shown = sa.select(certificates).where(mine, tie.in_(page))
    rows = {row.fingerprint: row for row in connection.execute(shown)}
    return [rows[fingerprint] for fingerprint in page if fingerprint in rows], total


def _own(request: ListInventory, *, now: str, until: str | None) -> Conditions:
    """What the table of certificates decides by itself."""
    table = certificates.c
    found: Conditions = []
    if until is not None:
        found.append(table.not_after <= until)
    if request.expired is not None:
        found.append(table.not_after <= now if request.expired else table.not_after > now)
    equal: tuple[tuple[sa.Column[Any], Any], ...] = (
        (table.own, request.own),
        (table.self_signed, request.self_signed),
        (table.bookmarked, request.bookmarked),
        (table.form, request.form),
        (table.brand, request.brand),
        (table.level, request.level),
        (table.key_algorithm, request.key),
        (table.spki, request.spki_sha256 and request.spki_sha256.lower()),
    )
    for column, wanted in equal:
        if isinstance(wanted, bool):
            found.append(column.is_(wanted))
        elif wanted is not None:
            found.append(column == wanted)
    if request.fingerprint:
        found.append(table.fingerprint.in_([one.lower() for one in request.fingerprint]))
    return found


def _sets(connection: sa.Connection, account_id: str, request: ListInventory) -> list[Fingerprints]:
    """What other rows decide: the fingerprints that each such filter lets through."""
    found: list[Fingerprints] = []
    if request.search and (text := request.search.strip().lower()):
        said = saying(account_id, text)
        few = _few(connection, said)
        found.append(said if few is None else few)
    where = {"server_id": request.server_id, "source": request.source}
    there = [places.c[name] == wanted for name, wanted in where.items() if wanted is not None]
    if there:
        seen = sa.select(places.c.fingerprint).where(places.c.account_id == account_id, *there)
        found.append(seen)
    return found


def _reused(connection: sa.Connection, account_id: str, wanted: bool) -> sa.ColumnElement[bool]:
    key = certificates.c.spki
    keys = sa.select(key).where(certificates.c.account_id == account_id, key != "").group_by(key)
    twice = keys.having(sa.func.count() > 1)
    few = _few(connection, twice)
    same = key.in_(twice.subquery("twice").select() if few is None else few)
    return same if wanted else sa.not_(same)


def _count_reused(connection: sa.Connection, account_id: str) -> int:
    """How many certificates have a key that another one has, too: by the keys' index alone."""
    key, times = certificates.c.spki, sa.func.count().label("times")
    keys = sa.select(times).where(certificates.c.account_id == account_id, key != "").group_by(key)
    shared = keys.having(sa.func.count() > 1).subquery()
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(shared.c.times), 0))).scalar_one())


def _few(connection: sa.Connection, chosen: sa.Select[str]) -> list[str] | None:
    found = list(connection.scalars(chosen.limit(FEW + 1)))
    return found if len(found) <= FEW else None


def _count(connection: sa.Connection, own: Conditions, sets: Sequence[Fingerprints], account_id: str) -> int:
    if len(sets) == 1 and not own:  # the set alone: what is in it need not be looked up
        only = sets[0]
        if isinstance(only, list):
            return len(only)
        return connection.execute(sa.select(sa.func.count()).select_from(only.distinct().subquery())).scalar_one()
    found = [certificates.c.account_id == account_id, *own, *(certificates.c.fingerprint.in_(one) for one in sets)]
    return connection.execute(sa.select(sa.func.count()).select_from(certificates).where(*found)).scalar_one()


def saying(account_id: str, text: str) -> sa.Select[str]:
    """The fingerprints of certificates whose words hold `text`, which is in lower case, anywhere."""
    words = certificate_words.c
    mine = words.account_id == account_id
    return sa.select(words.fingerprint).where(mine, words.words.contains(text, autoescape=True))


def words(connection: sa.Connection, account_id: str) -> tuple[list[str], list[str], list[str]]:
    """The brands, levels and keys of an account's certificates."""
    columns = (certificates.c.brand, certificates.c.level, certificates.c.key_algorithm)
    found = connection.execute(sa.select(*columns).where(certificates.c.account_id == account_id).distinct()).all()

    def values(number: int) -> list[str]:
        return sorted({row[number] for row in found if row[number]})

    return values(0), values(1), values(2)


def count_expiring(connection: sa.Connection, account_id: str, now: str, until: Sequence[str]) -> list[tuple[int, ...]]:
    """For each moment: how many certificates that are good `now` end by then; own, self-signed, of other issuers."""
    own, self_signed = certificates.c.own, certificates.c.self_signed
    kinds = (own, sa.and_(sa.not_(own), self_signed), sa.and_(sa.not_(own), sa.not_(self_signed)))
    counts = [
        sa.func.count(sa.case((sa.and_(certificates.c.not_after <= end, kind), 1))) for end in until for kind in kinds
    ]
    good = (certificates.c.account_id == account_id, certificates.c.not_after > now)
    found = connection.execute(sa.select(*counts).where(*good, certificates.c.not_after <= max(until))).one()
    return [tuple(found[start : start + len(kinds)]) for start in range(0, len(counts), len(kinds))]
