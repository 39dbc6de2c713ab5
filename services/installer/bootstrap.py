# SPDX-License-Identifier: Apache-2.0
"""Puts the installer together: settings, database, the agent's bundle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.installer.adapters.bundle import SourceBundle
from services.installer.adapters.random_tokens import RandomTokens
from services.installer.model.pace import Pace
from services.installer.model.policy import Policy
from services.installer.ports import AgentBundle, Tokens
from services.installer.projections import projections
from services.installer.projections.watching import keys_of_several_accounts
from services.installer.settings import InstallerSettings
from shared import metrics
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.settings import Settings


@dataclass
class App:
    """The installer's parts. `gateway` is the address that agents are shipped with."""

    room: Room
    settings: Settings
    policy: Policy
    pace: Pace
    bundle: AgentBundle
    tokens: Tokens
    gateway: str

    def measure(self) -> None:
        """Brings the metrics of this room up to date; called when somebody scrapes them."""
        with self.room.query() as connection:
            metrics.SHARED_KEYS.set(keys_of_several_accounts(connection))


def build(
    settings: Settings,
    *,
    installer: InstallerSettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    bundle: AgentBundle | None = None,
    tokens: Tokens | None = None,
) -> App:
    """Composes the installer; arguments replace the parts that tests own."""
    own = installer or InstallerSettings()
    bundle = bundle or SourceBundle(own.agent_source, own.agent_ca_file)
    database = Database.open("installer", settings)
    return App(
        room=Room("installer", database, projections, clock=clock or SystemClock(), ids=ids or RandomIds()),
        settings=settings,
        policy=Policy(
            version=bundle.version,
            connected_for=timedelta(seconds=own.connected_s),
            poll_after=own.poll_after_s,
            job_life=timedelta(hours=own.job_hours),
            ending_within=timedelta(days=own.ending_days),
        ),
        pace=Pace(own.polls_per_s),
        bundle=bundle,
        tokens=tokens or RandomTokens(),
        gateway=settings.public_url,
    )
