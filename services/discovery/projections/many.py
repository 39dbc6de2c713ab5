# SPDX-License-Identifier: Apache-2.0
"""Writing what a scan found at hundreds of places, in few statements: one for each table, not one for each row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from services.discovery.model.sighting import Sighting
from services.discovery.projections.results import Kept, Spot, place_key
from services.discovery.projections.rows import insert_certificates, insert_rows, keep_bytes, marked, upsert
from services.discovery.tables import places, scan_results
from shared.eventstore import driver

_PLACE = (
    *("id", "account_id", "fingerprint", "source", "server_id", "site_id", "site_name", "address", "port", "seen_at"),
)
_RESULT_KEY = ("scan_id", "address", "port", "name")
_RESULT_VALUES = ("starttls", "fingerprint", "protocol", "proved", "state", "previous")
_RESULT = (*_RESULT_KEY, "account_id", "place", *_RESULT_VALUES)
_OVER_PLACE = upsert(("id",), _PLACE[1:])
_OVER_RESULT = upsert(_RESULT_KEY, _RESULT_VALUES)


_KNOWN = {
    "postgresql": "SELECT fingerprint FROM certificates WHERE account_id = %s AND fingerprint = ANY(%s)",
    "sqlite": "SELECT fingerprint FROM certificates WHERE account_id = ? AND fingerprint IN"
    " (SELECT value FROM json_each(?))",
}
_SEE_AGAIN = """UPDATE certificates SET first_seen_at = CASE WHEN first_seen_at > ? THEN ? ELSE first_seen_at END,
    last_seen_at = CASE WHEN last_seen_at < ? THEN ? ELSE last_seen_at END,
    key_algorithm = ?, brand = ?, level = ?, spki = ? WHERE account_id = ? AND fingerprint = ?"""


class AtSpot(NamedTuple):
    """A certificate at a spot: the id of the place, what a scan knows of it, the fingerprint that it had before."""

    place_id: str
    kept: Kept
    previous: str


def see_certificates(
    connection: sa.Connection, account_id: str, seen: Mapping[str, tuple[Sighting, str]], at: str
) -> list[Sighting]:
    """Takes certificates into the inventory, by fingerprint, each with the PEM of its chain; those that were new."""
    # In one order everywhere: no two writers wait for each other, and neighbours in an index are written together.
    known = _known_of(connection, account_id, list(seen))
    ordered = [seen[fingerprint] for fingerprint in sorted(seen)]
    old = [
        # Messages may come in any order; the dates only ever widen.
        (at, at, at, at, one.key_algorithm, one.brand, one.level, one.spki, account_id, one.fingerprint)
        for one, _ in ordered
        if one.fingerprint in known
    ]
    if old:
        driver.change_each(connection, marked(connection.dialect.name, _SEE_AGAIN), old)
    new = [one for one, _ in ordered if one.fingerprint not in known]
    insert_certificates(connection, account_id, new, at)
    keep_bytes(connection, account_id, ordered)
    return new


def put_spots(
    connection: sa.Connection, scan: tuple[str, str], source: str, seen: Mapping[Spot, AtSpot], at: str
) -> None:
    """Notes what stands at spots, in the inventory's places and in what the scan has found, over what stood there
    before. `scan` is its id and its account."""
    scan_id, account_id = scan
    there = [
        (one.place_id, account_id, one.kept.fingerprint, source, "", "", spot.name, spot.address, spot.port, at)
        for spot, one in seen.items()
    ]
    insert_rows(connection, places, _PLACE, there, behind=_OVER_PLACE)
    found = []
    for spot, (_, kept, previous) in seen.items():
        fingerprint, state, starttls, protocol, proved = kept
        key = (scan_id, spot.address, spot.port, spot.name, account_id, place_key(spot))
        found.append((*key, starttls, fingerprint, protocol, proved, state, previous))
    insert_rows(connection, scan_results, _RESULT, found, behind=_OVER_RESULT)


def _known_of(connection: sa.Connection, account_id: str, fingerprints: Sequence[str]) -> set[str]:
    """Those of hundreds of fingerprints that the account has: one statement for any number of them."""
    dialect = connection.dialect.name
    listed = list(fingerprints) if dialect == "postgresql" else json.dumps(fingerprints)
    return {row[0] for row in driver.rows(connection, _KNOWN[dialect], (account_id, listed))}
