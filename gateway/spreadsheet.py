# SPDX-License-Identifier: Apache-2.0
"""Lists as CSV (RFC 4180) that is safe to open: rows leave while the pages behind them are still being asked for.

Programs such as Excel take a cell that begins with = + - @ for a formula, whoever wrote it: a site's name comes from a
customer's host, a subject from a stranger's certificate. Such text gets an apostrophe (OWASP, "CSV Injection").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.exchange import Exchange, Raw
from gateway.route import MAX_LIMIT
from shared.clock import Clock, SystemClock
from shared.contracts.base import Request
from shared.contracts.paging import MAX_OFFSET
from shared.errors import Code, ServiceError

MEDIA = "text/csv"
FULL_MEDIA = "text/csv; charset=utf-8; header=present"
MOST_ROWS = 100_000
_FORMULAS = frozenset("=+-@\t\r\n＝＋－＠")  # full-width forms are read as their narrow ones
_QUOTED = frozenset('",;\t\r\n')  # the semicolon separates where the comma is in numbers


class Column(NamedTuple):
    """A heading and what stands below it for one item: text, or a `Number` that is written as it is."""

    heading: str
    value: Callable[[Any], Any]


class Number(str):
    """Decimal text that is a number, negative ones included."""

    __slots__ = ()


def money(amount: int) -> Number:
    """Minor units as decimal text: 4595 → 45.95."""
    sign, units = ("-" if amount < 0 else ""), abs(amount)
    return Number(f"{sign}{units // 100}.{units % 100:02d}")


def cell(value: Any) -> str:
    """One cell, neutral and quoted where it has to be."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Number):
        return str(value)
    text = ", ".join(value) if isinstance(value, list) else str(value)
    if text[:1] in _FORMULAS and text:
        text = f"'{text}"
    if not _QUOTED.isdisjoint(text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def line(values: Sequence[Any]) -> str:
    """One row with its line end."""
    return f"{','.join(cell(value) for value in values)}\r\n"


def sheet(name: str, columns: Sequence[Column], clock: Clock | None = None) -> Callable[[Exchange, Any], Raw]:
    """How a list's route answers with a file: for the `call` of a route, whose request is that of the list.

    The first page is asked for before anything is sent, so that a refusal is a refusal.
    """

    now = (clock or SystemClock()).now

    def export(exchange: Exchange, asked: Request[Any]) -> Raw:
        following = pages(exchange, asked)
        first = next(following)
        file_name = f"{name}-{now():%Y-%m-%d}.csv"
        return Raw(_rows(columns, first, following), FULL_MEDIA, file_name)

    return export


def fixed(request: type[Request[Any]], **values: Any) -> dict[str, Any]:
    """The fields of a list's request that are not the client's to choose when it wants all rows."""
    own = {"limit": MAX_LIMIT, "cursor": None, "offset": 0, "total": True}
    return {name: value for name, value in own.items() if name in request.__struct_fields__} | values


def _rows(columns: Sequence[Column], first: list[Any], pages: Iterator[list[Any]]) -> Iterator[bytes]:
    page: list[Any] | None = first
    head = line([column.heading for column in columns])
    while page is not None:
        body = "".join(line([column.value(item) for column in columns]) for item in page)
        yield (head + body).encode()
        head, page = "", next(pages, None)


def pages(exchange: Exchange, asked: Any) -> Iterator[list[Any]]:
    """All rows of a list, page after page. Raises ServiceError for more than a file may have."""
    defaults = {one.name: one.default for one in msgspec.structs.fields(type(asked))}
    # Cursors know the usual order only, and some lists have none.
    by_offset = "sort" in defaults and (asked.sort != defaults["sort"] or "cursor" not in defaults)
    page = exchange.send(asked)
    if page.total is not None and page.total > MOST_ROWS:
        detail = f"These are {page.total} rows; a file has at most {MOST_ROWS}. Narrow the list down."
        raise ServiceError(Code.INVALID, detail)
    if "total" in defaults:
        asked = msgspec.structs.replace(asked, total=False)
    rows = 0
    while True:
        yield page.items[: MOST_ROWS - rows]
        rows += len(page.items)
        if rows >= MOST_ROWS:  # the list grew meanwhile
            return
        if by_offset and len(page.items) == asked.limit and rows <= MAX_OFFSET:
            asked = msgspec.structs.replace(asked, offset=rows)
        elif page.next_cursor is not None:
            asked = msgspec.structs.replace(asked, cursor=page.next_cursor)
        else:
            return
        page = exchange.send(asked)
