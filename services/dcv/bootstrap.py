# SPDX-License-Identifier: Apache-2.0
"""Puts validation together: settings, database, the ways out, mail."""

from __future__ import annotations

from dataclasses import dataclass

from services.dcv.adapters.contacts import open_contacts
from services.dcv.adapters.mint import FileMint
from services.dcv.adapters.preflight import open_preflight
from services.dcv.adapters.several import SeveralPerspectives
from services.dcv.jobs import jobs
from services.dcv.ports import Contacts, Lookup, Scout, SecretMint
from services.dcv.projections import projections
from services.dcv.settings import DCVSettings
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.perspectives import open_perspectives
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
    scout: Scout
    contacts: Contacts


def build(
    settings: Settings,
    *,
    dcv: DCVSettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    lookup: Lookup | None = None,
    mailer: Mailer | None = None,
    scout: Scout | None = None,
    contacts: Contacts | None = None,
) -> App:
    """Composes validation; arguments replace the parts that tests own."""
    own = dcv or DCVSettings()
    clock = clock or SystemClock()
    egress = EgressSettings()
    perspectives = open_perspectives(egress)
    room = Room(
        "dcv",
        Database.open("dcv", settings),
        projections,
        clock=clock,
        ids=ids or RandomIds(),
        jobs=jobs,
    )
    return App(
        room=room,
        settings=settings,
        own=own,
        lookup=lookup or SeveralPerspectives(perspectives, own, egress.corroboration, clock),
        mailer=mailer or open_mailer(MailSettings(), settings.data_dir),
        mint=FileMint(settings.data_dir / "dcv" / "mail.key"),
        scout=scout or open_preflight(egress, settings.caa_identities, clock=clock, settings=own),
        contacts=contacts or open_contacts(egress, clock),
    )
