# SPDX-License-Identifier: Apache-2.0
"""The contact of an account, asked of the accounts service."""

from __future__ import annotations

from collections.abc import Callable

from shared.context import Context, system
from shared.contracts.accounts import Contact, GetContact
from shared.errors import Code, ServiceError


class AskedContacts:
    """`send` asks the service; it is there when the service runs."""

    def __init__(self) -> None:
        self.send: Callable[[GetContact, Context], Contact] | None = None

    def contact_of(self, account_id: str) -> Contact:
        """The account's contact. Raises ServiceError."""
        if self.send is None:
            raise ServiceError(Code.UNAVAILABLE, "The accounts service cannot be asked yet.")
        return self.send(GetContact(account_id=account_id), system("alerts"))
