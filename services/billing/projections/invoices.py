# SPDX-License-Identifier: Apache-2.0
"""The read model of invoices: found by their order, numbered by their year."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from services.billing.model.invoice import view
from services.billing.tables import invoices, projections
from shared.contracts.billing import InvoiceIssued, InvoiceView
from shared.eventsourcing.envelope import Envelope

_encoder = msgspec.json.Encoder(order="deterministic")


@projections.on(InvoiceIssued)
def _issued(connection: sa.Connection, envelope: Envelope[InvoiceIssued]) -> None:
    event = envelope.data
    row = {
        "year": event.year,
        "sequence": event.sequence,
        "order_id": event.order_id,
        "account_id": event.account_id,
        "issued_at": envelope.occurred_at,
        "content": _encoder.encode(view(event, envelope.occurred_at)).decode(),
    }
    connection.execute(sa.insert(invoices), row)


def find_invoice(connection: sa.Connection, order_id: str) -> tuple[str, InvoiceView] | None:
    """The account and the invoice of an order; None while there is none."""
    chosen = sa.select(invoices.c.account_id, invoices.c.content).where(invoices.c.order_id == order_id)
    row = connection.execute(chosen).first()
    return None if row is None else (row.account_id, msgspec.json.decode(row.content, type=InvoiceView))


def last_invoice(connection: sa.Connection, year: int) -> int:
    """The newest number of a year; 0 before the first."""
    newest = sa.select(sa.func.max(invoices.c.sequence)).where(invoices.c.year == year)
    return connection.execute(newest).scalar() or 0
