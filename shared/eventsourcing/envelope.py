# SPDX-License-Identifier: Apache-2.0
"""What surrounds a fact: where it stands in its stream and in the log, when, why and for whom it happened."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import msgspec

from shared.eventsourcing.event import Event

D_co = TypeVar("D_co", bound=Event, covariant=True)


class Metadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Causes and parties of an event. Identifiers only: no names, no addresses, no secrets."""

    actor: str = "public"
    account_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    command_id: str | None = None
    trace_id: str | None = None


class Cursor(NamedTuple):
    """A place in a service's log. Both parts are needed: commit order and insert order differ on PostgreSQL."""

    xid: int = 0
    position: int = 0

    def __str__(self) -> str:
        return f"{self.xid}-{self.position}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Reads `<xid>-<position>`. Raises ValueError."""
        xid, position = text.split("-")
        return cls(int(xid), int(position))


class Envelope(msgspec.Struct, Generic[D_co], frozen=True, kw_only=True):
    """One stored event. `version` counts 1, 2, 3 … per stream without a gap; moments are RFC 3339 text in UTC."""

    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    occurred_at: str
    recorded_at: str
    data: D_co
    metadata: Metadata
    hash: str
    cursor: Cursor = Cursor()
