# SPDX-License-Identifier: Apache-2.0
"""Who may send which request: checked by the service that answers, not only by the gateway that asks."""

from __future__ import annotations

from typing import Any

from shared.context import Context
from shared.contracts.base import Permission, Request
from shared.errors import Code, ServiceError

_CUSTOMERS = ("user:", "token:")
_READABLE_BY_OPERATOR = frozenset({Permission.VIEW, Permission.SIGNED_IN})


def require_permission(request: type[Request[Any]], context: Context) -> None:
    """Raises ServiceError `unauthenticated` (nobody is signed in) or `forbidden`.

    An operator looks into every account (VIEW) but does not act as a customer. INTERNAL is for services only.
    """
    permission = request.PERMISSION
    if permission is Permission.PUBLIC or permission.value in context.permissions:
        return
    if context.operator and permission in _READABLE_BY_OPERATOR:
        return
    if permission is Permission.SIGNED_IN and context.account_id is not None and context.actor.startswith(_CUSTOMERS):
        return
    if context.actor == "public":
        raise ServiceError(Code.UNAUTHENTICATED, "Sign in first.")
    raise ServiceError(Code.FORBIDDEN, "Your user or token has no permission for this.", extra={"needs": permission})
