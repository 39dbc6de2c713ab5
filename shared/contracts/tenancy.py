# SPDX-License-Identifier: Apache-2.0
"""Whose things a request is about. The account comes from the context, never from a parameter (ARCHITECTURE §5)."""

from __future__ import annotations

from shared.context import Context
from shared.errors import Code, ServiceError


def account_of(context: Context) -> str:
    """The tenant who asks. Raises ServiceError `forbidden` for those who have none, such as operators."""
    if context.account_id is None:
        raise ServiceError(Code.FORBIDDEN, "This belongs to a customer's account; sign in as a user of one.")
    return context.account_id


def scope_of(context: Context) -> str | None:
    """The tenant whose things may be looked at; None, which is all of them, only for operators without an account.

    Raises ServiceError `forbidden`.
    """
    return None if context.operator and context.account_id is None else account_of(context)
