# SPDX-License-Identifier: Apache-2.0
"""Choosing the rows of the inventory's lists, so that a hundred thousand certificates make little difference.

A page is found by walking along the index of its order until it is full, and where no more than `FEW` certificates
match at all, among those; a count, by indexes that hold what it asks for (`tables.py`). Whole rows are shown of the
page alone. Text is looked for anywhere in a certificate's words: a short table is read through for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.discovery.tables import ON_A_SERVER, certificate_words, certificates, places
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
    wanted = _Wanted(_own(request, now=now, until=until), _sets(connection, account_id, request), request.reused)
    total = wanted.count(connection, account_id) if request.total and not wanted.is_search else None
    if wanted and place.key != BY_EXPIRY and (total is None or total <= FEW):
        few = _few(connection, sa.select(tie).where(mine, *wanted.gathering(account_id)))
        if few is not None:
            wanted, total = _Wanted([], [few], None), len(few) if request.total else None
    if request.total and total is None:
        total = wanted.count(connection, account_id)
    conditions = [mine, *wanted.walking(account_id)]
    if after is not None:
        end, fingerprint = after
        conditions.append(certificates.c.not_after >= end)
        conditions.append(sa.or_(certificates.c.not_after > end, tie > fingerprint))
    column = SORTS[place.key]
    order = (column.desc(), tie.desc()) if place.descending else (column, tie)
    chosen = sa.select(tie).where(*conditions).order_by(*order).limit(request.limit + 1).offset(place.offset)
    page = list(connection.execute(chosen).scalars())
    # Put in order here: told to, SQLite would walk the whole of the order's index for them.
    shown = sa.select(certificates).where(mine, tie.in_(page))
    rows = {row.fingerprint: row for row in connection.execute(shown)}
    return [rows[fingerprint] for fingerprint in page if fingerprint in rows], total


@dataclass(frozen=True)
class _Set:
    """Fingerprints that other rows decide on: `everyone` reads them, `holds` asks for one certificate. `is_search`: to
    read them all is quicker than to ask for many."""

    everyone: sa.Select[str]
    holds: sa.ColumnElement[bool]
    is_search: bool = False


@dataclass(frozen=True)
class _Wanted:
    """What a list asks for: of the certificates' own columns, of other rows (few are named one by one), of keys."""

    own: Conditions
    sets: list[_Set | list[str]]
    reused: bool | None

    def __bool__(self) -> bool:
        return bool(self.own or self.sets) or self.reused is not None

    @property
    def is_search(self) -> bool:
        """Whether text is looked for that many certificates hold."""
        return any(isinstance(one, _Set) and one.is_search for one in self.sets)

    def walking(self, account_id: str) -> Conditions:
        """For who walks along an order until the page is full: nothing is gathered beforehand."""
        tie = certificates.c.fingerprint
        found = [*self.own, *(tie.in_(one) if isinstance(one, list) else one.holds for one in self.sets)]
        return found if self.reused is None else [*found, _shares_key(account_id, self.reused)]

    def gathering(self, account_id: str) -> Conditions:
        """For who looks at all that match, or at the first `FEW`."""
        tie = certificates.c.fingerprint
        sets = [
            one.holds if isinstance(one, _Set) and not one.is_search else tie.in_(_everyone(one)) for one in self.sets
        ]
        shared = [] if self.reused is None else [_shares_key(account_id, self.reused)]
        return [*self.own, *sets, *shared]

    def count(self, connection: sa.Connection, account_id: str) -> int:
        """How many there are."""
        if self.reused is None:
            return self._gathered(connection, account_id)
        shared = self._sharing(connection, account_id)
        return shared if self.reused else self._gathered(connection, account_id) - shared

    def _gathered(self, connection: sa.Connection, account_id: str) -> int:
        """Those of any key."""
        if len(self.sets) == 1 and not self.own:  # the set alone: what is in it need not be looked up
            only = self.sets[0]
            if isinstance(only, list):
                return len(only)
            alone = only.everyone.distinct().subquery()
            return connection.execute(sa.select(sa.func.count()).select_from(alone)).scalar_one()
        return connection.execute(
            sa.select(sa.func.count()).select_from(certificates).where(*self._conditions(account_id))
        ).scalar_one()

    def _sharing(self, connection: sa.Connection, account_id: str) -> int:
        """Those that have a key that another certificate has, too."""
        key, table = certificates.c.spki, certificates.c
        keys = sa.select(key).where(table.account_id == account_id, key != "").group_by(key)
        if not self.own and not self.sets:  # by the keys' index alone
            times = keys.with_only_columns(sa.func.count().label("times")).having(sa.func.count() > 1).subquery()
            total = sa.select(sa.func.coalesce(sa.func.sum(times.c.times), 0))
            return int(connection.execute(total).scalar_one())
        twice = keys.having(sa.func.count() > 1)
        found = (
            sa.select(sa.func.count()).select_from(certificates).where(*self._conditions(account_id), key.in_(twice))
        )
        return connection.execute(found).scalar_one()

    def _conditions(self, account_id: str) -> Conditions:
        tie = certificates.c.fingerprint
        return [certificates.c.account_id == account_id, *self.own, *(tie.in_(_everyone(one)) for one in self.sets)]


def _everyone(one: _Set | list[str]) -> sa.Select[str] | list[str]:
    return one if isinstance(one, list) else one.everyone


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


def _sets(connection: sa.Connection, account_id: str, request: ListInventory) -> list[_Set | list[str]]:
    """What other rows decide: the fingerprints that each such filter lets through."""
    found: list[_Set] = []
    tie = certificates.c.fingerprint
    if request.search and (text := request.search.strip().lower()):
        said = saying(account_id, text)
        found.append(
            _Set(
                said,
                said.where(certificate_words.c.fingerprint == tie).correlate(certificates).exists(),
                is_search=True,
            )
        )
    where = {"server_id": request.server_id, "source": request.source}
    there: Conditions = [places.c[name] == wanted for name, wanted in where.items() if wanted is not None]
    if request.server_id:
        there.append(ON_A_SERVER)
    if there:
        seen = sa.select(places.c.fingerprint).where(places.c.account_id == account_id, *there)
        found.append(_Set(seen, seen.where(places.c.fingerprint == tie).correlate(certificates).exists()))
    named = [(one, _few(connection, one.everyone)) for one in found]
    return [one if few is None else few for one, few in named]


def _shares_key(account_id: str, wanted: bool) -> sa.ColumnElement[bool]:
    """Whether another certificate of the account has the same key."""
    this, other = certificates.c, certificates.alias("other")
    same = sa.select(other.c.fingerprint).where(
        other.c.account_id == account_id, other.c.spki == this.spki, other.c.fingerprint != this.fingerprint
    )
    shares = sa.and_(this.spki != "", same.correlate(certificates).exists())
    return shares if wanted else sa.not_(shares)


def _few(connection: sa.Connection, chosen: sa.Select[str]) -> list[str] | None:
    found = list(connection.scalars(chosen.limit(FEW + 1)))
    return list(dict.fromkeys(found)) if len(found) <= FEW else None


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
