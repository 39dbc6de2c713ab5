# SPDX-License-Identifier: Apache-2.0
"""What the console must know before anybody is signed in: what the installation calls itself, where its links lead."""

from __future__ import annotations

from typing import Any, ClassVar

from gateway.exchange import Exchange
from gateway.route import Route
from shared.contracts.base import Permission, Request, View
from shared.runtime.version import running_version


class ConsoleFacts(View):
    """Settings of the gateway. An empty link is not shown."""

    brand: str
    ca_brand: str
    version: str
    support_url: str
    support_email: str
    support_phone: str
    help_url: str
    scan_url: str
    scan_label: str


class GetConsole(Request[ConsoleFacts]):
    """How this installation calls itself. The gateway answers by itself; no service is asked."""

    SERVICE: ClassVar[str] = "gateway"
    METHOD: ClassVar[str] = "get_console"
    PERMISSION: ClassVar[Permission] = Permission.PUBLIC


def _facts(exchange: Exchange, _request: Any) -> ConsoleFacts:
    own = exchange.settings
    return ConsoleFacts(
        brand=own.brand,
        ca_brand=own.ca_brand,
        version=running_version(),
        support_url=own.support_url,
        support_email=own.support_email,
        support_phone=own.support_phone,
        help_url=own.help_url,
        scan_url=own.scan_url,
        scan_label=own.scan_label,
    )


ROUTES = (
    Route(
        method="GET", path="/api/v1/console", request=GetConsole, tag="Sign-in", call=_facts, reply=ConsoleFacts,
        summary="Names and links of this installation",
    ),
)  # fmt: skip
