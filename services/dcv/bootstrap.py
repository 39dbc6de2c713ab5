# SPDX-License-Identifier: Apache-2.0
"""Puts validation together: settings, database, the ways out, mail."""

from __future__ import annotations

from dataclasses import dataclass

from services.dcv.adapters.lookup import WebAndDNSLookup
from services.dcv.adapters.mint import FileMint
from services.dcv.jobs import jobs
from services.dcv.ports import Lookup, SecretMint
from services.dcv.projections import projections
from services.dcv.settings import DCVSettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.guard import open_egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.mail.message import Mailer
from shared.mail.outlet import open_mailer
from shared.mail.settings import MailSettings
from shared.settings import Settings


@dataclass
class App:
    """The parts of the service."""

    room: Room
    settings: Settings
    own: DCVSettings
    lookup: Lookup
    mailer: Mailer
    mint: SecretMint


def build(
    settings: Settings,
    *,
    dcv: DCVSettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    lookup: Lookup | None = None,
    mailer: Mailer | None = None,
) -> App:
    """Composes validation; arguments replace the parts that tests own."""
    own = dcv or DCVSettings()
    room = Room(
        "dcv",
        Database.open("dcv", settings),
        projections,
        clock=clock or SystemClock(),
        ids=ids or RandomIds(),
        jobs=jobs,
    )
    return App(
        room=room,
        settings=settings,
        own=own,
        lookup=lookup or _lookup(own),
        mailer=mailer or open_mailer(MailSettings(), settings.data_dir),
        mint=FileMint(settings.data_dir / "dcv" / "mail.key"),
    )


def _lookup(own: DCVSettings) -> Lookup:
    egress = EgressSettings()
    resolver = DNSResolver(egress.nameservers, timeout_s=egress.dns_timeout_s)
    return WebAndDNSLookup(open_egress(egress), resolver, own)
