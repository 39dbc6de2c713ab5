# SPDX-License-Identifier: Apache-2.0
"""Cursors of pages: opaque text that holds the key of the last item seen, so that nothing is skipped or shown twice."""

from __future__ import annotations

import base64
import binascii

from shared.errors import ServiceError, invalid

_NUMBER_DIGITS = 18  # stays inside the integers of both databases
_SEPARATOR = "\x1f"


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
