# SPDX-License-Identifier: Apache-2.0
"""Puts the room together: database, the worker, the policy of addresses, the judgement."""

from __future__ import annotations

from dataclasses import dataclass

from services.discovery.adapters.hosts import open_hosts
from services.discovery.adapters.judge import CheckerJudge
from services.discovery.adapters.worker import WorkerProber
from services.discovery.jobs import jobs
from services.discovery.ports import Hosts, Judge, Prober
from services.discovery.projections import projections
from services.discovery.settings import DiscoverySettings
from shared.checker.others import open_others
from shared.clock import Clock, Ids, RandomIds, SystemClock
from shared.egress.settings import EgressSettings
from shared.eventstore.database import Database
from shared.eventstore.room import Room
from shared.settings import Settings


@dataclass
class App:
    """The parts of the service."""

    room: Room
    settings: Settings
    own: DiscoverySettings
    prober: Prober
    hosts: Hosts
    judge: Judge


def build(
    settings: Settings,
    *,
    discovery: DiscoverySettings | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    prober: Prober | None = None,
    hosts: Hosts | None = None,
    judge: Judge | None = None,
) -> App:
    """Opens the database and returns the room; arguments replace the parts that tests own."""
    own = discovery or DiscoverySettings()
    clock = clock or SystemClock()
    egress = EgressSettings()
    others = open_others(egress) if own.ask_others else None
    database = Database.open("discovery", settings)
    room = Room("discovery", database, projections, clock=clock, ids=ids or RandomIds(), jobs=jobs)
    return App(
        room=room,
        settings=settings,
        own=own,
        prober=prober or WorkerProber(),
        hosts=hosts or open_hosts(own, egress),
        judge=judge or CheckerJudge(own, clock, others),
    )
