# SPDX-License-Identifier: Apache-2.0
"""Places in lists: an opaque cursor that holds the key of the last item seen, so that nothing is skipped or shown
twice; or an order with an offset, for people who turn pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import NamedTuple

from shared.errors import ServiceError, invalid

_NUMBER_DIGITS = 18  # stays inside the integers of both databases
_SEPARATOR = "\x1f"
MAX_OFFSET = 100_000


class Ordering(NamedTuple):
    """By which word a list is ordered, in which direction, and how many items are passed over."""

    key: str
    descending: bool
    offset: int


def ordering(sort: str, offset: int, cursor: str | None, *, keys: Collection[str], default: str) -> Ordering:
    """The order that was asked for. `sort` is one of `keys`, descending with a leading `-`.

    Raises ServiceError `invalid`, also when a cursor comes with an offset or with another order than `default`: a
    cursor holds a key of the default order only.
    """
    key = sort.removeprefix("-")
    if key not in keys:
        raise invalid(f"Sort by one of {', '.join(keys)}; a leading - turns the order round.", "/sort")
    if not 0 <= offset <= MAX_OFFSET:
        raise invalid(f"The offset is between 0 and {MAX_OFFSET}.", "/offset")
    if cursor is not None and (offset or sort != default):
        raise invalid("A cursor goes with the order of the first page only: leave out sort and offset.", "/cursor")
    return Ordering(key, sort.startswith("-"), offset)


def cursor_at(*key: str | int) -> str:
    """The cursor after the item with this key."""
    text = _SEPARATOR.join(str(part) for part in key)
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def number_after(cursor: str) -> int:
    """The number that a cursor holds. Raises ServiceError `invalid`."""
    text = _read(cursor)
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
        raise _refusal()
    return int(text)


def pair_after(cursor: str) -> tuple[str, str]:
    """The two texts that a cursor holds. Raises ServiceError `invalid`."""
    first, separator, second = _read(cursor).rpartition(_SEPARATOR)
    if not separator:
        raise _refusal()
    return first, second


def _read(cursor: str) -> str:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise _refusal() from None
    if "\0" in text:  # PostgreSQL refuses to compare with it
        raise _refusal()
    return text


def _refusal() -> ServiceError:
    return invalid("This cursor is not one of ours. Start from the first page.", "/cursor")
