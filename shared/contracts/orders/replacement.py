# SPDX-License-Identifier: Apache-2.0
"""What may be asked about mass replacements, and by whom."""

from __future__ import annotations

from shared.contracts.base import Page, Permission, Request, command, query
from shared.contracts.orders.replacement_views import (
    ReplacementOrder,
    ReplacementPreview,
    ReplacementView,
)

SERVICE = "orders"


@query(SERVICE, Permission.VIEW)
class PreviewReplacement(Request[ReplacementPreview]):
    """What a mass replacement would do, without doing it; the fields are those of ReplacementSelection.

    With nothing selected, only what there is to choose from.
    """

    issuer: str = ""
    key_type: str = ""
    serials: list[str] = []
    everything: bool = False


@command(SERVICE, Permission.CREATE_ORDER)
class StartReplacement(Request[ReplacementView]):
    """Replaces every certificate of the account that the selection hits (fields of ReplacementSelection).

    An `exercise` does the same work; only the old certificates cannot be revoked by it. Errors: invalid, also when it
    hits none.
    """

    reason: str
    issuer: str = ""
    key_type: str = ""
    serials: list[str] = []
    everything: bool = False
    exercise: bool = False


@command(SERVICE, Permission.OPERATOR)
class StartReplacementForAll(Request[ReplacementView]):
    """The same across all accounts, by an operator."""

    reason: str
    issuer: str = ""
    key_type: str = ""
    serials: list[str] = []
    everything: bool = False
    exercise: bool = False


@command(SERVICE, Permission.CREATE_ORDER)
class SteerReplacement(Request[ReplacementView]):
    """`action` is one of the view's `actions`: pause, resume, cancel, retry (what failed), revoke_old.

    `revoke_old` asks for the revocation of each old certificate whose replacement was seen on the wire, now and as
    further ones are; `revocation_reason` is then an RFC 5280 word. Errors: not_found, action_not_allowed, invalid.
    """

    replacement_id: str
    action: str
    revocation_reason: str = "superseded"


@command(SERVICE, Permission.OPERATOR)
class SteerReplacementForAll(Request[ReplacementView]):
    """The same for any replacement, by an operator."""

    replacement_id: str
    action: str
    revocation_reason: str = "superseded"


@query(SERVICE, Permission.VIEW)
class ListReplacements(Request[Page[ReplacementView]]):
    """Mass replacements, newest first."""

    limit: int = 25
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class GetReplacement(Request[ReplacementView]):
    """One mass replacement. Errors: not_found."""

    replacement_id: str


@query(SERVICE, Permission.VIEW)
class ListReplacementOrders(Request[Page[ReplacementOrder]]):
    """Its orders by number, all or those of a `state`; `open` stands for all that are not done: the stragglers."""

    replacement_id: str
    state: str | None = None
    limit: int = 50
    cursor: str | None = None
