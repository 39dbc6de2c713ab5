# SPDX-License-Identifier: Apache-2.0
"""What a mass replacement looks like: what it hits, how far it is, and who is late."""

from __future__ import annotations

from shared.contracts.base import View
from shared.contracts.orders.views import BlockedOn


class PlacedSite(View):
    """A site that an agent of a server has put a certificate on."""

    server_id: str
    site_id: str


class ReplacementSelection(View):
    """Which certificates: by `issuer` (as certificates name it), `key_type` (such as rsa-2048) and `serials`
    (upper-case hex); what is given must hold together. With nothing given, `everything` has to be said.
    """

    issuer: str = ""
    key_type: str = ""
    serials: list[str] = []
    everything: bool = False


class ReplacementChoice(View):
    """A value that certificates in use have, and how many have it."""

    value: str
    certificates: int


class ReplacementCandidate(View):
    """An order whose certificate is hit. `way` is who makes the next key: agent, client (an ACME client) or hand.

    `obstacle` is empty, or why it cannot be replaced: `no_such_certificate`, `replaced_before`, `not_in_use`,
    `being_replaced`; `text` says so in words. An unknown serial has no order.
    """

    order_id: str
    number: int
    account_id: str
    common_name: str
    serial: str
    issuer: str
    key_type: str
    way: str
    sites: list[PlacedSite]
    obstacle: str = ""
    text: str = ""


class ReplacementPreview(View):
    """What a replacement would do now. `by_way` counts those that can be replaced; `left_out` are those that cannot.

    `candidates` and `left_out` show the first 200. `issuers` and `key_types` are what there is to choose from.
    """

    orders: int
    sites: int
    servers: int
    by_way: dict[str, int]
    candidates: list[ReplacementCandidate]
    left_out: list[ReplacementCandidate]
    left_out_total: int
    issuers: list[ReplacementChoice]
    key_types: list[ReplacementChoice]


class ReplacementView(View):
    """A mass replacement. `status` is running, paused, cancelled or completed.

    `by_state` counts its orders: waiting, making (key and certificate), installing, failed, seen (on the wire), unseen
    (issued; no agent looks where it is used), ended (revoked or expired), withdrawn. `open` are those still to do.
    `due_24h` and `due_5d` are when a CA must have revoked the old ones (BR 4.9.1.1), counted from the start.
    `revoked` counts old certificates that are revoked; `revocation_reason` is empty until that was asked for.
    """

    replacement_id: str
    account_id: str
    status: str
    exercise: bool
    reason: str
    selection: ReplacementSelection
    started_at: str
    started_by: str
    due_24h: str
    due_5d: str
    ended_at: str | None
    last_seen_at: str | None
    orders: int
    sites: int
    by_state: dict[str, int]
    open: int
    revocation_reason: str
    revoked: int
    actions: list[str]


class ReplacementOrder(View):
    """One order of a mass replacement, and if it is not done, what it waits for, who must act, and how."""

    order_id: str
    number: int
    account_id: str
    common_name: str
    way: str
    state: str
    old_serial: str
    new_serial: str
    server_id: str
    sites: int
    open_sites: list[PlacedSite]
    begun_at: str | None
    issued_at: str | None
    seen_at: str | None
    old_revoked_at: str | None
    reason: str = ""
    code: str = ""
    blocked_on: list[BlockedOn] = []
