# SPDX-License-Identifier: Apache-2.0
"""Puts alerts together: database, feed, mail."""

from __future__ import annotations

from dataclasses import dataclass

from services.alerts.adapters.balances import AskedBalances
from services.alerts.adapters.contacts import AskedContacts
from services.alerts.adapters.proofs import AskedProofs
from services.alerts.adapters.webhooks import GuardedHooks
from services.alerts.handlers.feed import FeedWriter
from services.alerts.jobs import jobs
from services.alerts.ports import Balances, Contacts, Hooks, Proofs
from services.alerts.settings import AlertsSettings
from services.alerts.tables import projections
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.guard import open_egress
from shared.egress.settings import EgressSettings
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.mail.folder import MailFolder
from shared.mail.message import Mailer
from shared.mail.outlet import open_folder, open_mailer
from shared.mail.settings import MailSettings
from shared.sealing import FileSealer, Sealer
from shared.settings import Settings


@dataclass
class App:
    """The parts of the service. `folder` is where mails lie when there is no mail server."""

    room: Room
    settings: Settings
    own: AlertsSettings
    feed: FeedWriter
    contacts: Contacts
    balances: Balances
    proofs: Proofs
    mailer: Mailer
    folder: MailFolder
    hooks: Hooks
    sealer: Sealer


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    contacts: Contacts | None = None,
    balances: Balances | None = None,
    proofs: Proofs | None = None,
    mailer: Mailer | None = None,
    hooks: Hooks | None = None,
) -> App:
    """Composes alerts; arguments replace the parts that tests own."""
    database = Database.open("alerts", settings)
    room = Room("alerts", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds(), jobs=jobs)
    mail, egress, own = MailSettings(), EgressSettings(), AlertsSettings()
    return App(
        room=room,
        settings=settings,
        own=own,
        feed=FeedWriter(room),
        contacts=contacts or AskedContacts(),
        balances=balances or AskedBalances(),
        proofs=proofs or AskedProofs(),
        mailer=mailer or open_mailer(mail, settings.data_dir),
        folder=open_folder(mail, settings.data_dir),
        hooks=hooks or GuardedHooks(open_egress(egress), plain=bool(egress.allow_networks)),
        sealer=FileSealer(own.secret_key_file or settings.data_dir / "alerts.key"),
    )
