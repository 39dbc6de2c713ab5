# SPDX-License-Identifier: Apache-2.0
"""What every service answers, whatever its subject: its log, its health, and its parked work.

These requests are sent with an explicit service name, since each room answers for itself.
"""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Done, Page, Permission, Request, View, command, query

ANY = "*"


class LogEntry(View):
    """One event as it crosses the wire: the envelope with its data as plain JSON."""

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    occurred_at: str
    recorded_at: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    hash: str
    cursor: str


class LogPage(View):
    """Entries after a cursor in log order; `cursor` is where to go on, also when no entry matched."""

    entries: list[LogEntry]
    cursor: str


@query(ANY, Permission.INTERNAL)
class ReadLog(Request[LogPage]):
    """Entries after `cursor` (`<xid>-<position>`), of the given types only when any are given."""

    cursor: str = "0-0"
    limit: int = 500
    types: list[str] = []


class DeadLetter(View):
    """Work that failed too often and waits for a person. `source` is `event` or `job`."""

    id: str
    service: str
    source: str
    name: str
    subject: str
    attempts: int
    error: str
    first_failed_at: str
    last_failed_at: str
    payload: dict[str, Any]


@query(ANY, Permission.OPERATOR)
class ListDeadLetters(Request[Page[DeadLetter]]):
    """Parked events and jobs, newest first."""

    limit: int = 50
    cursor: str | None = None


@query(ANY, Permission.OPERATOR)
class GetDeadLetter(Request[DeadLetter]):
    """One parked event or job with its payload and traceback."""

    id: str


@command(ANY, Permission.OPERATOR)
class ReplayDeadLetter(Request[Done]):
    """Puts it back to work at once, with its attempts set to zero."""

    id: str


@command(ANY, Permission.OPERATOR)
class DiscardDeadLetter(Request[Done]):
    """Gives it up for good; the record that it was discarded stays."""

    id: str


class Lag(View):
    """How far a reader is behind its log."""

    name: str
    events: int
    seconds: float


class Health(View):
    """One service's own view of itself."""

    service: str
    ready: bool
    version: str
    parts: dict[str, str]
    lags: list[Lag]
    dead_letters: int


@query(ANY, Permission.OPERATOR)
class GetHealth(Request[Health]):
    """Readiness by part (`database`, `broker`, `relay`), lags, and the number of dead letters."""
