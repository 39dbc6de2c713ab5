# SPDX-License-Identifier: Apache-2.0
"""Time and identifiers, injected everywhere so that tests own both."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is, in UTC, to the microsecond."""

    def now(self) -> datetime:
        """The present moment."""
        ...


class Ids(Protocol):
    """Makes identifiers that nobody can guess."""

    def new(self) -> str:
        """A fresh identifier."""
        ...


class SystemClock:
    """The clock of the host."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)


class RandomIds:
    """Random UUIDs (RFC 9562 version 4)."""

    def new(self) -> str:
        """A fresh identifier."""
        return str(uuid.uuid4())


NAMESPACE = uuid.UUID("6f3c1d1e-52a1-5d0a-9a41-0c1f5d6b7e21")


def derived_id(*parts: str) -> str:
    """The same UUID for the same parts, always, such as one authorization per (account, FQDN)."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def to_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, sortable as text: `2026-11-23T11:14:05.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Reads what `to_text` wrote, and any RFC 3339 moment with a zone. Raises ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.astimezone(UTC)
