# SPDX-License-Identifier: Apache-2.0
"""Writing what a scan found at hundreds of places, in few statements: one for each table, not one for each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from services.discovery.model.sighting import Sighting
from services.discovery.projections.inventory import rows_of
from services.discovery.projections.results import Kept, Spot, place_key
from services.discovery.tables import places, scan_results
from shared.contracts.discovery import Place
from shared.eventstore import driver

_HERE = sa.and_(
    scan_results.c.scan_id == sa.bindparam("of_scan"),
    scan_results.c.address == sa.bindparam("at_address"),
    scan_results.c.port == sa.bindparam("at_port"),
    scan_results.c.name == sa.bindparam("at_name"),
)


def insert_certificates(
    connection: sa.Connection, account_id: str, seen: Iterable[tuple[Sighting, str]], at: str
) -> None:
    """Takes certificates into the inventory that the account does not know, each with the PEM of its chain."""
    by_table: dict[sa.Table, list[dict[str, Any]]] = {}
    for sighting, chain_pem in seen:
        for table, row in rows_of(account_id, sighting, at, chain_pem=chain_pem).items():
            by_table.setdefault(table, []).append(row)
    for table, rows in by_table.items():
        _insert(connection, table, rows)


def put_places(connection: sa.Connection, account_id: str, seen: Mapping[str, tuple[str, Place]]) -> None:
    """Notes what stands at places now, fingerprint and place by the place's id, instead of what stood there before."""
    if not seen:
        return
    connection.execute(sa.delete(places).where(places.c.id.in_(list(seen))))
    names = Place.__struct_fields__
    rows = [
        {"id": place_id, "account_id": account_id, "fingerprint": fingerprint}
        | {name: getattr(place, name) for name in names}
        for place_id, (fingerprint, place) in seen.items()
    ]
    _insert(connection, places, rows)


def put_results(
    connection: sa.Connection,
    scan: tuple[str, str],
    seen: Mapping[Spot, tuple[Kept, str]],
    known: Mapping[Spot, Kept],
) -> None:
    """Writes what was found at spots, with the fingerprint that stood there before; over what the scan has written
    already for those of `known`. `scan` is its id and its account."""
    scan_id, account_id = scan
    fresh: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for spot, (kept, previous) in seen.items():
        values = {**kept._asdict(), "previous": previous}
        if spot in known:
            at = {"of_scan": scan_id, "at_address": spot.address, "at_port": spot.port, "at_name": spot.name}
            again.append({**values, **at})
        else:
            row = {"scan_id": scan_id, "account_id": account_id, "place": place_key(spot), **spot._asdict()}
            fresh.append({**row, **values})
    if again:
        connection.execute(sa.update(scan_results).where(_HERE), again)
    if fresh:
        _insert(connection, scan_results, fresh)


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the same columns. SQLAlchemy would look at each of them anew."""
    columns = [column for column in table.c if column.name in rows[0]]
    values: Iterable[tuple[Any, ...]] = map(itemgetter(*(column.name for column in columns)), rows)
    as_json = [isinstance(column.type, sa.JSON) for column in columns]
    if any(as_json):
        values = (
            tuple(json.dumps(value) if is_json else value for value, is_json in zip(row, as_json, strict=True))
            for row in values
        )
    driver.change_each(connection, _statement(connection.dialect.name, table, tuple(columns)), list(values))


@lru_cache
def _statement(dialect: str, table: sa.Table, columns: tuple[sa.Column[Any], ...]) -> str:
    statement = str(sa.insert(table).values({column.name: sa.literal_column("?") for column in columns}))
    return statement.replace("?", "%s") if dialect == "postgresql" else statement
