# SPDX-License-Identifier: Apache-2.0
"""What the clock does to orders."""

from __future__ import annotations

from services.orders.handlers.access import load_for_reaction
from services.orders.model import ending, installing, requesting
from shared.eventstore.unit_of_work import UnitOfWork


def expire_order(uow: UnitOfWork, order_id: str) -> None:
    """Ends an order whose term and certificate are over; decides again, since the list it came from may be old."""
    loaded = load_for_reaction(uow, order_id)
    events = ending.expire(loaded.state, uow.now)
    if events:
        uow.append(loaded, *events)


def reissue_order(uow: UnitOfWork, order_id: str) -> None:
    """Asks for the next certificate of a paid term at its moment, if its key can be made without a human."""
    loaded = load_for_reaction(uow, order_id)
    events = requesting.reissue_in_term(loaded.state, request_id=uow.new_id(), now=uow.now)
    if events:
        uow.append(loaded, *events)


def install_again(uow: UnitOfWork, order_id: str) -> None:
    """Tries those installations again whose time has come; decides again, since the list it came from may be old."""
    loaded = load_for_reaction(uow, order_id)
    events = installing.install_once_more(loaded.state, new_id=uow.new_id, now=uow.now)
    if events:
        uow.append(loaded, *events)
