# SPDX-License-Identifier: Apache-2.0
"""One writer of the hot stream bench: appends to one stream for some seconds, in turn or with optimistic retry."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from bench.eventstore_subject import Paid
from shared.clock import RandomIds, SystemClock
from shared.context import Context
from shared.errors import Code, ServiceError
from shared.eventsourcing.fold import Fold
from shared.eventstore.database import Database
from shared.eventstore.projections import Projections
from shared.eventstore.room import Room
from shared.eventstore.streams import Loaded
from shared.eventstore.unit_of_work import UnitOfWork
from shared.settings import Settings

FACT = Paid(amount=12500, currency="USD", reference="The quick brown fox jumps over the lazy dog.")
NOTHING: Fold[None] = Fold(lambda: None)
CONTEXT = Context(actor="user:1", account_id="account")


def in_turn(uow: UnitOfWork, stream: str) -> None:
    """Waits for its turn: no expected version."""
    uow.append_anywhere(stream, FACT)


def main(url: str, mode: str, stream: str, seconds: str) -> None:
    """Says when it is connected, waits for a line, and prints what it did."""
    database = Database.open("bench", Settings(database_url=url))
    room = Room("bench", database, Projections(), clock=SystemClock(), ids=RandomIds())
    room.events(stream)

    def attempt(uow: UnitOfWork, _: None) -> None:
        tip = room.streams.tip(uow.connection, stream)
        uow.append(Loaded(stream, NOTHING, None, tip), FACT)

    print("connected", flush=True)
    sys.stdin.readline()
    appended = 0
    began, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < float(seconds):
        if mode == "retry":
            while not _accepted(room, attempt):
                pass
        else:
            room.execute(in_turn, stream, CONTEXT)
        appended += 1
    result = {"appended": appended, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(result), flush=True)
    database.close()


def _accepted(room: Room, attempt: Callable[[UnitOfWork, None], None]) -> bool:
    """Whether the append came through; the room itself tries three times before it says no."""
    try:
        room.execute(attempt, None, CONTEXT)
    except ServiceError as error:
        if error.code != Code.CONFLICT:
            raise
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
