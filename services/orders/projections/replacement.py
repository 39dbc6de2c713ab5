# SPDX-License-Identifier: Apache-2.0
"""Mass replacements and how far each of their orders is, folded from the events of both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from services.orders.model.mass_replacement import OPEN
from services.orders.projections.tables import orders, projections
from shared.contracts import orders as c
from shared.eventsourcing.envelope import Envelope

replacements = sa.Table(
    "replacements",
    projections.metadata,
    sa.Column("replacement_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, nullable=False),  # empty for an operator's
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("exercise", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("selection", sa.Text, nullable=False),  # JSON
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
    sa.Column("orders", sa.Integer, nullable=False),
    sa.Column("sites", sa.Integer, nullable=False),
    sa.Column("revocation_reason", sa.Text, nullable=False),
)

replacement_orders = sa.Table(
    "replacement_orders",
    projections.metadata,
    sa.Column("replacement_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("common_name", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("server_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("old_serial", sa.Text, nullable=False),
    sa.Column("old_version", sa.Integer, nullable=False),
    sa.Column("new_serial", sa.Text, nullable=False),
    sa.Column("sites", sa.Integer, nullable=False),
    sa.Column("open_sites", sa.Text, nullable=False),  # JSON: those that do not serve the new certificate yet
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("begun_at", sa.Text),
    sa.Column("issued_at", sa.Text),
    sa.Column("seen_at", sa.Text),
    sa.Column("old_revoked_at", sa.Text),
    sa.Index("replacement_orders_by_state", "replacement_id", "state", "number"),
)

_which: sa.BindParameter[Any] = sa.bindparam("which")
_row = (replacement_orders.c.replacement_id == sa.bindparam("of"), replacement_orders.c.number == _which)
_OF_ORDER = sa.select(replacement_orders).where(
    replacement_orders.c.order_id == _which, replacement_orders.c.state.in_(OPEN)
)


def _orders_of(connection: sa.Connection, order_id: str, *states: str) -> list[Any]:
    """The rows of an order in these states: at most one, since an order is in one open replacement at a time."""
    return [row for row in connection.execute(_OF_ORDER, {"which": order_id}) if row.state in states]


def _set(connection: sa.Connection, row: Any, **values: Any) -> None:
    where = {"of": row.replacement_id, "which": row.number}
    connection.execute(replacement_orders.update().where(*_row).values(**values), where)


# --- the replacement -----------------------------------------------------------------------------------------


@projections.on(c.MassReplacementStarted)
def _started(connection: sa.Connection, envelope: Envelope[c.MassReplacementStarted]) -> None:
    event = envelope.data
    chosen = event.selection
    selection = {"issuer": chosen.issuer, "key_type": chosen.key_type, "serials": chosen.serials}
    connection.execute(
        replacements.insert(),
        {
            "replacement_id": event.replacement_id,
            "account_id": event.account_id,
            "status": "running",
            "exercise": event.exercise,
            "reason": event.reason,
            "selection": json.dumps({**selection, "everything": chosen.everything}),
            "started_at": envelope.occurred_at,
            "started_by": envelope.metadata.actor,
            "orders": event.orders,
            "sites": event.sites,
            "revocation_reason": "",
        },
    )


_STATUS: Mapping[type, str] = {
    c.MassReplacementPaused: "paused",
    c.MassReplacementResumed: "running",
    c.MassReplacementCancelled: "cancelled",
    c.MassReplacementCompleted: "completed",
}


@projections.on(*_STATUS)
def _went_on(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    values: dict[str, Any] = {"status": _STATUS[type(envelope.data)]}
    if values["status"] in {"cancelled", "completed"}:
        values["ended_at"] = envelope.occurred_at
    _change(connection, envelope.data.replacement_id, values)


@projections.on(c.ReplacedRevocationRequested)
def _revoking(connection: sa.Connection, envelope: Envelope[c.ReplacedRevocationRequested]) -> None:
    _change(connection, envelope.data.replacement_id, {"revocation_reason": envelope.data.reason})


def _change(connection: sa.Connection, replacement_id: str, values: dict[str, Any]) -> None:
    connection.execute(replacements.update().where(replacements.c.replacement_id == replacement_id).values(**values))


# --- its orders ----------------------------------------------------------------------------------------------


@projections.on(c.ReplacementAsked)
def _asked(connection: sa.Connection, envelope: Envelope[c.ReplacementAsked]) -> None:
    event = envelope.data
    connection.execute(
        replacement_orders.insert(),
        {
            "replacement_id": event.replacement_id,
            "number": event.number,
            "order_id": event.order_id,
            "account_id": event.account_id,
            "common_name": event.common_name,
            "way": event.way,
            "server_id": event.server_id,
            "state": "waiting",
            "old_serial": event.serial,
            "old_version": event.csr_version,
            "new_serial": "",
            "sites": len(event.sites),
            "open_sites": json.dumps([[one.server_id, one.site_id] for one in event.sites]),
            "code": "",
            "reason": "",
        },
    )


@projections.on(c.ReplacementBegun)
def _begun(connection: sa.Connection, envelope: Envelope[c.ReplacementBegun]) -> None:
    for row in _orders_of(connection, envelope.data.order_id, "waiting"):
        _set(connection, row, state="making", begun_at=envelope.occurred_at)


@projections.on(c.ReplacementWithdrawn)
def _withdrawn(connection: sa.Connection, envelope: Envelope[c.ReplacementWithdrawn]) -> None:
    for row in _orders_of(connection, envelope.data.order_id, "waiting"):
        _set(connection, row, state="withdrawn")


@projections.on(c.CSRRequested)
def _csr_requested(connection: sa.Connection, envelope: Envelope[c.CSRRequested]) -> None:
    for row in _orders_of(connection, envelope.data.order_id, "failed"):
        if not row.new_serial:
            _set(connection, row, state="making", code="", reason="")


@projections.on(c.CSRRejected, c.IssuanceFailed)
def _not_made(connection: sa.Connection, envelope: Envelope[Any]) -> None:
    for row in _orders_of(connection, envelope.data.order_id, "making"):
        _set(connection, row, state="failed", code=envelope.data.code, reason=envelope.data.reason)


@projections.on(c.CertIssued)
def _issued(connection: sa.Connection, envelope: Envelope[c.CertIssued]) -> None:
    event = envelope.data
    for row in _orders_of(connection, event.order_id, "waiting", "making", "failed"):
        if row.new_serial or event.csr_version <= row.old_version:
            continue
        state = "installing" if row.sites else "unseen"
        _set(connection, row, state=state, new_serial=event.serial, issued_at=envelope.occurred_at, code="", reason="")


@projections.on(c.InstallationRequested)
def _installing(connection: sa.Connection, envelope: Envelope[c.InstallationRequested]) -> None:
    if envelope.data.automatic and envelope.data.rollout_id:
        return  # the next site of a rollout: it mends nothing of what failed before it
    for row in _orders_of(connection, envelope.data.order_id, "failed"):
        if row.new_serial:
            _set(connection, row, state="installing", code="", reason="")


@projections.on(c.InstallationFailed)
def _not_installed(connection: sa.Connection, envelope: Envelope[c.InstallationFailed]) -> None:
    event = envelope.data
    for row in _orders_of(connection, event.order_id, "installing"):
        if [event.server_id, event.site_id] in json.loads(row.open_sites):
            _set(connection, row, state="failed", code=event.code, reason=event.reason)


@projections.on(c.CertInstalled)
def _installed(connection: sa.Connection, envelope: Envelope[c.CertInstalled]) -> None:
    event = envelope.data
    for row in _orders_of(connection, event.order_id, "installing", "failed"):
        if event.csr_version <= row.old_version:
            continue
        left = [one for one in json.loads(row.open_sites) if one != [event.server_id, event.site_id]]
        _set(connection, row, open_sites=json.dumps(left))
        if not left:
            _set(connection, row, state="seen", seen_at=envelope.occurred_at, code="", reason="")


@projections.on(c.OrderExpired)
def _expired(connection: sa.Connection, envelope: Envelope[c.OrderExpired]) -> None:
    _end(connection, envelope.data.order_id)


_OLD = sa.update(replacement_orders).where(
    replacement_orders.c.order_id == _which, replacement_orders.c.old_serial == sa.bindparam("number_")
)
_STATUS_OF = sa.select(orders.c.status).where(orders.c.order_id == _which)


@projections.on(c.CertRevoked)
def _revoked(connection: sa.Connection, envelope: Envelope[c.CertRevoked]) -> None:
    event = envelope.data
    where = {"which": event.order_id, "number_": event.serial}
    connection.execute(_OLD.values(old_revoked_at=event.revoked_at), where)
    # `folding` has kept the list before: its functions were registered first.
    if connection.execute(_STATUS_OF, {"which": event.order_id}).scalar() == "revoked":
        _end(connection, event.order_id)


def _end(connection: sa.Connection, order_id: str) -> None:
    for row in _orders_of(connection, order_id, *OPEN):
        _set(connection, row, state="ended")
