# SPDX-License-Identifier: Apache-2.0
"""Mass replacements: previewed, started, steered, and brought on by the clock (ADR 0023)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from services.orders.handlers.access import load_for_reaction
from services.orders.handlers.progress import find, scope_for, show
from services.orders.model import mass_replacement as model
from services.orders.model import replacing
from services.orders.model.mass_replacement import REPLACEMENT, Candidate, stream_of
from services.orders.model.order import stream_of as order_stream
from services.orders.projections import replaceable as tables
from services.orders.settings import OrdersSettings
from shared.context import Context, system
from shared.contracts import orders as c
from shared.errors import ServiceError
from shared.eventsourcing.event import Event
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

MOST_SHOWN = 200
REVOKED_A_ROUND = 100
# What was begun longer ago waits for an agent that is away, and does not count against the others.
FRESH = timedelta(minutes=10)
Selecting = c.PreviewReplacement | c.StartReplacement | c.StartReplacementForAll


def preview(room: Room, request: c.PreviewReplacement, context: Context) -> c.ReplacementPreview:
    """What starting would do now. Raises invalid."""
    selection = _selection(request)
    scope = scope_for(context)
    with room.query() as connection:
        found = [] if model.is_empty(selection) else tables.hit_by(connection, scope, selection)
        issuers = tables.choices(connection, scope, "issuer")
        key_types = tables.choices(connection, scope, "key_type")
    free = [one for one in found if not one.obstacle]
    left_out = [one for one in found if one.obstacle]
    ways = ("agent", "client", "hand")
    return c.ReplacementPreview(
        orders=len(free),
        sites=sum(len(one.sites) for one in free),
        servers=len({one.server_id for one in free if one.server_id}),
        by_way={way: sum(one.way == way for one in free) for way in ways},
        candidates=[_candidate(one) for one in free[:MOST_SHOWN]],
        left_out=[_candidate(one) for one in left_out[:MOST_SHOWN]],
        left_out_total=len(left_out),
        issuers=[c.ReplacementChoice(value=value, certificates=count) for value, count in issuers],
        key_types=[c.ReplacementChoice(value=value, certificates=count) for value, count in key_types],
    )


def start(uow: UnitOfWork, request: c.StartReplacement | c.StartReplacementForAll) -> c.ReplacementView:
    """Marks every order that is hit, in one transaction: a crash leaves all of it or nothing. Raises invalid."""
    selection = _selection(request)
    scope = scope_for(uow.context)
    # Of two that are started at once the second sees what the first has taken.
    uow.lock("replacements")
    found = [] if model.is_empty(selection) else tables.hit_by(uow.connection, scope, selection)
    replacement_id = uow.new_id()
    started, asked = model.start(
        found,
        selection,
        replacement_id=replacement_id,
        account_id=scope or "",
        reason=request.reason,
        exercise=request.exercise,
        now=uow.now,
    )
    uow.append(stream_of(replacement_id), started)
    _append_to_orders(uow, asked)
    return show(uow.connection, replacement_id)


def steer(uow: UnitOfWork, request: c.SteerReplacement | c.SteerReplacementForAll) -> c.ReplacementView:
    """Pause, resume, cancel, retry, revoke_old. Raises not_found, action_not_allowed, invalid."""
    replacement_id = request.replacement_id
    find(uow.connection, replacement_id, uow.context)
    loaded = uow.load(stream_of(replacement_id), REPLACEMENT)
    counts = tables.count_states(uow.connection, replacement_id)
    events = model.steer(
        loaded.state,
        request.action,
        seen=counts.get("seen", 0),
        withdrawn=counts.get("waiting", 0),
        revocation_reason=request.revocation_reason,
    )
    if request.action == "cancel":
        waiting = tables.orders_in(uow.connection, replacement_id, "waiting")
        _append_to_orders(
            uow,
            [
                c.ReplacementWithdrawn(order_id=order_id, account_id=account_id, replacement_id=replacement_id)
                for order_id, account_id in waiting
            ],
        )
    if request.action == "retry":
        for order_id, _ in tables.orders_in(uow.connection, replacement_id, "failed"):
            order = load_for_reaction(uow, order_id)
            again = replacing.try_again(order.state, new_id=uow.new_id, now=uow.now)
            if again:
                uow.append(order, *again)
    if events:
        uow.append(loaded, *events)
    return show(uow.connection, replacement_id)


def advance(room: Room, settings: OrdersSettings) -> None:
    """One round of the clock: begins what may be begun, revokes what may be revoked, ends what is over.

    Each order is a transaction of its own, so that one that cannot be served stops no other, and a crash in between
    loses nothing: what was begun says so itself.
    """
    with room.query() as connection:
        found = tables.looked_after(connection)
    for replacement_id, status, revokes in found:
        with room.query() as connection:
            due = (
                tables.to_begin(
                    connection,
                    replacement_id,
                    at_once=settings.replaced_at_once,
                    per_server=settings.replaced_per_server,
                    fresh_since=room.clock.now() - FRESH,
                )
                if status == "running"
                else []
            )
            old = tables.to_revoke(connection, replacement_id, REVOKED_A_ROUND) if revokes else []
        for order in due:
            _one(room, begin, (replacement_id, order.order_id))
        for order_id, serial in old:
            _one(room, revoke_old, (replacement_id, order_id, serial))
        if status in {"running", "paused"}:
            _one(room, complete, (replacement_id,))


def begin(uow: UnitOfWork, what: Sequence[str]) -> None:
    """Sets one order going; decides again, since the list it came from may be old."""
    replacement_id, order_id = what
    if uow.load(stream_of(replacement_id), REPLACEMENT).state.status != "running":
        return
    loaded = load_for_reaction(uow, order_id)
    events = replacing.begin(loaded.state, replacement_id, request_id=uow.new_id(), now=uow.now)
    if events:
        uow.append(loaded, *events)


def revoke_old(uow: UnitOfWork, what: Sequence[str]) -> None:
    """Asks for the revocation of one old certificate, if somebody asked for that."""
    replacement_id, order_id, serial = what
    reason = uow.load(stream_of(replacement_id), REPLACEMENT).state.revocation_reason
    loaded = load_for_reaction(uow, order_id)
    events = replacing.revoke_old(loaded.state, serial, reason) if reason else []
    if events:
        uow.append(loaded, *events)


def complete(uow: UnitOfWork, what: Sequence[str]) -> None:
    """Ends a replacement that has nothing left to do."""
    [replacement_id] = what
    loaded = uow.load(stream_of(replacement_id), REPLACEMENT)
    events = model.complete(loaded.state, tables.count_states(uow.connection, replacement_id))
    if events:
        uow.append(loaded, *events)


def _one(room: Room, step: Callable[[UnitOfWork, Sequence[str]], None], what: Sequence[str]) -> None:
    try:
        room.execute(step, what, system("orders"))
    except ServiceError as error:
        _log.warning("%s of a mass replacement did not succeed and is tried again: %s", step.__name__, error)


def _append_to_orders(uow: UnitOfWork, facts: Sequence[c.ReplacementAsked | c.ReplacementWithdrawn]) -> None:
    """One event to each order, in one go for each account: the metadata of events names it."""
    by_account: dict[str, dict[str, Event]] = {}
    for fact in facts:
        by_account.setdefault(fact.account_id, {})[order_stream(fact.order_id)] = fact
    for account_id in sorted(by_account):
        uow.append_to_each(by_account[account_id])


def _selection(request: Selecting) -> c.ReplacementSelection:
    return model.read_selection(request.issuer, request.key_type, request.serials, everything=request.everything)


def _candidate(one: Candidate) -> c.ReplacementCandidate:
    return c.ReplacementCandidate(
        order_id=one.order_id,
        number=one.number,
        account_id=one.account_id,
        common_name=one.common_name,
        serial=one.serial,
        issuer=one.issuer,
        key_type=one.key_type,
        way=one.way,
        sites=[c.PlacedSite(server_id=server_id, site_id=site_id) for server_id, site_id in one.sites],
        obstacle=one.obstacle,
        text=model.OBSTACLES.get(one.obstacle, ""),
    )
