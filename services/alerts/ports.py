# SPDX-License-Identifier: Apache-2.0
"""What alerts needs of the others: where to write to an account, and a way for mails to leave."""

from __future__ import annotations

from typing import Protocol


class Contacts(Protocol):
    """Knows the contact of an account. The address is asked for when a mail is sent, and is not kept here."""

    def address_of(self, account_id: str) -> str:
        """The e-mail address. Raises ServiceError."""
        ...
