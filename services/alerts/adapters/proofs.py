# SPDX-License-Identifier: Apache-2.0
"""The names of an order that are still to be proved, asked of validation."""

from __future__ import annotations

from collections.abc import Callable

from shared.context import Context
from shared.contracts.base import Page
from shared.contracts.dcv import AuthorizationView, ListAuthorizations
from shared.errors import Code, ServiceError


class AskedProofs:
    """`send` asks the service; it is there when the service runs."""

    def __init__(self) -> None:
        self.send: Callable[[ListAuthorizations, Context], Page[AuthorizationView]] | None = None

    def missing(self, account_id: str, order_id: str, csr_version: int) -> list[str]:
        """Names without a proof that counts for a CSR of the order; a proof for an older CSR is none. Raises
        ServiceError.
        """
        if self.send is None:
            raise ServiceError(Code.UNAVAILABLE, "The validation service cannot be asked yet.")
        reader = frozenset({ListAuthorizations.PERMISSION.value})
        context = Context(actor="system:alerts", account_id=account_id, permissions=reader)
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = self.send(ListAuthorizations(order_id=order_id, cursor=cursor), context)
            found += [one.fqdn for one in page.items if one.status != "valid" or one.csr_version < csr_version]
            cursor = page.next_cursor
            if cursor is None:
                return found
