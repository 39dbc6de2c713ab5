# SPDX-License-Identifier: Apache-2.0
"""A preliminary look at names that are not ordered yet. Nothing is recorded."""

from __future__ import annotations

from services.dcv import projections
from services.dcv.model import authorization as model
from services.dcv.model.preflight import judge_name, option_of, worst_of
from services.dcv.ports import Scout
from shared.clock import from_text, to_text
from shared.context import Context
from shared.contracts.dcv import METHODS
from shared.contracts.preflight import HeldProof, PreflightView, RunPreflight
from shared.errors import invalid
from shared.eventstore.room import Room
from shared.pki.fqdn import FQDN, NameRefusedError
from shared.pki.rules import Rules

MOST_NAMES = 10


def run(room: Room, scout: Scout, request: RunPreflight, context: Context) -> PreflightView:
    """Looks at the names from every perspective. Errors: invalid."""
    if request.method and request.method not in METHODS:
        raise invalid(f"There is no method {request.method!r}. Choose one of {', '.join(METHODS)}.", "/method")
    names = list(dict.fromkeys(_read(name) for name in request.names))
    if not 0 < len(names) <= MOST_NAMES:
        raise invalid(f"Name between 1 and {MOST_NAMES} FQDNs.", "/names")
    now = room.clock.now()
    rules = Rules.at(now)
    # The transaction ends before anything outside is asked.
    proofs = {name: _proof(room, context, name) for name in names}
    judged = [
        judge_name(
            name,
            request.method,
            seen.perspectives,
            seen.caa,
            proofs[name],
            option=option_of(name, request.method, rules),
            rules=rules,
            profile=scout.profile,
        )
        for name, seen in zip(names, scout.look(names, request.method), strict=True)
    ]
    return PreflightView(
        method=request.method,
        profile=scout.profile,
        rules_version=rules.version,
        checked_at=to_text(now),
        verdict=worst_of(judged),
        names=judged,
    )


def _read(text: str) -> str:
    try:
        return FQDN.parse(text).text
    except NameRefusedError as error:
        raise invalid(error.detail, "/names") from None


def _proof(room: Room, context: Context, fqdn: str) -> HeldProof | None:
    """The account's proof that an order of today could use again."""
    if context.account_id is None:
        return None
    now = room.clock.now()
    with room.query() as connection:
        row = projections.find_authorization(connection, model.id_of(context.account_id, fqdn))
    if row is None or row.proved_at is None or row.expired:
        return None
    rules, proved = Rules.at(now), from_text(row.proved_at)
    if not rules.dcv_usable(proved, row.method, now):
        return None
    return HeldProof(
        method=row.method, proved_at=row.proved_at, expires_at=to_text(rules.dcv_expires(proved, row.method))
    )
