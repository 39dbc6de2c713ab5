# SPDX-License-Identifier: Apache-2.0
"""The deposit of an account, asked of billing."""

from __future__ import annotations

from collections.abc import Callable

from shared.context import Context
from shared.contracts.billing import BalanceView, GetBalance
from shared.errors import Code, ServiceError


class AskedBalances:
    """`send` asks the service; it is there when the service runs."""

    def __init__(self) -> None:
        self.send: Callable[[GetBalance, Context], BalanceView] | None = None

    def balance_of(self, account_id: str) -> BalanceView:
        """The account's deposit. Raises ServiceError."""
        if self.send is None:
            raise ServiceError(Code.UNAVAILABLE, "The billing service cannot be asked yet.")
        reader = frozenset({GetBalance.PERMISSION.value})
        return self.send(GetBalance(), Context(actor="system:alerts", account_id=account_id, permissions=reader))
