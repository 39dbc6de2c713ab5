# SPDX-License-Identifier: Apache-2.0
"""The feed: every event of every room once, in one order, so that reading on from a position never misses one.

Positions are given under a lock that is held until the commit: whoever sees position n has seen, or can see, all before
it. A sequence of the database would not promise that (models.md §4.11).
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import msgspec

from services.alerts.model.audit import by_person, summary_of
from services.alerts.model.feed import account_of, cloudevent, publisher_of
from services.alerts.projections import feed as store
from shared.clock import to_text
from shared.context import Context, system
from shared.contracts.alerts import FeedEvent, FeedPage, ReadFeed
from shared.errors import Code, ServiceError, invalid
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.retries import NotYet
from shared.eventstore.room import Room
from shared.eventstore.unit_of_work import UnitOfWork

MAX_PAGE = 500
GATHER_S = 0.02  # readers look twice a second; so long the writer waits for events to share its transaction
MAX_TYPES = 100
MAX_POSITION = 2**63 - 1
_json = msgspec.json.Encoder()


def write(uow: UnitOfWork, batch: list[Envelope[Any]]) -> set[str]:
    """Appends the events that the feed does not hold yet. Returns the ids of those whose account is not known yet.

    An event that does not say whose it is belongs to the account of its stream's other events. When it is the first of
    its stream, it is nobody's, and operators alone see it.
    """
    head = store.hold_head(uow.connection)
    done = store.known(uow.connection, [each.event_id for each in batch])
    new = {each.event_id: each for each in batch if each.event_id not in done}
    before = store.owners_of(uow.connection, {_stream(each) for each in new.values()})
    owners = dict(before)
    for each in new.values():
        account = account_of(each)
        if account is not None:
            owners[_stream(each)] = account
        elif each.version == 1:
            owners.setdefault(_stream(each), None)
    waiting = {event_id for event_id, each in new.items() if _stream(each) not in owners}
    rows = []
    for event_id, each in new.items():
        if event_id not in waiting:
            account = account_of(each) or owners[_stream(each)]
            said = cloudevent(each, account)
            rows.append(
                {
                    "event_id": event_id,
                    "account_id": account,
                    "type": each.type,
                    "at": each.occurred_at,
                    "cloudevent": _json.encode(said).decode(),
                    "actor": said["actor"],
                    "by_person": int(by_person(said["actor"])),
                    "subject": said["subject"],
                    "summary": summary_of(each.type, said["data"]),
                }
            )
    store.learn_owners(uow.connection, before, owners)
    store.append(uow.connection, head, rows)
    return waiting


def _stream(envelope: Envelope[Any]) -> str:
    return f"{publisher_of(envelope)}:{envelope.stream}"


class _Entry:
    __slots__ = ("done", "envelope", "error")

    def __init__(self, envelope: Envelope[Any]) -> None:
        self.envelope = envelope
        self.done = False
        self.error: BaseException | None = None


class FeedWriter:
    """Group commit: events that arrive while one transaction runs share the next one.

    The feed takes every event of the system; a transaction for each would cost more than all other reactions together.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._queue: list[_Entry] = []
        self._turn = threading.Lock()

    def add(self, envelope: Envelope[Any]) -> None:
        """Returns when the event is in the feed, whether it was before or not.

        Raises NotYet when its account is not known yet, and whatever the database raises.
        """
        entry = _Entry(envelope)
        self._queue.append(entry)
        with self._turn:
            if not entry.done:
                time.sleep(GATHER_S)
                self._write_all()
        if entry.error is not None:
            raise entry.error

    def _write_all(self) -> None:
        batch, self._queue = self._queue, []
        error: BaseException | None = None
        waiting: set[str] = set()
        try:
            events = [entry.envelope for entry in batch]
            waiting = self._room.execute(write, events, system("alerts"))
        except Exception as failure:  # noqa: BLE001 - every one who waits is told
            error = failure
        for entry in batch:
            entry.done = True
            entry.error = error
            if entry.envelope.event_id in waiting:
                entry.error = NotYet(f"the account of {entry.envelope.stream} is not known yet")


def read(room: Room, request: ReadFeed, context: Context) -> FeedPage:
    """Events of the own account after a position; operators without an account get everybody's.

    `next_after` is where to go on; on a page that is not full it is the end of the feed. Errors: invalid, forbidden.
    """
    if context.account_id is None and not context.operator:
        raise ServiceError(Code.FORBIDDEN, "The feed belongs to a customer's account; sign in as a user of one.")
    if not 1 <= request.limit <= MAX_PAGE:
        raise invalid(f"Ask for 1 to {MAX_PAGE} events.", "/limit")
    if not 0 <= request.after <= MAX_POSITION:
        raise invalid("A position is a whole number from 0.", "/after")
    if len(request.types) > MAX_TYPES:
        raise invalid(f"At most {MAX_TYPES} types.", "/types")
    with room.query() as connection:
        end = store.newest(connection)  # before the rows: what is committed later must not be passed over
        rows = store.read(
            connection, request.after, request.limit, account_id=context.account_id, types=set(request.types)
        )
    events = [FeedEvent(position=position, cloudevent=msgspec.json.decode(said)) for position, said in rows]
    last = events[-1].position if events else request.after
    return FeedPage(events=events, next_after=last if len(events) == request.limit else max(last, end))


def head(room: Room) -> FeedPage:
    """The newest position only."""
    with room.query() as connection:
        return FeedPage(events=[], next_after=store.newest(connection))


def prune(uow: UnitOfWork, days: int) -> None:
    """Forgets events older than so many days. The logs of the rooms keep them for ever."""
    store.prune(uow.connection, to_text(uow.now - timedelta(days=days)))
