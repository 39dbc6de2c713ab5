# SPDX-License-Identifier: Apache-2.0
"""What the service itself sees of sites: certificates that end while no order is there for the next one."""

from __future__ import annotations

from typing import Any

from services.installer.model import findings as model
from services.installer.model import sites
from services.installer.model.policy import Policy
from services.installer.projections import watching as store
from shared.clock import to_text
from shared.contracts import orders
from shared.contracts.base import Done
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.unit_of_work import UnitOfWork


def party(uow: UnitOfWork, server_id: str, agent_id: str, account_id: str) -> model.Party:
    """Whose server it is, and what was brought to its sites."""
    return model.Party(server_id, agent_id, account_id, lambda site_id: store.last_brought(uow.connection, site_id))


def on_order_changed(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
    """Which orders cover which names from now on."""
    match envelope.data:
        case orders.OrderPlaced() as placed:
            names = f" {' '.join(name.lower() for name in placed.names)} "
            store.cover(uow.connection, placed.order_id, account_id=placed.account_id, names=names)
        case orders.OrderPaid() as paid:
            store.cover(uow.connection, paid.order_id, paid=True)
        case ended:
            store.cover(uow.connection, ended.order_id, ended=True)


def look_at_ends(uow: UnitOfWork, _request: None, *, policy: Policy) -> Done:
    """Raises what ends without an order, and clears what does no more."""
    until = to_text(uow.now + policy.ending_within)
    for one in store.ending(uow.connection, until):
        site = one.site
        wanted = model.names_of(site)
        covered = store.orders_with(uow.connection, one.account_id, wanted[0]) if wanted else []
        finding = model.ends_without_order(site, covered, uow.now, policy.ending_within)
        if one.until == (finding.until if finding is not None else None):
            continue
        loaded = uow.load(sites.stream(site.server_id), sites.SITES)
        whose = party(uow, site.server_id, one.agent_id, one.account_id)
        uow.append(loaded, *model.after_look(loaded.state, site, finding, whose))
    return Done()
