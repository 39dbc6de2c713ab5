# SPDX-License-Identifier: Apache-2.0
"""What is asked of the tables for mass replacements: what a selection hits, what to begin next, how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.orders.model.mass_replacement import IN_FLIGHT, OPEN, Candidate
from services.orders.projections.replacement import replacement_orders, replacements
from services.orders.projections.tables import certificates, orders, placed_sites
from shared.clock import to_text
from shared.contracts.orders import ReplacementSelection

IN_USE = ("issued", "installed")
# What is replaced on the wire and whose old certificate is not revoked.
_TO_REVOKE = (replacement_orders.c.state == "seen", replacement_orders.c.old_revoked_at.is_(None))
PART = 500  # values in one IN list: SQLite and PostgreSQL take many more


class ToBegin(NamedTuple):
    """An order whose turn it is, and the server on which its key is made."""

    order_id: str
    server_id: str


def hit_by(connection: sa.Connection, account_id: str | None, selection: ReplacementSelection) -> list[Candidate]:
    """Every order in use whose newest certificate is hit, by number; then the serials that name something else.

    None as account means every one's.
    """
    conditions = _in_use(account_id)
    if selection.issuer:
        conditions.append(orders.c.issuer == selection.issuer)
    if selection.key_type:
        conditions.append(orders.c.key_type == selection.key_type)
    columns = sa.select(
        orders.c.order_id, orders.c.account_id, orders.c.number, orders.c.common_name, orders.c.serial,
        orders.c.issuer, orders.c.key_type, orders.c.certificate_version, orders.c.channel, orders.c.key_server_id,
    )  # fmt: skip
    rows: list[Any] = []
    for serials in _parts(selection.serials) or [None]:
        these = [] if serials is None else [orders.c.serial.in_(serials)]
        rows += connection.execute(columns.where(*conditions, *these)).all()
    busy = _busy(connection)
    sites = _sites(connection, account_id)
    found = [
        Candidate(
            order_id=row.order_id,
            account_id=row.account_id,
            number=row.number,
            common_name=row.common_name,
            serial=row.serial,
            issuer=row.issuer,
            key_type=row.key_type,
            csr_version=row.certificate_version,
            way="agent" if row.key_server_id else "client" if row.channel == "acme" else "hand",
            server_id=row.key_server_id,
            sites=tuple(sites.get((row.order_id, row.certificate_version), ())),
            obstacle="being_replaced" if row.order_id in busy else "",
        )
        for row in sorted(rows, key=lambda row: row.number)
    ]
    known = {one.serial for one in found}
    return found + _others(connection, account_id, [one for one in selection.serials if one not in known])


def _in_use(account_id: str | None) -> list[sa.ColumnElement[bool]]:
    mine = [] if account_id is None else [orders.c.account_id == account_id]
    return [orders.c.status.in_(IN_USE), orders.c.serial.is_not(None), *mine]


def _parts(values: Sequence[str]) -> list[Sequence[str] | None]:
    return [values[start : start + PART] for start in range(0, len(values), PART)]


def _busy(connection: sa.Connection) -> set[str]:
    """Orders that a replacement still has to do: one that was given up only what it had begun."""
    query = sa.select(replacement_orders.c.order_id).where(replacement_orders.c.state.in_(OPEN))
    return set(connection.execute(query).scalars())


def _sites(connection: sa.Connection, account_id: str | None) -> Mapping[tuple[str, int], list[tuple[str, str]]]:
    query = sa.select(placed_sites).order_by(placed_sites.c.server_id, placed_sites.c.site_id)
    if account_id is not None:
        query = query.join(orders, orders.c.order_id == placed_sites.c.order_id).where(
            orders.c.account_id == account_id
        )
    found: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for row in connection.execute(query):
        found.setdefault((row.order_id, row.csr_version), []).append((row.server_id, row.site_id))
    return found


def _others(connection: sa.Connection, account_id: str | None, serials: Sequence[str]) -> list[Candidate]:
    """What is known of serials that no certificate in use has."""
    known: dict[str, sa.Row[Any]] = {}
    for part in _parts(serials):
        query = (
            sa.select(certificates.c.serial, orders)
            .join(orders, orders.c.order_id == certificates.c.order_id)
            .where(certificates.c.serial.in_(part or ()))
        )
        if account_id is not None:
            query = query.where(orders.c.account_id == account_id)
        known |= {row[0]: row for row in connection.execute(query)}
    found = []
    for serial in serials:
        row = known.get(serial)
        replaced = row is not None and row.status in IN_USE
        found.append(
            Candidate(
                order_id=row.order_id if row else "",
                account_id=row.account_id if row else "",
                number=row.number if row else 0,
                common_name=row.common_name if row else "",
                serial=serial,
                issuer="",
                key_type="",
                csr_version=0,
                way="",
                server_id="",
                obstacle="no_such_certificate" if row is None else "replaced_before" if replaced else "not_in_use",
            )
        )
    return found


def choices(connection: sa.Connection, account_id: str | None, column: str) -> list[tuple[str, int]]:
    """The issuers or key types (`issuer`, `key_type`) of certificates in use, the most frequent first."""
    of = orders.c[column]
    query = sa.select(of, sa.func.count()).where(*_in_use(account_id), of != "").group_by(of)
    return sorted(((row[0], row[1]) for row in connection.execute(query)), key=lambda each: (-each[1], each[0]))


class LookedAfter(NamedTuple):
    """A replacement that the clock has to look after, its status, and whether its old certificates are revoked."""

    replacement_id: str
    status: str
    revokes: bool


def looked_after(connection: sa.Connection) -> list[LookedAfter]:
    """Those that are not over, or have an old certificate left to revoke; in the order in which they were started."""
    revokes = replacements.c.revocation_reason != ""
    left = sa.exists().where(replacement_orders.c.replacement_id == replacements.c.replacement_id, *_TO_REVOKE)
    query = sa.select(replacements.c.replacement_id, replacements.c.status, revokes).where(
        sa.or_(replacements.c.status.in_(("running", "paused")), sa.and_(revokes, left))
    )
    rows = connection.execute(query.order_by(replacements.c.started_at))
    return [LookedAfter(row[0], row[1], bool(row[2])) for row in rows]


def to_begin(
    connection: sa.Connection, replacement_id: str, *, at_once: int, per_server: int, fresh_since: datetime
) -> list[ToBegin]:
    """Orders whose turn it is: at most `per_server` under way on a server, and `at_once` in all.

    What was begun before `fresh_since` waits for an agent that is away: it counts for its server only, so that ten
    dead agents do not stop all others.
    """
    table = replacement_orders.c
    flying = connection.execute(
        sa.select(table.server_id, table.begun_at).where(table.way == "agent", table.state.in_(IN_FLIGHT))
    ).all()
    busy = Counter(row.server_id for row in flying)
    left = at_once - sum(row.begun_at is not None and row.begun_at > to_text(fresh_since) for row in flying)
    waiting = connection.execute(
        sa.select(table.order_id, table.server_id)
        .where(table.replacement_id == replacement_id, table.state == "waiting", table.way == "agent")
        .order_by(table.number)
    )
    chosen: list[ToBegin] = []
    for row in waiting:
        if left <= 0:
            break
        if busy[row.server_id] < per_server:
            busy[row.server_id] += 1
            left -= 1
            chosen.append(ToBegin(row.order_id, row.server_id))
    return chosen


def to_revoke(connection: sa.Connection, replacement_id: str, limit: int) -> list[tuple[str, str]]:
    """(order, old serial) of what is replaced on the wire and whose old certificate is not revoked."""
    table = replacement_orders.c
    query = sa.select(table.order_id, table.old_serial).where(table.replacement_id == replacement_id, *_TO_REVOKE)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(table.number).limit(limit))]


def orders_in(connection: sa.Connection, replacement_id: str, state: str) -> list[tuple[str, str]]:
    """(order, account) of those in a state."""
    table = replacement_orders.c
    query = sa.select(table.order_id, table.account_id).where(
        table.replacement_id == replacement_id, table.state == state
    )
    return [(row[0], row[1]) for row in connection.execute(query.order_by(table.number))]


def count_states(connection: sa.Connection, replacement_id: str) -> dict[str, int]:
    """How many orders there are of each state."""
    table = replacement_orders.c
    query = sa.select(table.state, sa.func.count()).where(table.replacement_id == replacement_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.state))}
