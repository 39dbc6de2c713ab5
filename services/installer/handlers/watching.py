# SPDX-License-Identifier: Apache-2.0
"""What the service itself sees of sites: certificates that end while no order is there for the next one."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.installer.model import findings as model
from services.installer.model import sites
from services.installer.model.policy import Policy
from services.installer.projections import watching as store
from shared.clock import to_text
from shared.contracts import orders
from shared.contracts.installer import SiteFinding
from shared.eventsourcing.envelope import Envelope
from shared.eventstore.room import Room
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


class Due(NamedTuple):
    """A site about whose end something else is to be said: `finding`, or that it is over."""

    server_id: str
    site_id: str
    agent_id: str
    account_id: str
    finding: SiteFinding | None


def due(room: Room, policy: Policy) -> list[Due]:
    """What ends without an order and is not told of, and what is told of and does no more. It only reads."""
    now = room.clock.now()
    until = to_text(now + policy.ending_within)
    found, after = [], None
    with room.query() as connection:
        while True:
            page = store.ending(connection, until, after)
            for one in page:
                wanted = model.names_of(one.site)
                covered = store.orders_with(connection, one.account_id, wanted[0]) if wanted else []
                finding = model.ends_without_order(one.site, covered, now, policy.ending_within)
                if one.until != (finding.until if finding is not None else None):
                    site = one.site
                    found.append(Due(site.server_id, site.site_id, one.agent_id, one.account_id, finding))
            if len(page) < store.PAGE:
                return found
            after = page[-1].site.site_id


def tell_end(uow: UnitOfWork, one: Due) -> None:
    """Says what is due about one site, if it is still there."""
    loaded = uow.load(sites.stream(one.server_id), sites.SITES)
    site = next((each for each in loaded.state.sites if each.site_id == one.site_id), None)
    if site is not None:
        whose = party(uow, one.server_id, one.agent_id, one.account_id)
        uow.append(loaded, *model.after_look(loaded.state, site, one.finding, whose))
