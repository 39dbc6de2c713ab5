# SPDX-License-Identifier: Apache-2.0
"""Who may give which permission to whom."""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import Code, ServiceError, invalid

CUSTOMER = ("view", "create_order", "replenish_balance", "administer")
OPERATOR = ("operator", "view", "administer")


def check_grant(
    wanted: Iterable[str], own: Iterable[str], *, operator: bool, pointer: str = "/permissions"
) -> list[str]:
    """The permissions in their usual order. Raises invalid (unknown, none), forbidden (more than the giver has)."""
    asked = set(wanted)
    known = OPERATOR if operator else CUSTOMER
    unknown = sorted(asked - set(known))
    if unknown:
        raise invalid(f"There is no permission {unknown[0][:40]!r}; there are {', '.join(known)}.", pointer)
    if not asked:
        raise invalid("Give at least one permission.", pointer)
    beyond = sorted(asked - set(own))
    if beyond:
        raise ServiceError(
            Code.FORBIDDEN, f"You cannot give what you do not have: {', '.join(beyond)}.", pointer=pointer
        )
    return [name for name in known if name in asked]
