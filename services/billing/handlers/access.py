# SPDX-License-Identifier: Apache-2.0
"""Whose money it is."""

from __future__ import annotations

from shared.context import Context
from shared.errors import Code, ServiceError


def account_of(context: Context) -> str:
    """The tenant who asks. Raises ServiceError `forbidden` for those who have none, such as operators."""
    if context.account_id is None:
        raise ServiceError(Code.FORBIDDEN, "This belongs to a customer's account; sign in as a user of one.")
    return context.account_id
