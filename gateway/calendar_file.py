# SPDX-License-Identifier: Apache-2.0
"""The ends of certificates as a calendar file (RFC 5545), for the calendar of whoever has to renew them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.exchange import Exchange, Raw
from gateway.spreadsheet import pages
from shared.clock import from_text
from shared.contracts.alert_channels import WatchedEnd
from shared.contracts.discovery import InventoryCertificate

MEDIA = "text/calendar"
FULL_MEDIA = "text/calendar; charset=utf-8"
NAME = "certificates.ics"
LONGEST = 75  # octets of a line, RFC 5545 §3.1
HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Certwright//Certificates//EN", "METHOD:PUBLISH")


def export(exchange: Exchange, asked: Any) -> Raw:
    """For the `call` of a route whose request is the list of certificates; the first page is asked for before anything
    is sent, so that a refusal is a refusal."""
    following = pages(exchange, asked)
    first = next(following)
    return Raw(_lines(exchange.url, first, following), FULL_MEDIA, NAME)


def _lines(url: str, first: list[Any], following: Iterator[list[Any]]) -> Iterator[bytes]:
    yield _text(HEAD)
    page: list[Any] | None = first
    while page is not None:
        yield b"".join(_text(event(one, url)) for one in page)
        page = next(following, None)
    yield _text(("END:VCALENDAR",))


def event(found: InventoryCertificate | WatchedEnd, url: str) -> list[str]:
    """The lines of one certificate's end, not folded yet. The same certificate is the same event in each file."""
    end = f"{from_text(found.not_after):%Y%m%dT%H%M%SZ}"
    name = found.names[0] if found.names else found.serial
    said = "\n".join([*found.names, f"Serial number: {found.serial}"])
    order = [f"URL:{url.rstrip('/')}/console/orders/{found.order_id}"] if found.order_id else []
    return [
        "BEGIN:VEVENT",
        f"UID:{found.fingerprint_sha256}@certwright",
        f"DTSTAMP:{end}",
        f"DTSTART:{end}",
        f"DTEND:{end}",
        f"SUMMARY:{escaped(f'Certificate for {name} ends')}",
        f"DESCRIPTION:{escaped(said)}",
        *order,
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def escaped(text: str) -> str:
    """A value of type TEXT (RFC 5545 §3.3.11), without control characters."""
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(one for one in plain if one >= " " and one != "\x7f")


def folded(line: str) -> bytes:
    """The line in pieces of at most 75 octets, none cut inside of a character."""
    out, piece = [], b""
    for character in line:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > LONGEST:
            out.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*out, piece]) + b"\r\n"


def _text(lines: tuple[str, ...] | list[str]) -> bytes:
    return b"".join(folded(line) for line in lines)
