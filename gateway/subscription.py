# SPDX-License-Identifier: Apache-2.0
"""What stands behind a link to subscribe to: coming ends as a calendar (RFC 5545), alerts as RSS 2.0."""

from __future__ import annotations

import re
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from gateway import calendar_file
from gateway.exchange import Exchange, Raw
from shared.clock import from_text
from shared.contracts.alert_channels import Subscription
from shared.contracts.alerts import AlertView

RSS = "application/rss+xml"
_NOT_XML = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_HIDE = ("Cache-Control", "private, no-store")


def calendar(exchange: Exchange, reply: Any) -> Raw:
    """For the `answer` of a route."""
    found: Subscription = reply
    exchange.headers.append(_HIDE)
    lines = [
        *calendar_file.HEAD,
        *(line for end in found.ends for line in calendar_file.event(end, exchange.url)),
        "END:VCALENDAR",
    ]
    return Raw(b"".join(calendar_file.folded(line) for line in lines), calendar_file.FULL_MEDIA)


def rss(exchange: Exchange, reply: Any) -> Raw:
    """For the `answer` of a route."""
    found: Subscription = reply
    exchange.headers.append(_HIDE)
    site = exchange.url.rstrip("/")
    head = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<rss version="2.0"><channel>',
        f"<title>{_xml(found.name)}</title>",
        f"<link>{_xml(site)}/console/alerts</link>",
        "<description>Alerts of certificates that end, newest first</description>",
    ]
    items = [line for alert in found.alerts for line in _item(alert, site)]
    return Raw("\n".join([*head, *items, "</channel></rss>", ""]).encode(), f"{RSS}; charset=utf-8")


def _item(alert: AlertView, site: str) -> list[str]:
    return [
        "<item>",
        f"<title>{_xml(alert.text)}</title>",
        f"<description>{_xml(f'{alert.severity}, {alert.state}')}</description>",
        f"<link>{_xml(site)}/console/alerts</link>",
        f'<guid isPermaLink="false">{alert.alert_id}-{_xml(alert.raised_at)}</guid>',
        f"<pubDate>{format_datetime(from_text(alert.raised_at))}</pubDate>",
        "</item>",
    ]


def _xml(text: str) -> str:
    """Text of an element; what XML cannot hold is left out."""
    return escape(_NOT_XML.sub("", text))
