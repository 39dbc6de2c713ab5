# SPDX-License-Identifier: Apache-2.0
"""The read model of vouchers: what operators list, and what orders are checked against."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.billing.model.voucher import Voucher
from services.billing.tables import projections, vouchers
from shared.contracts import billing as contract
from shared.eventsourcing.envelope import Envelope


@projections.on(contract.VoucherMade)
def _made(connection: sa.Connection, envelope: Envelope[contract.VoucherMade]) -> None:
    event = envelope.data
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    connection.execute(sa.insert(vouchers), {**fields, "uses": 0, "made_at": envelope.occurred_at, "ended_at": None})


@projections.on(contract.VoucherEnded)
def _ended(connection: sa.Connection, envelope: Envelope[contract.VoucherEnded]) -> None:
    _change(connection, envelope.data.code, ended_at=envelope.occurred_at)


@projections.on(contract.VoucherUsed)
def _used(connection: sa.Connection, envelope: Envelope[contract.VoucherUsed]) -> None:
    _change(connection, envelope.data.code, uses=vouchers.c.uses + 1)


@projections.on(contract.VoucherReleased)
def _released(connection: sa.Connection, envelope: Envelope[contract.VoucherReleased]) -> None:
    _change(connection, envelope.data.code, uses=vouchers.c.uses - 1)


def _change(connection: sa.Connection, code: str, **values: Any) -> None:
    connection.execute(sa.update(vouchers).where(vouchers.c.code == code).values(**values))


def find_voucher(connection: sa.Connection, code: str) -> Voucher | None:
    """One voucher; None when there is none with this code."""
    row = connection.execute(sa.select(vouchers).where(vouchers.c.code == code)).mappings().first()
    return Voucher(**row) if row is not None else None


def list_vouchers(
    connection: sa.Connection, *, limit: int, offset: int, after: tuple[str, str] | None
) -> list[Voucher]:
    """Newest first; `after` is the (made_at, code) where an earlier page ended."""
    chosen = sa.select(vouchers).order_by(vouchers.c.made_at.desc(), vouchers.c.code.desc()).limit(limit).offset(offset)
    if after is not None:
        at, code = after
        same = sa.and_(vouchers.c.made_at == at, vouchers.c.code < code)
        chosen = chosen.where(sa.or_(vouchers.c.made_at < at, same))
    return [Voucher(**row) for row in connection.execute(chosen).mappings()]


def count_vouchers(connection: sa.Connection) -> int:
    """How many vouchers there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(vouchers)).scalar_one()
