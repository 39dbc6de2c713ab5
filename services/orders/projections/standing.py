# SPDX-License-Identifier: Apache-2.0
"""The orders in use and the newest proofs of their names, as the forecast starts from them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from services.orders.model.forecast import Proof, Proofs, Standing
from services.orders.projections.tables import orders, proofs
from shared.clock import from_text

IN_USE = ("issued", "installed")
ORGANIZATION = ""  # as the name of a proof

PriceOf = Callable[[str, int, tuple[str, ...]], int | None]
"""The price of a product for so many years and these names, in minor units; None when it is not sold so."""


def has_order(connection: sa.Connection, account_id: str | None, order_id: str) -> bool:
    """Whether the account has the order, in whatever state; None as account means every one's."""
    mine = sa.true() if account_id is None else orders.c.account_id == account_id
    return connection.execute(sa.select(orders.c.number).where(orders.c.order_id == order_id, mine)).first() is not None


def standings(
    connection: sa.Connection, account_id: str | None, order_id: str | None, price_of: PriceOf
) -> tuple[list[Standing], Proofs]:
    """Every order in use, oldest first, and the proofs by account and FQDN. None as account means every one's."""
    conditions: list[sa.ColumnElement[bool]] = [orders.c.status.in_(IN_USE), orders.c.begins_at.is_not(None)]
    of_account: list[sa.ColumnElement[bool]] = []
    if account_id is not None:
        conditions.append(orders.c.account_id == account_id)
        of_account.append(proofs.c.account_id == account_id)
    if order_id is not None:
        conditions.append(orders.c.order_id == order_id)
    rows = connection.execute(sa.select(orders).where(*conditions).order_by(orders.c.number)).all()
    newest: Proofs = {}
    methods: dict[str, dict[str, str]] = {}
    organizations = {}
    for row in connection.execute(sa.select(proofs).where(*of_account)):
        at = from_text(row.recorded_at)
        if row.fqdn == ORGANIZATION:
            organizations[row.order_id] = at
            continue
        methods.setdefault(row.order_id, {})[row.fqdn] = row.method
        proof = Proof(row.method, at, from_text(row.expires_at))
        known = newest.get((row.account_id, row.fqdn))
        if known is None or known.expires < proof.expires:
            newest[row.account_id, row.fqdn] = proof
    found = []
    for row in rows:
        names = tuple(msgspec.json.decode(row.names, type=list[str]))
        found.append(
            Standing(
                order_id=row.order_id,
                account_id=row.account_id,
                number=row.number,
                common_name=row.common_name,
                names=names,
                product_name=row.product_name,
                term_years=row.term_years,
                begins=from_text(row.begins_at),
                ends=from_text(row.expires_at),
                term_ends=from_text(row.term_ends_at),
                price=price_of(row.product, row.term_years, names),
                renewed=row.renewed_by is not None,
                organization_proved=organizations.get(row.order_id),
                methods=methods.get(row.order_id, {}),
            )
        )
    return found, newest
