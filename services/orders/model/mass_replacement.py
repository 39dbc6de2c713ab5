# SPDX-License-Identifier: Apache-2.0
"""A mass replacement: chosen, started, paused, given up, completed. Which orders are how far is told by their own
events; this is the decision about all of them (ADR 0023)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from services.orders.model.ending import REASONS
from services.orders.model.issuing import normal_serial
from shared.clock import from_text, to_text
from shared.contracts import orders as c
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.event import Event
from shared.eventsourcing.fold import Fold

MOST_ORDERS = 20_000
MOST_SERIALS = 5_000
MAX_REASON = 1_000  # characters
# BR 4.9.1.1: a CA shall revoke within 24 hours for the first list of reasons (a key that is compromised, a subscriber
# who asks, a proof that cannot be relied on), and within five days for the second (a certificate against the rules).
FIRST_CLOCK, SECOND_CLOCK = timedelta(hours=24), timedelta(days=5)

STATES = ("waiting", "making", "installing", "failed", "seen", "unseen", "ended", "withdrawn")
OPEN = ("waiting", "making", "installing", "failed")
IN_FLIGHT = ("making", "installing")
ACTIONS: dict[str, tuple[str, ...]] = {
    "running": ("pause", "retry", "cancel", "revoke_old"),
    "paused": ("resume", "cancel", "revoke_old"),
    "cancelled": ("revoke_old",),
    "completed": ("revoke_old",),
}
# Why a certificate that was named cannot be replaced.
OBSTACLES: Mapping[str, str] = {
    "no_such_certificate": "There is no certificate with this serial number.",
    "replaced_before": "A newer certificate of the same order has taken its place.",
    "not_in_use": "Its order is not in use any more.",
    "being_replaced": "Another mass replacement that is not over has it already.",
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An order in use whose newest certificate is hit, as the read model has it."""

    order_id: str
    account_id: str
    number: int
    common_name: str
    serial: str
    issuer: str
    key_type: str
    csr_version: int
    way: str
    server_id: str
    sites: tuple[tuple[str, str], ...] = ()
    obstacle: str = ""


class MassReplacement(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of its history. `status` is empty before it was started."""

    replacement_id: str = ""
    account_id: str = ""
    status: str = ""
    exercise: bool = False
    revocation_reason: str = ""


def stream_of(replacement_id: str) -> str:
    """The name of its stream."""
    return f"replacement-{replacement_id}"


def read_selection(issuer: str, key_type: str, serials: Sequence[str], *, everything: bool) -> c.ReplacementSelection:
    """The selection in its only form; an empty one is none. Raises invalid."""
    if len(serials) > MOST_SERIALS:
        raise invalid(f"At most {MOST_SERIALS} serial numbers at once.", "/serials")
    numbers = []
    for place, text in enumerate(serials):
        number = normal_serial(text.strip())
        if len(number) > 40 or not all(digit in "0123456789ABCDEF" for digit in number):
            raise invalid("A serial number is hexadecimal, such as 0A1B2C.", f"/serials/{place}")
        numbers.append(number)
    for text, pointer in ((issuer, "/issuer"), (key_type, "/key_type")):
        if len(text) > 500 or not text.isprintable():
            raise invalid("Take one of the values that the preview gives.", pointer)
    if everything and (issuer or key_type or serials):
        raise invalid("Either everything, or what you choose by issuer, key type or serial numbers.", "/everything")
    return c.ReplacementSelection(
        issuer=issuer.strip(), key_type=key_type.strip(), serials=list(dict.fromkeys(numbers)), everything=everything
    )


def is_empty(selection: c.ReplacementSelection) -> bool:
    """Whether nothing is selected."""
    return selection == c.ReplacementSelection()


def start(
    candidates: Collection[Candidate],
    selection: c.ReplacementSelection,
    *,
    replacement_id: str,
    account_id: str,
    reason: str,
    exercise: bool,
    now: datetime,
) -> tuple[c.MassReplacementStarted, list[c.ReplacementAsked]]:
    """The replacement and what it asks of each order that is free for it. Raises invalid."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise invalid(f"Say why, for those who read the history, in at most {MAX_REASON} characters.", "/reason")
    if is_empty(selection):
        raise invalid("Choose an issuer, a key type or serial numbers, or say that you mean everything.", "/everything")
    chosen = [one for one in candidates if not one.obstacle]
    if not chosen:
        raise invalid("No certificate that can be replaced is hit by this. See the preview.", "/everything")
    if len(chosen) > MOST_ORDERS:
        raise invalid(f"This hits {len(chosen)} certificates; at most {MOST_ORDERS} at once.", "/everything")
    started = c.MassReplacementStarted(
        replacement_id=replacement_id,
        account_id=account_id,
        selection=selection,
        reason=reason.strip(),
        exercise=exercise,
        orders=len(chosen),
        sites=sum(len(one.sites) for one in chosen),
    )
    return started, [_asked(one, replacement_id, now) for one in chosen]


def _asked(one: Candidate, replacement_id: str, now: datetime) -> c.ReplacementAsked:
    return c.ReplacementAsked(
        order_id=one.order_id,
        account_id=one.account_id,
        replacement_id=replacement_id,
        number=one.number,
        common_name=one.common_name,
        serial=one.serial,
        csr_version=one.csr_version,
        way=one.way,
        server_id=one.server_id,
        sites=[c.PlacedSite(server_id=server_id, site_id=site_id) for server_id, site_id in one.sites],
        at=to_text(now),
    )


def actions_of(state: MassReplacement, seen: int) -> list[str]:
    """What may be done with it. `seen`: how many orders serve the new certificate."""
    return [
        action
        for action in ACTIONS[state.status]
        if action != "revoke_old" or (seen and not state.exercise and not state.revocation_reason)
    ]


def steer(state: MassReplacement, action: str, *, seen: int, withdrawn: int, revocation_reason: str) -> list[Event]:
    """Pause, resume, cancel, retry or revoke_old. Raises action_not_allowed, invalid."""
    allowed = actions_of(state, seen)
    if action not in {each for actions in ACTIONS.values() for each in actions}:
        raise invalid("The action is one of pause, resume, cancel, retry, revoke_old.", "/action")
    if action not in allowed:
        detail = f"The replacement is {state.status}. Possible: {', '.join(allowed) or 'nothing'}."
        if action == "revoke_old" and state.exercise:
            detail = "This is an exercise: the old certificates stay as they are."
        raise ServiceError(Code.ACTION_NOT_ALLOWED, detail, extra={"action": action, "status": state.status})
    who = {"replacement_id": state.replacement_id, "account_id": state.account_id}
    match action:
        case "pause":
            return [c.MassReplacementPaused(**who)]
        case "resume":
            return [c.MassReplacementResumed(**who)]
        case "cancel":
            return [c.MassReplacementCancelled(**who, withdrawn=withdrawn)]
        case "revoke_old":
            if revocation_reason not in REASONS:
                raise invalid(f"The reason is one of {', '.join(REASONS)}.", "/revocation_reason")
            return [c.ReplacedRevocationRequested(**who, reason=revocation_reason)]
        case _:
            return []


def complete(state: MassReplacement, by_state: Mapping[str, int]) -> list[Event]:
    """It is over when no order is left to do."""
    if state.status not in {"running", "paused"} or any(by_state.get(each) for each in OPEN):
        return []
    return [
        c.MassReplacementCompleted(
            replacement_id=state.replacement_id,
            account_id=state.account_id,
            seen=by_state.get("seen", 0),
            unseen=by_state.get("unseen", 0),
            ended=by_state.get("ended", 0),
        )
    ]


def clocks(started_at: str) -> tuple[str, str]:
    """When the first and the second clock of the Baseline Requirements run out (RFC 3339)."""
    moment = from_text(started_at)
    return to_text(moment + FIRST_CLOCK), to_text(moment + SECOND_CLOCK)


REPLACEMENT: Fold[MassReplacement] = Fold(MassReplacement)


@REPLACEMENT.on(c.MassReplacementStarted)
def _started(_state: MassReplacement, event: c.MassReplacementStarted) -> MassReplacement:
    return MassReplacement(
        replacement_id=event.replacement_id, account_id=event.account_id, status="running", exercise=event.exercise
    )


@REPLACEMENT.on(c.MassReplacementPaused)
def _paused(state: MassReplacement, _event: c.MassReplacementPaused) -> MassReplacement:
    return replace(state, status="paused")


@REPLACEMENT.on(c.MassReplacementResumed)
def _resumed(state: MassReplacement, _event: c.MassReplacementResumed) -> MassReplacement:
    return replace(state, status="running")


@REPLACEMENT.on(c.MassReplacementCancelled)
def _cancelled(state: MassReplacement, _event: c.MassReplacementCancelled) -> MassReplacement:
    return replace(state, status="cancelled")


@REPLACEMENT.on(c.MassReplacementCompleted)
def _completed(state: MassReplacement, _event: c.MassReplacementCompleted) -> MassReplacement:
    return replace(state, status="completed")


@REPLACEMENT.on(c.ReplacedRevocationRequested)
def _revoking(state: MassReplacement, event: c.ReplacedRevocationRequested) -> MassReplacement:
    return replace(state, revocation_reason=event.reason)
