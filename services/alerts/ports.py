# SPDX-License-Identifier: Apache-2.0
"""What alerts needs of the others: where to write to an account, its deposit, its missing proofs; and ways out."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from shared.contracts.accounts import Contact
from shared.contracts.billing import BalanceView


class Contacts(Protocol):
    """Knows the contact of an account. The address is asked for when a mail is sent, and is not kept here."""

    def contact_of(self, account_id: str) -> Contact:
        """Name and e-mail address. Raises ServiceError."""
        ...


class Balances(Protocol):
    """Knows the deposit of an account."""

    def balance_of(self, account_id: str) -> BalanceView:
        """The deposit now. Raises ServiceError."""
        ...


class Proofs(Protocol):
    """Knows which names of an order are still to be proved."""

    def missing(self, account_id: str, order_id: str, csr_version: int) -> list[str]:
        """Names without a proof that counts for a CSR of the order. Raises ServiceError."""
        ...


class Outcome(NamedTuple):
    """How a delivery ended, and what came back, in words."""

    delivered: bool
    detail: str


class Hooks(Protocol):
    """Sends signed webhooks, to where the operator allows."""

    schemes: tuple[str, ...]

    def send(self, url: str, secret: str, message_id: str, body: bytes, timestamp: int) -> Outcome:
        """One POST. Does not raise for what the receiver does."""
        ...
